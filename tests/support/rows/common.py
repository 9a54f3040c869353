"""What the tables of several APIs share."""

import re
from collections.abc import Iterable, Iterator

from cutline.contracts import ailabtools
from cutline.errors import Reason
from tests.support.ledger import Row, Shape, keys_of

# For an account that retains nothing a link is the result itself.
LINK = re.compile(r"https?://.+/r/[^/?]+\.(png|jpg|webp)|data:image/(png|jpeg|webp);base64,[\w+/]+=*")
PNG_LINK = re.compile(r"https?://.+/r/[^/?]+\.png|data:image/png;base64,[\w+/]+=*")
UUID = re.compile(r"[0-9a-f-]{36}")
BEYOND_THE_PLATFORM = "more than a synchronous call can bring in; on the contract's level in tests/contracts"


def field_rows(api: str, table: str, body: Shape, **sent: str | None) -> Iterator[Row]:
    """A row per field of a documented answer; all are reached together, because the shape is exact."""
    return (Row(api, table, name, body=body, sent=sent) for name in keys_of(body))


def sent_rows(api: str, table: str, body: Shape, cases: Iterable[dict[str, str | None]]) -> Iterator[Row]:
    """A row per thing that may be sent and is then served."""
    for sent in cases:
        name = ", ".join(f"{key} absent" if value is None else f"{key} = {value}" for key, value in sent.items())
        yield Row(api, table, name, body=body, sent=sent)


def gateway_rows() -> list[Row]:
    """API Gateway refuses a large body before it knows the API: one answer for all (contracts.md 0.1)."""
    row = ailabtools.ERRORS[Reason.BODY_TOO_LARGE]
    body = {
        "status": 413,
        "message": re.compile("Request Entity Too Large: .+"),
        "error_code": 413,
        "error_code_str": row.code,
        "error_msg": row.message,
        "error_detail": {"status_code": 413, "code": row.code, "code_message": row.message, "message": str},
        "error": {"code": 413, "status": "OUT_OF_RANGE", "message": "Request Entity Too Large"},
        "code": "REQUEST_TOO_LARGE",
        "msg": "Request Entity Too Large",
        "result": None,
        "charge": False,
        "remain": -1,
        "resCode": 700,
        "resMessage": "invalid input",
        "success": False,
        "data": None,
        "requestId": str,
        "request_id": str,
        "detail": str,
        "errors": [{"title": "Request Entity Too Large", "code": "REQUEST_TOO_LARGE"}],
    }
    apis = ("JDC", "JDS", "PW", "AID", "AIL", "RBG", "REM")
    return [Row(api, "0.1 platform", "a body beyond the platform's limit", 413, body) for api in apis]
