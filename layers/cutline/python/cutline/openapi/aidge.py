"""Aidge's cut-out in the document (contracts.md section 4)."""

from collections.abc import Mapping
from typing import Any

from cutline.accounts import aidge_signature
from cutline.contracts import aidge
from cutline.openapi import examples
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
_TOLD = "One of `imageUrl` and `imageBase64`. Failures come with HTTP 200: `success` and `resCode` tell."
_SIGNATURE = [ref(name, "parameters") for name in ("AppKey", "Timestamp", "SignVersion")]


def paths() -> dict[str, Any]:
    """Its two paths, each with two methods."""
    found = {}
    for route, ending in zip(aidge.ROUTES, ("", "Rest"), strict=True):
        item = {"post": _post(), "get": _get()}
        found[route] = {
            name: {**method, "operationId": f"{method['operationId']}{ending}"} for name, method in item.items()
        }
    return found


def components() -> dict[str, dict[str, Any]]:
    """Its answers, the parameters of its signature, its credential."""
    classic = "v2, or absent for the classic signature over all parameters."
    milliseconds = {"type": "string", "pattern": "^[0-9]{13}$"}
    signature = credential(
        "sign",
        "query",
        "HMAC-SHA256 with the app secret over secret + timestamp (`sign_ver=v2`), or over the API's name and all "
        f"parameters, as upper-case hexadecimal. Holds for {aidge_signature.WINDOW_S // 60} minutes.",
    )
    return {
        "schemas": _schemas(),
        "parameters": {
            "AppKey": query("app_key", "The account's app key.", {"type": "string"}),
            "Timestamp": query("timestamp", "Milliseconds since 1970, which the signature covers.", milliseconds),
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
        "Cut out, on nothing or white, resized",
        _TOLD,
        parameters=[*_SIGNATURE, ref("IdempotencyKey", "parameters")],
        requestBody=body(
            {"application/json": (schema, example), "application/x-www-form-urlencoded": (schema, example)}
        ),
    )


def _get() -> dict[str, Any]:
    fields = [query(name, schema.pop("description"), schema) for name, schema in _fields().items()]
    return operation(_API, "aidgeCutoutByQuery", "The same by query", _TOLD, parameters=[*_SIGNATURE, *fields])


def _fields() -> dict[str, Schema]:
    target = {"minimum": aidge.TARGET_MIN_PX, "maximum": aidge.TARGET_MAX_PX}
    return {
        "imageUrl": source("Where the picture can be fetched from, or an upload's `source`."),
        "imageBase64": base64("The picture as base64; wins over `imageUrl`."),
        "backGroundType": choice(
            "A white background comes as JPEG.", (aidge.TRANSPARENT, aidge.WHITE), aidge.TRANSPARENT
        ),
        "targetWidth": integer("Crops to the subject and fits it into this width.", **target),
        "targetHeight": integer("Crops to the subject and fits it into this height.", **target),
    }


def _schemas() -> dict[str, Schema]:
    ids = {"requestId": ID, "request_id": ID_AGAIN}
    low, high = 1, aidge.LIMITS.max_side_px
    data = closed(
        {
            "imageUrl": result(f"PNG or JPEG; lives {aidge.LINK_LIFETIME_S // 3600} h."),
            "imageWidth": integer("Pixels.", minimum=low, maximum=high),
            "imageHeight": integer("Pixels.", minimum=low, maximum=high),
        }
    )
    told = text("What is wrong, with the field that is.")
    numbers = sorted({row[0] for row in aidge.ERRORS.values()})
    names = sorted({row[0] for row in aidge.GATEWAY_ERRORS.values()})
    failed = {"success": always(False), "data": always(None), **ids}
    return {
        "AidSuccess": closed(
            {"resCode": always(200), "resMessage": always("success"), "success": always(True), "data": data}
            | {"code": always("0"), **ids}
        ),
        "AidFailure": closed(
            {"resCode": integer("What went wrong.", enum=numbers), "resMessage": told, "code": always("0"), **failed}
        ),
        "AidRefused": closed(
            {
                "type": always("ISV"),
                "code": text("What the gateway in front of the API says.", enum=names),
                "message": told,
                "resCode": always(700),
                "resMessage": told,
                **failed,
            }
        ),
    }
