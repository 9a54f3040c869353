"""REM: rembg's server, `GET` and `POST` of `/api/remove` (contracts.md 6.2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cutline.contracts.extensions import BACKGROUND_FILE, with_finish
from cutline.contracts.forms import Form, read_form, read_query
from cutline.contracts.wire import (
    CORS,
    NO_PROGRESS,
    UPLOAD,
    Job,
    Outcome,
    Progress,
    Request,
    Response,
    Scheme,
    Source,
    json_response,
    preflight_response,
)
from cutline.errors import InputRefused, MattingError, Reason
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.options import LARGEST_PX, SingleFileOptions, Subject

NAME = "rem"
TITLE = "rembg server"
ROUTES: tuple[str, ...] = ("/api/remove",)
METHODS = frozenset({"GET", "POST"})
SCHEME = Scheme.API_KEY
# The result is the answer's body.
LINK_LIFETIME_S = 0
LIMITS = PictureLimits(
    frozenset({"JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF"}),
    max_bytes=50 * MIB,
    max_side_px=16_384,
    max_pixels=LARGEST_PX,
)

_UNAUTHORIZED = (401, "Not authenticated")
_RATE = (429, "Too Many Requests")
_FAULT = (500, "Internal Server Error")
_UNREADABLE = (400, "cannot identify image file")
_LARGE = (400, "The picture is too large")
_UNPROCESSABLE = 422
# HTTP status and `detail`; of 422 the message of the one fault in `detail`.
ERRORS: Mapping[Reason, tuple[int, str]] = {
    Reason.KEY_MISSING: _UNAUTHORIZED,
    Reason.KEY_UNKNOWN: _UNAUTHORIZED,
    Reason.ACCOUNT_DISABLED: _UNAUTHORIZED,
    Reason.API_NOT_ALLOWED: _UNAUTHORIZED,
    Reason.RATE_EXCEEDED: _RATE,
    Reason.SERVICE_RATE_EXCEEDED: _RATE,
    Reason.QUOTA_EXCEEDED: (429, "The quota of the day is used up"),
    Reason.NOT_FOUND: (404, "Not Found"),
    Reason.METHOD_NOT_ALLOWED: (405, "Method Not Allowed"),
    Reason.PARAMETER_INVALID: (422, "Value error"),
    Reason.IMAGE_MISSING: (422, "Field required"),
    Reason.BODY_MALFORMED: (400, "There was an error parsing the body"),
    Reason.IDEMPOTENCY_MISMATCH: (400, "this Idempotency-Key was used with another request"),
    Reason.IMAGE_EMPTY: _UNREADABLE,
    Reason.IMAGE_TYPE: _UNREADABLE,
    Reason.IMAGE_CORRUPT: _UNREADABLE,
    Reason.IMAGE_TOO_LARGE: _LARGE,
    Reason.BODY_TOO_LARGE: _LARGE,
    Reason.URL_TOO_LARGE: _LARGE,
    Reason.RESOLUTION_TOO_HIGH: _LARGE,
    Reason.RESOLUTION_TOO_LOW: _UNREADABLE,
    Reason.URL_UNREACHABLE: (400, "url cannot be fetched"),
    Reason.BACKDROP_UNREACHABLE: (400, "background cannot be fetched"),
    Reason.MODEL_FAILED: _FAULT,
    Reason.STORE_FAILED: _FAULT,
    Reason.INTERNAL: _FAULT,
    Reason.OVERLOADED: (503, "Service Unavailable"),
    Reason.TIMED_OUT: (504, "Gateway Timeout"),
}
# The original has no error codes; Cutline adds its own next to `detail`.
CODES: Mapping[Reason, str] = {reason: str(reason) for reason in ERRORS}

# The names of the original's networks, and what they look for. Cutline's own network does the work of all.
MODELS: Mapping[str, Subject] = {
    **dict.fromkeys(("u2net", "u2netp", "u2net_cloth_seg", "u2net_custom", "silueta", "sam"), "auto"),
    **dict.fromkeys(("isnet-general-use", "isnet-anime", "dis_custom", "ben_custom", "bria-rmbg"), "auto"),
    **{f"birefnet-{name}": "auto" for name in ("general", "general-lite", "dis", "hrsod", "cod", "massive")},
    **dict.fromkeys(("u2net_human_seg", "birefnet-portrait"), "person"),
}
_TRUE, _FALSE = ("true", "1", "yes", "on", "t", "y"), ("false", "0", "no", "off", "f", "n")
_MAX_BYTE = 255


@dataclass(frozen=True)
class Fault:
    """One entry of FastAPI's `detail`."""

    loc: tuple[str, str]
    message: str
    kind: str


class FieldRefused(InputRefused):
    """A field that is missing or invalid, as FastAPI tells it."""

    def __init__(self, fault: Fault, reason: Reason = Reason.PARAMETER_INVALID) -> None:
        super().__init__(reason, fault.message)
        self.fault = fault


def with_key(request: Request) -> Request:
    """The request with a key from its query where the header would be: the original has no keys, so clients add one."""
    key = read_query(request).get("api_key", "").strip()
    if not key or SCHEME.value in request.headers:
        return request
    return replace(request, headers={**request.headers, SCHEME.value: key})


def parse(request: Request) -> Job:
    """The options from query and form (contracts.md 6.2), and the picture."""
    is_post = request.method == "POST"
    form = read_form(request) if is_post else Form({}, {})
    fields = {**read_query(request), **form.fields}
    place = "body" if is_post else "query"
    job = Job(_source(form, fields, place), LIMITS, options=_options(fields, place))
    return with_finish(job, fields, form.files.get(BACKGROUND_FILE, b""), has_background=bool(fields.get("bgc")))


def render(request: Request, job: Job, outcome: Outcome) -> Response:
    """The PNG."""
    return Response(200, {**CORS, "Content-Type": "image/png"}, outcome.inline["image"])


def refuse(request: Request, error: MattingError, progress: Progress = NO_PROGRESS) -> Response:
    """Render a failure in FastAPI's format, with the reason's name added."""
    status, message = ERRORS.get(error.reason, _FAULT)
    headers = dict(CORS)
    if (status, message) == _RATE:
        headers["Retry-After"] = "1"
    if error.reason is Reason.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(METHODS))
    if isinstance(error, InputRefused) and error.detail and error.reason is not Reason.METHOD_NOT_ALLOWED:
        message = error.detail
    detail: object = message
    if status == _UNPROCESSABLE:
        fault = error.fault if isinstance(error, FieldRefused) else Fault(("body", ""), message, "value_error")
        detail = [{"type": fault.kind, "loc": list(fault.loc), "msg": fault.message}]
    return json_response(status, {"detail": detail, "code": str(error.reason)}, headers)


def preflight(request: Request) -> Response:
    """Let pages call with a key of their own."""
    return preflight_response(*METHODS)


def _source(form: Form, fields: Mapping[str, str], place: str) -> Source:
    """The file, or an address; of both the file counts."""
    if "file" in form.files:
        if not form.files["file"]:
            raise InputRefused(Reason.IMAGE_EMPTY)
        return Source(data=form.files["file"])
    url = fields.get("url", "").strip()
    if not url:
        name = "file" if place == "body" else "url"
        raise FieldRefused(Fault((place, name), "Field required", "missing"), Reason.IMAGE_MISSING)
    if not url.startswith(("http://", "https://", UPLOAD)):
        raise InputRefused(Reason.URL_UNREACHABLE, "url must be an http or https address")
    return Source(url=url)


def _options(fields: Mapping[str, str], place: str) -> SingleFileOptions:
    model = fields.get("model", "").strip() or "u2net"
    if model not in MODELS:
        raise FieldRefused(
            Fault((place, "model"), "String should match the name of a model", "string_pattern_mismatch")
        )
    for name in ("a", "ppm"):  # Cutline refines every alpha, and removes every speck
        _boolean(fields, name, place)
    for name in ("af", "ab"):
        _integer(fields, name, place, most=_MAX_BYTE)
    _integer(fields, "ae", place)
    return SingleFileOptions(
        subject=MODELS[model],
        file_format="png",
        max_px=LARGEST_PX,
        max_png_px=LARGEST_PX,
        mask=_boolean(fields, "om", place),
        background=_colour(fields),
        may_be_empty=True,
        alternatives=(),
    )


def _boolean(fields: Mapping[str, str], name: str, place: str) -> bool:
    text = fields.get(name, "").strip().lower()
    if text and text not in (*_TRUE, *_FALSE):
        message = "Input should be a valid boolean, unable to interpret input"
        raise FieldRefused(Fault((place, name), message, "bool_parsing"))
    return text in _TRUE


def _integer(fields: Mapping[str, str], name: str, place: str, most: int | None = None) -> None:
    text = fields.get(name, "").strip()
    if not text:
        return
    if re.fullmatch("-?[0-9]{1,18}", text) is None:
        message = "Input should be a valid integer, unable to parse string as an integer"
        raise FieldRefused(Fault((place, name), message, "int_parsing"))
    if int(text) < 0:
        raise FieldRefused(Fault((place, name), "Input should be greater than or equal to 0", "greater_than_equal"))
    if most is not None and int(text) > most:
        raise FieldRefused(Fault((place, name), f"Input should be less than or equal to {most}", "less_than_equal"))


def _colour(fields: Mapping[str, str]) -> tuple[int, int, int, int] | None:
    """ "r,g,b,a", each in 0..255; without the last it is opaque."""
    text = fields.get("bgc", "").strip()
    if not text:
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == len("rgb"):
        parts.append(str(_MAX_BYTE))
    valid = len(parts) == len("rgba") and all(re.fullmatch("[0-9]{1,3}", part) for part in parts)
    if not valid or max(map(int, parts)) > _MAX_BYTE:
        raise FieldRefused(Fault(("query", "bgc"), "Value error, must be four numbers in 0..255", "value_error"))
    red, green, blue, opacity = map(int, parts)
    return red, green, blue, opacity
