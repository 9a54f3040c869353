"""JD SelfieSeg in the document (contracts.md section 2)."""

from collections.abc import Mapping
from typing import Any

from cutline.contracts import jd_selfie
from cutline.contracts.jd_gateway import SUCCESS, SYSTEM_ERRORS
from cutline.openapi import examples, jd_gateway
from cutline.openapi.finish import finish_fields
from cutline.openapi.operation import Api, body, operation
from cutline.openapi.schema import ID, Schema, always, base64, boolean, closed, integer, ref, text

FACTS: Mapping[str, Any] = {}
_API = Api(
    jd_selfie,
    examples.job(jd_selfie),
    examples.outcome("image"),
    shapes=("JdsSuccess", "JdsFailure"),
    fault="JdsGatewayError",
    faults={405: "JdsFailure"},
    headers=jd_gateway.HEADERS,
)


def paths() -> dict[str, Any]:
    """Return its one path."""
    image = base64("The file as base64; white space, a data URI prefix and missing padding are accepted.")
    schema = closed({"image": image, **finish_fields(deep=False)}, tuple(finish_fields()))
    post = operation(
        _API,
        "jdSelfieSeg",
        "Cut out people",
        "The response contains the picture. The body is parsed as JSON; the content type is ignored.",
        parameters=[ref("IdempotencyKey", "parameters")],
        requestBody=body({"application/json": (schema, {"image": examples.PICTURE})}),
    )
    return {jd_selfie.ROUTES[0]: {"post": post}}


def components() -> dict[str, dict[str, Any]]:
    """Return its schemas, and the gateway's header and credential."""
    return {"schemas": _schemas(), **jd_gateway.components()}


def _schemas() -> dict[str, Schema]:
    envelope = {
        "requestId": ID,
        "code": text("Accepted by the gateway.", const=str(SUCCESS)),
        "charge": boolean("Whether the call was charged."),
        "remain": integer("Calls left today; -1 without a quota.", minimum=-1),
        "msg": always(jd_selfie.MESSAGE),
    }
    used = integer("Milliseconds in the service.", minimum=0)
    image = base64("RGBA PNG of the input's size that shows only the people.")
    good = closed({"message": always("ok"), "status": always(1000), "used_time": used, "image": image})
    bad_codes = sorted({row[0] for row in jd_selfie.ERRORS.values()})
    bad = closed(
        {
            "message": text("The same in words."),
            "status": integer("What went wrong.", enum=bad_codes),
            "used_time": used,
        }
    )
    codes = sorted({str(row.code) for row in SYSTEM_ERRORS.values()})
    more = {"charge": always(False), "remain": envelope["remain"]}
    return {
        "JdsSuccess": closed({**envelope, "result": good}),
        "JdsFailure": closed({**envelope, "result": bad}),
        "JdsGatewayError": jd_gateway.gateway_error(text("The gateway's code.", enum=codes), **more),
    }
