"""rembg's server (contracts.md 6.2)."""

import re
from collections.abc import Iterator

from cutline.contracts import rembg
from cutline.errors import Reason
from tests.support.ledger import Row, Shape
from tests.support.rows.common import sent_rows

PATHS = {"/api/remove": "REM"}
_API = "REM"
_PNG = re.compile("PNG .*")
_LISTED = (422,)
_EXCUSED = {
    Reason.NOT_FOUND: "API Gateway answers for paths that nobody serves (contracts.md 0.1)",
    Reason.RESOLUTION_TOO_LOW: "a picture that can be decoded has a pixel",
    Reason.IMAGE_TOO_LARGE: "more than a synchronous call can bring in; an address can",
    Reason.BODY_TOO_LARGE: "API Gateway refuses such a body itself (contracts.md 0.1)",
    Reason.STORE_FAILED: "nothing is stored but large answers to a call with an Idempotency-Key",
    Reason.MODEL_FAILED: "a missing network is not this API's alone; tools/trust measures it",
    Reason.SERVICE_RATE_EXCEEDED: "worded as the account's rate",
    Reason.URL_TOO_LARGE: "50 MiB are not sent here; on remove.bg's route an address is too large",
}


def rows() -> Iterator[Row]:
    """All of contracts.md 6.2."""
    key = [{"x-api-key": ".+"}, {"api_key": ".+"}, {"authorization": "Bearer .+"}]
    yield from sent_rows(_API, "6.2 auth", _PNG, key)
    table = "6.2 options"
    kinds = [{"file": f"file: {kind} .*"} for kind in ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF")]
    yield from sent_rows(_API, table, _PNG, [{"method": "GET", "url": "http.+"}, {"method": "POST", "url": "http.+"}])
    yield from sent_rows(_API, table, _PNG, [*kinds, *({"model": re.escape(name)} for name in rembg.MODELS)])
    for name, values in {
        "a": ("true", "false"), "ppm": ("true",), "om": ("true", "1"), "af": ("0", "255"), "ab": ("0", "255"),
        "ae": ("0", "300"), "bgc": ("0,0,255,255", "0,0,255"), "extras": (".+",),
    }.items():  # fmt: skip
        yield from sent_rows(_API, table, _PNG, [{name: value} for value in values])
    yield from _errors()


def _errors() -> Iterator[Row]:
    for reason, (status, message) in rembg.ERRORS.items():
        detail: Shape = re.compile(".+") if status == 400 else message
        if status in _LISTED:
            detail = [{"type": str, "loc": [str, str], "msg": str}]
        body = {"detail": detail, "code": str(reason)}
        yield Row(_API, "6.2 errors", str(reason), status, body, {}, _EXCUSED.get(reason, ""))
    for name in ("model", "a", "ppm", "om", "af", "ab", "ae", "bgc"):
        place = "query" if name == "bgc" else "body"
        body = {"detail": [{"type": str, "loc": [place, name], "msg": str}], "code": "parameter_invalid"}
        yield Row(_API, "6.2 errors", f"422: {name}", 422, body, {name: "x"})
