"""The operation behind the links to results."""

from typing import Any

from cutline.openapi import native
from cutline.openapi.operation import path_parameter


def paths() -> dict[str, Any]:
    """`GET` and `HEAD /r/{token}`."""
    moved = {
        "description": "To the file, or to the WebP of a PNG where `Accept` names that as an `<img>` does.",
        "headers": {"Location": {"schema": {"type": "string", "format": "uri"}}},
    }
    token = path_parameter("token", "From a result's link.", "sample.png")
    nothing = {"description": "Unknown or expired."}
    return {
        "/r/{token}": {
            **native.get("followLink", "A result, by its link", {"302": moved, "404": native.lost()}, token),
            "head": native.get("lookBehindLink", "Its headers", {"302": moved, "404": nothing}, token)["get"],
        }
    }


def components() -> dict[str, dict[str, Any]]:
    """None."""
    return {}
