"""JD Cloud Image Matting in the document (contracts.md section 1)."""

from collections.abc import Mapping
from typing import Any

from cutline.contracts import jd_matting
from cutline.contracts.jd_gateway import SUCCESS, SYSTEM_ERRORS
from cutline.openapi import examples, jd_gateway
from cutline.openapi.operation import Api, body, operation
from cutline.openapi.schema import ID, ID_AGAIN, Schema, always, closed, file, integer, ref, result, text

FACTS: Mapping[str, Any] = {}
_API = Api(
    jd_matting,
    examples.job(jd_matting),
    examples.outcome("image"),
    shapes=("JdcSuccess", "JdcFailure"),
    fault="JdcGatewayError",
    headers=jd_gateway.HEADERS,
)


def paths() -> dict[str, Any]:
    """Its one path, with the slash that the vendor's page has."""
    picture = file("The picture's bytes and nothing else, whatever the content type says.")
    form = closed({"file": file("The first file of the form counts, whatever its name is.")})
    post = operation(
        _API,
        "jdMatting",
        "Cut out whatever stands in front",
        "Business failures come with HTTP 200 and `code` 10000: `result.status` tells. Nothing found is no failure.",
        parameters=[ref("IdempotencyKey", "parameters")],
        requestBody=body(
            {"application/octet-stream": (picture, "photo.jpg"), "multipart/form-data": (form, {"file": "photo.jpg"})}
        ),
    )
    return {f"{jd_matting.ROUTES[0]}/": {"post": post}}


def components() -> dict[str, dict[str, Any]]:
    """Its answers."""
    return {"schemas": _schemas(), **jd_gateway.components()}


def _schemas() -> dict[str, Schema]:
    code = integer(f"{SUCCESS}: the gateway let the call through; `result.status` tells how it went.", const=SUCCESS)
    msg = always(jd_matting.MESSAGE)
    ids = {"requestId": ID, "requestid": ID_AGAIN}
    good = {
        "status": always(0),
        "message": always("OK"),
        "cutout_image_url": result(f"RGBA PNG of the input's size; lives {jd_matting.LINK_LIFETIME_S // 3600} h."),
    }
    bad = {
        "status": integer("What went wrong.", enum=sorted({row[0] for row in jd_matting.ERRORS.values()})),
        "message": text("The same in words."),
    }
    codes = sorted({row.code for row in SYSTEM_ERRORS.values()})
    return {
        "JdcSuccess": closed({"requestId": ID, "code": code, "msg": msg, "result": closed(good | ids)}),
        "JdcFailure": closed({"requestId": ID, "code": code, "msg": msg, "result": closed(bad | ids)}),
        "JdcGatewayError": jd_gateway.gateway_error(integer("The gateway's code.", enum=codes)),
    }
