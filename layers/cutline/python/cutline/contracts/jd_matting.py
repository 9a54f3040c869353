"""JDC: JD Cloud Image Matting, `POST /api/cutout/` (contracts.md section 1).

The body is the picture itself. Content-Type is ignored on purpose: JD's own pages tell clients to send JSON's type
with binary bodies, so only the bytes decide.
"""

from collections.abc import Mapping

from cutline.contracts.extensions import with_finish
from cutline.contracts.forms import first_file, is_multipart, read_query
from cutline.contracts.jd_gateway import SUCCESS, SYSTEM_ERRORS, codes, gateway_envelope, gateway_response
from cutline.contracts.wire import NO_PROGRESS, Job, Outcome, Progress, Request, Response, Scheme, Source
from cutline.errors import InputRefused, MattingError, Reason
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.codecs.headers import sniff_format

NAME = "jdc"
TITLE = "JD Cloud Image Matting"
ROUTES: tuple[str, ...] = ("/api/cutout",)
METHODS = frozenset({"POST"})
SCHEME = Scheme.JD
LINK_LIFETIME_S = 24 * 3600
# The vendor states no limits; these are Cutline's (contracts.md 1.3).
LIMITS = PictureLimits(frozenset({"JPEG", "PNG", "BMP", "GIF", "WEBP"}), max_bytes=10 * MIB)
MESSAGE = "Search succeeded"

_PARAMETER = (12001, "parameter error")
_EMPTY = (12002, "not enough param")
_TYPE = (12003, "image type error")
_SIZE = (12004, "image size exceeds limit")
# Business failures: HTTP 200 and code 10000, distinguished by result.status.
# Numbers are those of JD's human parsing (contracts.md 1.5).
ERRORS: Mapping[Reason, tuple[int, str]] = {
    Reason.PARAMETER_INVALID: _PARAMETER,
    Reason.BACKDROP_UNREACHABLE: _PARAMETER,
    Reason.IMAGE_MISSING: _EMPTY,
    Reason.IMAGE_EMPTY: _EMPTY,
    Reason.BODY_MALFORMED: _TYPE,
    Reason.IMAGE_TYPE: _TYPE,
    Reason.IMAGE_CORRUPT: _TYPE,
    Reason.IMAGE_TOO_LARGE: _SIZE,
    Reason.BODY_TOO_LARGE: _SIZE,
    Reason.RESOLUTION_TOO_HIGH: _SIZE,
    Reason.RESOLUTION_TOO_LOW: _SIZE,
    Reason.TIMED_OUT: (13303, "time out"),
}
CODES: Mapping[Reason, str] = codes(ERRORS)


def parse(request: Request) -> Job:
    """Return the picture in the body, or the first file of a multipart form (sister products of JD's use one)."""
    data = request.body
    if is_multipart(request) and sniff_format(data) is None:
        data = first_file(request) or b""
    if not data:
        raise InputRefused(Reason.IMAGE_EMPTY)
    return with_finish(Job(Source(data=data), LIMITS), read_query(request))


def render(request: Request, job: Job, outcome: Outcome) -> Response:
    """Success (contracts.md 1.4); `code` and `status` are numbers, and the request id is spelled both ways."""
    result = {
        "status": 0,
        "message": "OK",
        "cutout_image_url": outcome.links["image"],
        "requestId": request.request_id,
        "requestid": request.request_id,
    }
    return gateway_response(request, 200, {"code": SUCCESS, "msg": MESSAGE, "result": result})


def refuse(request: Request, error: MattingError, progress: Progress = NO_PROGRESS) -> Response:
    """Return a business failure inside HTTP 200, or the gateway's own envelope (contracts.md 1.6)."""
    if error.reason in ERRORS:
        status, message = ERRORS[error.reason]
        if status in (_SIZE[0], _PARAMETER[0]) and error.detail:
            message = f"{message}: {error.detail}"
        result = {
            "status": status,
            "message": message,
            "requestId": request.request_id,
            "requestid": request.request_id,
        }
        return gateway_response(request, 200, {"code": SUCCESS, "msg": MESSAGE, "result": result})
    row = SYSTEM_ERRORS.get(error.reason, SYSTEM_ERRORS[Reason.INTERNAL])
    return gateway_response(request, row.http_status, gateway_envelope(request, row))
