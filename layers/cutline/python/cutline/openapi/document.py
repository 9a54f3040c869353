"""The OpenAPI 3.1 document of everything that the gateway routes (https://spec.openapis.org/oas/v3.1.1)."""

from functools import cache
from typing import Any

import cutline
from cutline.contracts.apis import APIS
from cutline.openapi import native
from cutline.openapi.parts import all_components, all_paths


def document(base_url: str) -> dict[str, Any]:
    """The document as it is valid at `base_url`."""
    return {**_document(), "servers": [{"url": base_url}]}


@cache
def _document() -> dict[str, Any]:
    titles = [*(contract.TITLE for contract in APIS.values()), native.TAG]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cutline",
            "version": cutline.__version__,
            "summary": "Background removal, wire-compatible with commercial APIs.",
            "description": "Clients of these APIs change a host name and a key. "
            "Examples of answers are made by the code that answers calls.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [],
        "tags": [{"name": title} for title in titles],
        "paths": all_paths(),
        "components": all_components(),
    }
