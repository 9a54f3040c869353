"""Aidge's cut-out in the document (contracts.md section 4)."""

from collections.abc import Mapping
from typing import Any

from cutline.accounts import aidge_signature
from cutline.contracts import aidge
from cutline.openapi import examples
from cutline.openapi.finish import finish_fields
from cutline.openapi.operation import Api, body, credential, operation, query, security_name
from cutline.openapi.schema import (
    ID,
    ID_AGAIN,
    Schema,
    always,
    base64,
    choice,
    closed,
    integer,
    ref,
    result,
    source,
    text,
)

FACTS: Mapping[str, Any] = {"target_px": [aidge.TARGET_MIN_PX, aidge.TARGET_MAX_PX]}
_API = Api(
    aidge,
    examples.job(aidge),
    examples.outcome("image"),
    shapes=("AidSuccess", "AidFailure", "AidRefused"),
    fault="AidFailure",
)
_DESCRIPTION = "Send `imageUrl` or `imageBase64`. Failures have HTTP status 200; read `success` and `resCode`."
_SIGNATURE = [ref(name, "parameters") for name in ("AppKey", "Timestamp", "SignVersion")]


def paths() -> dict[str, Any]:
    """Return its two paths, each with two methods."""
    found = {}
    for route, ending in zip(aidge.ROUTES, ("", "Rest"), strict=True):
        item = {"post": _post(), "get": _get()}
        found[route] = {
            name: {**method, "operationId": f"{method['operationId']}{ending}"} for name, method in item.items()
        }
    return found


def components() -> dict[str, dict[str, Any]]:
    """Return its schemas, the parameters of its signature and its credential."""
    classic = "v2, or absent for the classic signature over all parameters."
    milliseconds = {"type": "string", "pattern": "^[0-9]{13}$"}
    signature = credential(
        "sign",
        "query",
        "HMAC-SHA256 with the app secret over secret + timestamp (`sign_ver=v2`), or over the API's name and all "
        f"parameters, as upper-case hexadecimal. Valid for {aidge_signature.WINDOW_S // 60} minutes.",
    )
    return {
        "schemas": _schemas(),
        "parameters": {
            "AppKey": query("app_key", "The account's app key.", {"type": "string"}),
            "Timestamp": query("timestamp", "Milliseconds since 1970; signed.", milliseconds),
            "SignVersion": query("sign_ver", classic, {"type": "string", "enum": ["v2"]}),
        },
        "securitySchemes": {security_name(aidge): signature},
    }


def _post() -> dict[str, Any]:
    fields = _fields()
    schema = closed(fields, tuple(fields))
    example = {"imageBase64": examples.PICTURE, "backGroundType": aidge.TRANSPARENT, "targetWidth": 200}
    return operation(
        _API,
        "aidgeCutout",
        "Cut out, on a transparent or white background, resized",
        _DESCRIPTION,
        parameters=[*_SIGNATURE, ref("IdempotencyKey", "parameters")],
        requestBody=body(
            {"application/json": (schema, example), "application/x-www-form-urlencoded": (schema, example)}
        ),
    )


def _get() -> dict[str, Any]:
    fields = [query(name, schema.pop("description"), schema) for name, schema in _fields().items()]
    return operation(
        _API, "aidgeCutoutByQuery", "The same, with query parameters", _DESCRIPTION, parameters=[*_SIGNATURE, *fields]
    )


def _fields() -> dict[str, Schema]:
    target = {"minimum": aidge.TARGET_MIN_PX, "maximum": aidge.TARGET_MAX_PX}
    return {
        "imageUrl": source("URL of the picture, or an upload's `source`."),
        "imageBase64": base64("The picture as base64; takes precedence over `imageUrl`."),
        "backGroundType": choice(
            "With a white background the result is a JPEG.", (aidge.TRANSPARENT, aidge.WHITE), aidge.TRANSPARENT
        ),
        "targetWidth": integer("Crops to the subject and fits it into this width.", **target),
        "targetHeight": integer("Crops to the subject and fits it into this height.", **target),
        **finish_fields(),
    }


def _schemas() -> dict[str, Schema]:
    ids = {"requestId": ID, "request_id": ID_AGAIN}
    low, high = 1, aidge.LIMITS.max_side_px
    data = closed(
        {
            "imageUrl": result(f"PNG or JPEG; the link is valid for {aidge.LINK_LIFETIME_S // 3600} h."),
            "imageWidth": integer("Pixels.", minimum=low, maximum=high),
            "imageHeight": integer("Pixels.", minimum=low, maximum=high),
        }
    )
    message = text("What is wrong, and with which field.")
    numbers = sorted({row[0] for row in aidge.ERRORS.values()})
    names = sorted({row[0] for row in aidge.GATEWAY_ERRORS.values()})
    failed = {"success": always(False), "data": always(None), **ids}
    return {
        "AidSuccess": closed(
            {"resCode": always(200), "resMessage": always("success"), "success": always(True), "data": data}
            | {"code": always("0"), **ids}
        ),
        "AidFailure": closed(
            {"resCode": integer("What went wrong.", enum=numbers), "resMessage": message, "code": always("0"), **failed}
        ),
        "AidRefused": closed(
            {
                "type": always("ISV"),
                "code": text("The API gateway's error code.", enum=names),
                "message": message,
                "resCode": always(700),
                "resMessage": message,
                **failed,
            }
        ),
    }
