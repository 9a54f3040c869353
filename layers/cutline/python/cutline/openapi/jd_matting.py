"""JD Cloud Image Matting in the document (contracts.md section 1)."""

from collections.abc import Mapping
from typing import Any

from cutline.contracts import jd_matting
from cutline.contracts.jd_gateway import SUCCESS, SYSTEM_ERRORS
from cutline.openapi import examples, jd_gateway
from cutline.openapi.finish import finish_fields
from cutline.openapi.operation import Api, body, operation, query
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
    """Return its one path, with the trailing slash of the vendor's page."""
    picture = file("The picture's bytes; the content type is ignored.")
    form = closed({"file": file("The first file of the form, under any name.")})
    post = operation(
        _API,
        "jdMatting",
        "Cut out the foreground",
        "Business failures have HTTP status 200 and `code` 10000; read `result.status`. A picture without a "
        "subject is not a failure.",
        parameters=[
            ref("IdempotencyKey", "parameters"),
            *(query(name, schema["description"], schema) for name, schema in finish_fields().items()),
        ],
        requestBody=body(
            {"application/octet-stream": (picture, "photo.jpg"), "multipart/form-data": (form, {"file": "photo.jpg"})}
        ),
    )
    return {f"{jd_matting.ROUTES[0]}/": {"post": post}}


def components() -> dict[str, dict[str, Any]]:
    """Return its schemas, and the gateway's header and credential."""
    return {"schemas": _schemas(), **jd_gateway.components()}


def _schemas() -> dict[str, Schema]:
    code = integer(f"{SUCCESS}: accepted by the gateway; the outcome is in `result.status`.", const=SUCCESS)
    msg = always(jd_matting.MESSAGE)
    ids = {"requestId": ID, "requestid": ID_AGAIN}
    good = {
        "status": always(0),
        "message": always("OK"),
        "cutout_image_url": result(
            f"RGBA PNG of the input's size; the link is valid for {jd_matting.LINK_LIFETIME_S // 3600} h."
        ),
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
