"""remove.bg in the document (contracts.md 6.1)."""

import json
from collections.abc import Mapping
from typing import Any

from cutline.contracts import removebg
from cutline.contracts.removebg_fields import FORMATS, KINDS, SHADOW_TYPES, SIZES, FieldRefused, RemoveBgOptions
from cutline.openapi import examples
from cutline.openapi.finish import finish_fields
from cutline.openapi.operation import SAVED_AS, Api, body, header, operation, responses, security_name
from cutline.openapi.schema import (
    Schema,
    always,
    base64,
    choice,
    closed,
    file,
    integer,
    number,
    ref,
    source,
    text,
)
from cutline.pipeline.layout.framing import Box
from cutline.pipeline.options import SingleFileMetadata

FACTS: Mapping[str, Any] = {}
_METADATA = SingleFileMetadata("image/png", person=False, box=Box(30, 30, 90, 90), max_size=(120, 120))
_FILES = ("image/png", "image/jpeg", "image/webp", "image/avif", "application/zip")
_PIXELS = ("X-Width", "X-Height", "X-Max-Width", "X-Max-Height")
_API = Api(
    removebg,
    examples.job(removebg, RemoveBgOptions(as_json=True)),
    examples.outcome("image", metadata=_METADATA),
    shapes=("RbgResult",),
    fault="RbgError",
    headers={
        **dict.fromkeys(_PIXELS, "RbgPixels"),
        "X-Type": "RbgType",
        "X-Credits-Charged": "RbgCredits",
        "X-RateLimit-Limit": "RbgRate",
        "X-RateLimit-Remaining": "RbgRate",
        "X-RateLimit-Reset": "RbgRate",
    },
    files=_FILES,
)
_BOOLEAN = {"enum": ["true", "false", "1", "0"]}
_LENGTH = r"[0-9]{1,3}(px|%)"


def paths() -> dict[str, Any]:
    """Return its three paths."""
    remove, improve, account = removebg.ROUTES
    return {remove: {"post": _remove()}, improve: {"post": _improve()}, account: {"get": _account()}}


def components() -> dict[str, dict[str, Any]]:
    """Return its schemas and headers; its credential is another API's."""
    headers = {
        "RbgPixels": header("Width or height of the result; Max: with the largest `size`.", pattern="^[0-9]+$"),
        "RbgType": header("The subject's type; absent with `type_level` none."),
        "RbgCredits": header("Credits: 1, of which the account has one less.", pattern="^1$"),
        "RbgRate": header(
            "Calls a minute, those left, and the unix second of the next full minute.", pattern="^[0-9]+$"
        ),
    }
    return {"schemas": _schemas(), "headers": headers}


def _remove() -> dict[str, Any]:
    fields = _fields()
    optional = tuple(fields)
    files = {"image_file": file("The picture."), "bg_image_file": file("A background picture.")}
    form = closed({**files, **fields}, (*optional, *files))
    example = {"size": "auto", "image_file_b64": examples.PICTURE}
    return operation(
        _API,
        "removeBackground",
        "Remove the background",
        "Send exactly one of `image_file`, `image_file_b64` and `image_url`. The response is the file itself, or JSON "
        "if `Accept` prefers that.",
        **{SAVED_AS: "no-bg.png"},
        parameters=[ref("IdempotencyKey", "parameters")],
        requestBody=body(
            {
                "multipart/form-data": (form, {"image_file": "photo.jpg", "size": "auto"}),
                "application/x-www-form-urlencoded": (closed(fields, optional), example),
                "application/json": (closed(fields, optional), example),
            }
        ),
    )


def _fields() -> dict[str, Schema]:
    length = f"^{_LENGTH}"
    return {
        "image_file_b64": base64("The picture as base64; instead of a file."),
        "image_url": source("URL of the picture, or an upload's `source`; instead of a file."),
        "size": choice(
            "Maximum size of the result: preview 0.25 megapixels, medium 1.5, hd 4, full 25 (PNG 10).",
            list(SIZES),
            "preview",
        ),
        "type": choice("What to look for.", list(KINDS), "auto"),
        "type_level": choice("Detail of the `X-Type` header; none omits it.", ("none", "1", "2", "latest"), "1"),
        "format": choice("auto is PNG if anything is transparent, else JPEG.", list(FORMATS), "auto"),
        "roi": text(
            "Region of interest, x1 y1 x2 y2: everything outside is background.", pattern=f"{length}( {_LENGTH}){{3}}$"
        ),
        "crop": {**_BOOLEAN, "description": "Crop to the subject."},
        "crop_margin": text(
            "Margin around the cropped subject.", pattern=r"^([1-4]?[0-9](px|%))( [1-4]?[0-9](px|%))?$"
        ),
        "scale": text("The subject's share of the canvas.", pattern="^(original|[1-9][0-9]%)$"),
        "position": text(
            "The subject's position on the canvas.", pattern="^(original|center|[1-9]?[0-9]%( [1-9]?[0-9]%)?)$"
        ),
        "channels": choice("alpha returns only the mask.", ("rgba", "alpha"), "rgba"),
        "add_shadow": {**_BOOLEAN, "description": "The older form of `shadow_type` auto."},
        "shadow_type": choice(
            "auto and car keep the photograph's own shadow or draw one; drop and 3D draw one.",
            list(SHADOW_TYPES),
            "none",
        ),
        "shadow_opacity": integer("Of the shadow, in percent.", minimum=0, maximum=100),
        "semitransparency": {**_BOOLEAN, "description": "Of car windows at the vendor; without effect."},
        "metadata": finish_fields()["metadata"],
        "shadow_method": choice("Without effect.", ("latest", "legacy"), "latest"),
        "bg_color": text(
            "3, 4, 6 or 8 hexadecimal digits, or a CSS name.", pattern="^(([0-9a-fA-F]{3,4}){1,2}|green|white)$"
        ),
        "bg_image_url": source("URL of a background picture, scaled to fill the result and centred."),
    }


def _improve() -> dict[str, Any]:
    found = responses(_API)
    errors = {status: found[status] for status in ("402", "403", "405", "429", "500", "503", "default")}
    return {
        "operationId": "improveRemoval",
        "tags": [removebg.TITLE],
        "summary": "Submit a picture for improvement: not supported",
        "description": "Always refused: nothing is collected.",
        "security": [{security_name(removebg): []}],
        "requestBody": body({"application/json": (closed({}), {})}),
        "responses": {"400": _not_collected(), **errors},
    }


def _account() -> dict[str, Any]:
    found = responses(_API)
    answer = removebg.render_credits(examples.REQUEST, 499, 500)
    example = examples.examples({"credits": json.loads(answer.body)})
    content = {"application/json": {"schema": ref("RbgAccount"), "examples": example}}
    return {
        "operationId": "removalAccount",
        "tags": [removebg.TITLE],
        "summary": "Get the account's calls left today",
        "description": f"One credit is one call; {removebg.UNLIMITED} if there is no quota. "
        "Does not count against rate or quota.",
        "security": [{security_name(removebg): []}],
        "responses": {
            "200": {"description": "The calls left today.", "content": content},
            **{status: found[status] for status in ("403", "500", "503", "default")},
        },
    }


def _not_collected() -> dict[str, Any]:
    answer = removebg.refuse(examples.REQUEST, FieldRefused(removebg.NOT_COLLECTED))
    example = examples.examples({"refused": json.loads(answer.body)})
    content = {"application/json": {"schema": ref("RbgError"), "examples": example}}
    return {"description": "Refused.", "content": content}


def _schemas() -> dict[str, Schema]:
    at = integer("Position or size of the subject in the result, in pixels.", minimum=0)
    result = {
        "result_b64": base64("The file."),
        **{f"foreground_{name}": at for name in ("top", "left", "width", "height")},
    }
    amount = number("Calls left today.", minimum=0)
    credits_left = {name: amount for name in ("total", "subscription", "payg", "enterprise")}
    attributes = {
        "credits": closed(credits_left),
        "api": closed({"free_calls": integer("None.", minimum=0), "sizes": always("all")}),
    }
    fault = closed(
        {
            "title": text("What is wrong."),
            "code": text("The error code."),
            "detail": text("Details."),
        },
        optional=("detail",),
    )
    return {
        "RbgResult": closed({"data": closed(result)}),
        "RbgAccount": closed({"data": closed({"attributes": closed(attributes)})}),
        "RbgError": closed({"errors": {"type": "array", "items": fault, "minItems": 1, "maxItems": 1}}),
    }
