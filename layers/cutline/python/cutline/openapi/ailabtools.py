"""AILabTools costume removal in the document (contracts.md section 5)."""

from collections.abc import Mapping
from typing import Any

from cutline.contracts import ailabtools
from cutline.openapi import examples
from cutline.openapi.operation import Api, body, credential, operation, security_name
from cutline.openapi.schema import ID, Schema, always, choice, closed, file, integer, ref, result, text
from cutline.pipeline.options import GARMENTS, GarmentOptions

FACTS: Mapping[str, Any] = {"garments": list(GARMENTS)}
_API = Api(
    ailabtools,
    examples.job(ailabtools, GarmentOptions(("tops", "coat"))),
    examples.outcome("image", "tops"),
    shapes=("AilSuccess",),
    fault="AilError",
)


def paths() -> dict[str, Any]:
    """Its one path."""
    names = "|".join(GARMENTS)
    schema = closed(
        {
            "image": file("The picture, or the text of an upload's `source`."),
            "cloth_class": text(
                f"Garments to deliver one by one, as a comma list of {', '.join(GARMENTS)}.",
                pattern=f"^({names})(,({names}))*$",
            ),
            "return_form": choice(
                "Transparent PNG without it; a mask; or on white.", [form for form in ailabtools.FORMS if form]
            ),
            "out_mode": choice("What `image_url` shows: 0 every garment found, 1 those of `cloth_class`.", (0, 1), 0),
        },
        optional=("cloth_class", "return_form", "out_mode"),
    )
    post = operation(
        _API,
        "costume",
        "Cut garments out",
        "Failures come with their HTTP status: `error_detail` tells.",
        parameters=[ref("IdempotencyKey", "parameters")],
        requestBody=body({"multipart/form-data": (schema, {"image": "photo.jpg", "cloth_class": "tops,pants"})}),
    )
    return {ailabtools.ROUTES[0]: {"post": post}}


def components() -> dict[str, dict[str, Any]]:
    """Its answers and its credential."""
    schemas = {"AilSuccess": _success(), "AilError": _error()}
    key = credential(ailabtools.SCHEME.value, "header", "The account's API key.")
    return {"schemas": schemas, "securitySchemes": {security_name(ailabtools): key}}


def _success() -> Schema:
    hours = ailabtools.LINK_LIFETIME_S // 3600
    picture = result(f"The union of the garments found; lives {hours} h.")
    part = {"type": "string", "description": "Link to the garment alone; empty where the picture has none."}
    classes = {"type": "object", "properties": {name: part for name in GARMENTS}, "additionalProperties": False}
    elements = {
        "type": "array",
        "prefixItems": [closed({"image_url": picture}), closed({"class_url": classes})],
        "items": False,
        "minItems": 2,
    }
    blank = {"code": always(""), "code_message": always(""), "message": always("")}
    return closed(
        {
            **_ids(),
            "error_code": always(0),
            "error_code_str": always(""),
            "error_msg": always(""),
            "error_detail": closed({"status_code": always(200), **blank}),
            "data": closed({"elements": elements}),
        }
    )


def _error() -> Schema:
    names = sorted({row.code for row in ailabtools.ERRORS.values()})
    statuses = sorted({row.http_status for row in ailabtools.ERRORS.values()})
    sentence = text("The vendor's fixed sentence.")
    status = integer("The HTTP status.", enum=statuses)
    name = text("What went wrong.", enum=names)
    detail = {"status_code": status, "code": name, "code_message": sentence, "message": text("What exactly is wrong.")}
    return closed(
        {**_ids(), "error_code": status, "error_code_str": name, "error_msg": sentence, "error_detail": closed(detail)}
    )


def _ids() -> dict[str, Schema]:
    return {"request_id": ID, "log_id": text("Digits: the time in milliseconds and a serial.", pattern="^[0-9]+$")}
