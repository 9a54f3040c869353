"""The parts that the JD APIs share in the document: the gateway's errors, its header, its credential."""

from typing import Any

from cutline.accounts import jd_signature
from cutline.contracts.jd_gateway import SYSTEM_ERRORS
from cutline.contracts.wire import Scheme
from cutline.openapi.operation import credential, header
from cutline.openapi.schema import ID, Schema, always, closed, integer, text

HEADERS = {"x-jdcloud-request-id": "RequestId"}


def gateway_error(code: Schema, **more: Schema) -> Schema:
    """Return the schema of the gateway's own errors; the type of `code` differs between the products."""
    statuses = sorted({row.status for row in SYSTEM_ERRORS.values()})
    error = {
        "code": integer("The HTTP status."),
        "status": text("The gateway's name for the status.", enum=statuses),
        "message": text("What is wrong."),
    }
    return closed(
        {
            "requestId": ID,
            "error": closed(error),
            "code": code,
            "msg": text("What is wrong, in the vendor's wording."),
            "result": always(None),
            **more,
        }
    )


def components() -> dict[str, dict[str, Any]]:
    """Return the header and the credential."""
    signature = credential(
        "Authorization",
        "header",
        "JDCLOUD2-HMAC-SHA256 or JDCLOUD3-HMAC-SHA256 as JD Cloud's SDKs sign: over method, path, signed headers "
        f"and the body's SHA-256. `x-jdcloud-date` is valid for {jd_signature.WINDOW_S // 60} minutes; each "
        "`x-jdcloud-nonce` is accepted once.",
    )
    return {"headers": {"RequestId": header("Id of the call.")}, "securitySchemes": {Scheme.JD.name.lower(): signature}}
