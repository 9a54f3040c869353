"""JD Cloud matting and SelfieSeg (contracts.md sections 1 and 2)."""

import re
from collections.abc import Callable, Iterator, Mapping

from cutline.contracts import jd_matting, jd_selfie
from cutline.contracts.jd_gateway import SYSTEM_ERRORS, GatewayError
from cutline.errors import Reason
from tests.support.ledger import Row, Shape
from tests.support.rows.common import PNG_LINK, UUID, field_rows, sent_rows

PATHS = {r"/api/cutout/?": "JDC", "/jdai/SelfieSeg": "JDS"}
_ENVELOPE = {"requestId": UUID, "code": jd_matting.SUCCESS, "msg": jd_matting.MESSAGE}
_RESULT = {"requestId": UUID, "requestid": UUID}
_CUT_OUT = {**_ENVELOPE, "result": {"status": 0, "message": "OK", "cutout_image_url": PNG_LINK, **_RESULT}}
# Codes that JD publishes and that no case of contracts.md 1.6 gives.
_EXCUSED = {
    10010: "no call is paid for here; a spent quota is 10040",
    10030: "there is no gateway of another house behind ours",
    10060: "no API is published by somebody else",
    11030: "our own functions give no answer of another format",
    10003: "an unknown path is the gateway's 404, another method is 1008",
}


def rows() -> Iterator[Row]:
    """All of contracts.md 1.1 to 1.6 and 2.1 to 2.5."""
    yield from _matting()
    yield from _selfie()


def _matting() -> Iterator[Row]:
    api = "JDC"
    yield from sent_rows(api, "1.1 paths", _CUT_OUT, [{"path": "/api/cutout/"}, {"path": "/api/cutout"}])
    yield from sent_rows(api, "1.2 auth", _CUT_OUT, [{"authorization": f"JDCLOUD{n}-HMAC-SHA256 .*"} for n in (2, 3)])
    pictures = ["JPEG .*", "PNG .*", "BMP .*", "GIF .*", "WEBP .*", "PNG 1x1, .*", "PNG 4096x.*", "PNG .*x4096, .*"]
    types = ["application/octet-stream", "application/json"]
    cases = [{"body": kind} for kind in pictures] + [{"content-type": kind} for kind in types]
    yield from sent_rows(api, "1.3 request", _CUT_OUT, [*cases, {"content-type": "multipart/form-data.*"}])
    yield from field_rows(api, "1.4 success", _CUT_OUT)
    yield from _system_rows(api, "1.6 cases", SYSTEM_ERRORS, _gateway_body)
    for code in (10010, 10030, 10060, 11030):
        yield Row(api, "1.5 system codes", str(code), excused=_EXCUSED[code])
    yield from _business_rows(api, "1.6 cases", jd_matting.ERRORS, _matting_failure)
    for name, sent in _BAD_PICTURES.items():
        yield Row(
            api, "1.6 cases", name, body=_matting_failure(*jd_matting.ERRORS[Reason.IMAGE_TYPE]), sent={"body": sent}
        )
    size, message = jd_matting.ERRORS[Reason.RESOLUTION_TOO_HIGH]
    for sent in ("PNG 4097x.*", "PNG .*x4097, .*"):
        yield Row(api, "1.6 cases", f"{size}: {sent}", body=_matting_failure(size, message), sent={"body": sent})


_BAD_PICTURES = {"12003: not an image": "no picture", "12003: unsupported type": "TIFF .*", "12003: corrupt": ".*short"}


def _selfie() -> Iterator[Row]:
    api = "JDS"
    result = {"message": "ok", "status": 1000, "used_time": int, "image": re.compile("iVBORw0KGgo[A-Za-z0-9+/]+={0,2}")}
    told = {"requestId": UUID, "code": str(jd_selfie.SUCCESS), "msg": jd_selfie.MESSAGE, "result": result}
    done = {**told, "charge": bool, "remain": int}
    yield from sent_rows(api, "2.1 auth", done, [{"authorization": f"JDCLOUD{n}-HMAC-SHA256 .*"} for n in (2, 3)])
    kinds = ["JPEG .*", "BMP .*", "PNG .*", "GIF .*", "PNG 50x50, .*", "PNG 1024x1024, .*"]
    manners = ["plain", "data URI", "with white space", "without padding"]
    yield from sent_rows(api, "2.2 request", done, [{"image": kind} for kind in kinds])
    yield from sent_rows(api, "2.2 request", done, [{"image base64": manner} for manner in manners])
    yield from sent_rows(api, "2.2 request", done, [{"image": ".*, 2097151 bytes"}])
    size = _selfie_failure(*jd_selfie.ERRORS[Reason.IMAGE_TOO_LARGE])
    for sent in (r"PNG 49x\d+,.*", r"PNG \d+x49,.*", r"PNG 1025x.*", r"PNG \d+x1025,.*", ".*, 2097152 bytes"):
        yield Row(api, "2.2 request", f"refused: {sent}", body=size, sent={"image": sent})
    yield from field_rows(api, "2.3 success", done)
    yield from _business_rows(api, "2.4 statuses", jd_selfie.ERRORS, _selfie_failure)
    system = {reason: row for reason, row in SYSTEM_ERRORS.items() if reason not in jd_selfie.ERRORS}
    yield from _system_rows(api, "2.5 cases", system, _selfie_gateway_body)


def _system_rows(
    api: str, table: str, errors: Mapping[Reason, GatewayError], body: Callable[..., Shape]
) -> Iterator[Row]:
    for row in dict.fromkeys(errors.values()):
        name = f"{row.code} {row.status}"
        excused = _EXCUSED[row.code] if api == "JDS" and row.code in _EXCUSED else ""
        yield Row(api, table, name, row.http_status, body(row), excused=excused)


def _business_rows(
    api: str, table: str, errors: Mapping[Reason, tuple[int, str]], body: Callable[..., Shape]
) -> Iterator[Row]:
    for status, message in dict.fromkeys(errors.values()):
        http_status = 405 if status == jd_selfie.ERRORS[Reason.METHOD_NOT_ALLOWED][0] else 200
        yield Row(api, table, f"{status} {message}", http_status, body(status, message))


def _gateway_body(row: GatewayError) -> dict[str, Shape]:
    error = {"code": row.http_status, "status": row.status, "message": row.message}
    return {"requestId": UUID, "error": error, "code": row.code, "msg": row.message, "result": None}


def _selfie_gateway_body(row: GatewayError) -> dict[str, Shape]:
    return {**_gateway_body(row), "code": str(row.code), "charge": False, "remain": int}


def _matting_failure(status: int, message: str) -> dict[str, Shape]:
    # The message about a size goes on to say what exceeds which limit.
    size = status == jd_matting.ERRORS[Reason.IMAGE_TOO_LARGE][0]
    text = re.compile(re.escape(message) + "(: .+)?") if size else message
    return {**_ENVELOPE, "result": {"status": status, "message": text, **_RESULT}}


def _selfie_failure(status: int, message: str) -> dict[str, Shape]:
    result = {"message": message, "status": status, "used_time": int}
    told = {"requestId": UUID, "code": str(jd_selfie.SUCCESS), "msg": jd_selfie.MESSAGE, "result": result}
    return {**told, "charge": False, "remain": int}
