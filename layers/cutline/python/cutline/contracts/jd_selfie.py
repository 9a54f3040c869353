"""JDS: JD SelfieSeg, `POST /jdai/SelfieSeg` (contracts.md section 2).

The body is parsed as JSON whatever its Content-Type says: the vendor states none.
"""

import base64
from collections.abc import Mapping

from cutline.contracts.extensions import FINISH, with_finish
from cutline.contracts.forms import bounded, decode_base64, read_json_object
from cutline.contracts.jd_gateway import SUCCESS, SYSTEM_ERRORS, codes, gateway_envelope, gateway_response
from cutline.contracts.wire import NO_PROGRESS, Job, Outcome, Progress, Quota, Request, Response, Scheme, Source
from cutline.errors import InputRefused, MattingError, Reason
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.options import CutOptions

NAME = "jds"
TITLE = "JD SelfieSeg"
ROUTES: tuple[str, ...] = ("/jdai/SelfieSeg",)
METHODS = frozenset({"POST"})
SCHEME = Scheme.JD
# The answer carries the picture itself.
LINK_LIFETIME_S = 0
# "Less than 2 M", so the largest file is one byte short of it; sides are inclusive (contracts.md 2.2).
LIMITS = PictureLimits(frozenset({"JPEG", "BMP", "PNG", "GIF"}), 2 * MIB - 1, min_side_px=50, max_side_px=1024)
MESSAGE = "查询成功"

_PARAMETER = (1001, "parameter error")
_BASE64 = (1003, "base64 image flow failed")
_SIZE = (1004, "incorrect image size")
_TYPE = (1005, "not valid image format")
_PERSON = (1006, "only portrait image is allowed")
# Business failures: HTTP 200 (405 for the last) and code 10000, distinguished by result.status (contracts.md 2.4).
ERRORS: Mapping[Reason, tuple[int, str]] = {
    Reason.IMAGE_MISSING: _PARAMETER,
    Reason.PARAMETER_INVALID: _PARAMETER,
    Reason.BACKDROP_UNREACHABLE: _PARAMETER,
    Reason.BODY_MALFORMED: (1002, "not valid json string"),
    Reason.BASE64_INVALID: _BASE64,
    Reason.IMAGE_EMPTY: _BASE64,
    Reason.IMAGE_TOO_LARGE: _SIZE,
    Reason.BODY_TOO_LARGE: _SIZE,
    Reason.RESOLUTION_TOO_HIGH: _SIZE,
    Reason.RESOLUTION_TOO_LOW: _SIZE,
    Reason.IMAGE_TYPE: _TYPE,
    Reason.IMAGE_CORRUPT: _TYPE,
    Reason.NO_PERSON: _PERSON,
    Reason.TIMED_OUT: (1007, "time out"),
    Reason.METHOD_NOT_ALLOWED: (1008, "only post method is allowed"),
}
CODES: Mapping[Reason, str] = codes(ERRORS)


def parse(request: Request) -> Job:
    """Return the picture in the field `image`, checked in the order of contracts.md 2.5: JSON, present, base64."""
    document = read_json_object(request.body)
    if "image" not in document:
        raise InputRefused(Reason.IMAGE_MISSING)
    image = document["image"]
    if not isinstance(image, str):
        raise InputRefused(Reason.BASE64_INVALID)
    data = decode_base64(image)
    if not data:
        raise InputRefused(Reason.IMAGE_EMPTY)
    fields = {name: bounded(document[name]) for name in FINISH if isinstance(document.get(name), str)}
    return with_finish(Job(Source(data=data), LIMITS, CutOptions(subject="person")), fields, deep=False)


def render(request: Request, job: Job, outcome: Outcome) -> Response:
    """Success (contracts.md 2.3); `code` is a string, the picture is base64 without a data URI prefix."""
    image = base64.b64encode(outcome.inline["image"]).decode()
    result = {"message": "ok", "status": 1000, "used_time": outcome.elapsed_ms, "image": image}
    return gateway_response(request, 200, _envelope(outcome.quota, result))


def refuse(request: Request, error: MattingError, progress: Progress = NO_PROGRESS) -> Response:
    """Return a business failure by its status, or the gateway's own envelope (contracts.md 2.5)."""
    if error.reason in ERRORS:
        status, message = ERRORS[error.reason]
        if error.reason in (Reason.PARAMETER_INVALID, Reason.BACKDROP_UNREACHABLE) and error.detail:
            message = f"{message}: {error.detail}"
        result = {"message": message, "status": status, "used_time": progress.elapsed_ms}
        refused_method = error.reason is Reason.METHOD_NOT_ALLOWED
        headers = {"Allow": ", ".join(sorted(METHODS))} if refused_method else {}
        body = _envelope(progress.quota, result)
        return gateway_response(request, 405 if refused_method else 200, body, headers)
    row = SYSTEM_ERRORS.get(error.reason, SYSTEM_ERRORS[Reason.INTERNAL])
    remain = 0 if error.reason is Reason.QUOTA_EXCEEDED else _remain(progress.quota)
    body = {**gateway_envelope(request, row), "code": str(row.code), "charge": False, "remain": remain}
    return gateway_response(request, row.http_status, body)


def _envelope(quota: Quota, result: Mapping[str, object]) -> dict[str, object]:
    return {
        "code": str(SUCCESS),
        "charge": quota.charged,
        "remain": _remain(quota),
        "msg": MESSAGE,
        "result": result,
    }


def _remain(quota: Quota) -> int:
    """Calls left today; JD's sibling products write "no limit" as -1."""
    return -1 if quota.remaining is None else quota.remaining
