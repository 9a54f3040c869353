"""What the JD APIs share in the document: the gateway's errors, its header, its credential."""

from typing import Any

from cutline.accounts import jd_signature
from cutline.contracts.jd_gateway import SYSTEM_ERRORS
from cutline.contracts.wire import Scheme
from cutline.openapi.operation import credential, header
from cutline.openapi.schema import ID, Schema, always, closed, integer, text

HEADERS = {"x-jdcloud-request-id": "RequestId"}


def gateway_error(code: Schema, **more: Schema) -> Schema:
    """The gateway's own answer, which has `code` in the product's type."""
    statuses = sorted({row.status for row in SYSTEM_ERRORS.values()})
    error = {
        "code": integer("The HTTP status."),
        "status": text("The gateway's word for it.", enum=statuses),
        "message": text("What is wrong."),
    }
    return closed(
        {
            "requestId": ID,
            "error": closed(error),
            "code": code,
            "msg": text("What is wrong, as the vendor words it."),
            "result": always(None),
            **more,
        }
    )


def components() -> dict[str, dict[str, Any]]:
    """The header and the credential."""
    signature = credential(
        "Authorization",
        "header",
        "JDCLOUD2-HMAC-SHA256 or JDCLOUD3-HMAC-SHA256 as JD Cloud's SDKs sign: over method, path, signed headers "
        f"and the body's SHA-256. `x-jdcloud-date` holds for {jd_signature.WINDOW_S // 60} minutes, `x-jdcloud-nonce` "
        "once.",
    )
    return {"headers": {"RequestId": header("Id of the call.")}, "securitySchemes": {Scheme.JD.name.lower(): signature}}
