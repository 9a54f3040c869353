"""RBG: remove.bg, `POST /v1.0/removebg` and `/v1.0/improve`, `GET /v1.0/account` (contracts.md 6.1)."""

import base64
from collections.abc import Mapping
from dataclasses import replace

from cutline.contracts.content_negotiation import prefers_json
from cutline.contracts.forms import Form, decode_base64, read_form, read_header
from cutline.contracts.removebg_fields import ErrorRow, FieldRefused, RemoveBgOptions, read_options
from cutline.contracts.wire import (
    CORS,
    NO_PROGRESS,
    UPLOAD,
    Job,
    Outcome,
    Progress,
    Quota,
    Request,
    Response,
    Scheme,
    Source,
    json_response,
    preflight_response,
)
from cutline.errors import InputRefused, MattingError, Reason
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.finish.options import BackgroundPicture
from cutline.pipeline.options import SingleFileMetadata

NAME = "rbg"
TITLE = "remove.bg"
ROUTES: tuple[str, ...] = ("/v1.0/removebg", "/v1.0/improve", "/v1.0/account")
METHODS = frozenset({"POST"})
CREDITS_ROUTE = "/v1.0/account"
SCHEME = Scheme.API_KEY
# The result is the answer's body.
LINK_LIFETIME_S = 0
LIMITS = PictureLimits(
    frozenset({"JPEG", "PNG", "WEBP"}), max_bytes=22 * MIB, max_side_px=16_384, max_pixels=50_000_000
)

_DOWNLOAD = "Failed to download image from given image_url"
_BACKDROP = "Failed to download background image from given image_url"
_LARGE = ErrorRow(400, "file_too_large", "File too large", "File exceeds limit of 22MB")
_UNREADABLE = ErrorRow(400, "failed_to_read_image", "There was an error reading the image.")
_KEY = ErrorRow(403, "auth_failed", "API Key invalid")
_RATE = ErrorRow(429, "rate_limit_exceeded", "Rate limit exceeded")
_FAULT = ErrorRow(500, "internal_error", "An error occurred, please try again")
ERRORS: Mapping[Reason, ErrorRow] = {
    Reason.KEY_MISSING: ErrorRow(403, "auth_failed", "Missing API Key"),
    Reason.KEY_UNKNOWN: _KEY,
    Reason.ACCOUNT_DISABLED: _KEY,
    Reason.API_NOT_ALLOWED: _KEY,
    Reason.QUOTA_EXCEEDED: ErrorRow(402, "insufficient_credits", "Insufficient credits"),
    Reason.RATE_EXCEEDED: _RATE,
    Reason.SERVICE_RATE_EXCEEDED: _RATE,
    Reason.NOT_FOUND: ErrorRow(404, "not_found", "Not found"),
    Reason.METHOD_NOT_ALLOWED: ErrorRow(405, "method_not_allowed", "Method not allowed"),
    Reason.BODY_MALFORMED: ErrorRow(400, "invalid_body", "The request body could not be read"),
    Reason.PARAMETER_INVALID: ErrorRow(400, "invalid_parameter", "Invalid parameter given"),
    Reason.IDEMPOTENCY_MISMATCH: ErrorRow(400, "idempotency_mismatch", "Idempotency-Key was used with another request"),
    Reason.IMAGE_MISSING: ErrorRow(
        400,
        "missing_source",
        "No image given",
        "Please provide the source image in the image_url, image_file or image_file_b64 parameter.",
    ),
    Reason.IMAGE_AMBIGUOUS: ErrorRow(
        400,
        "multiple_sources",
        "Multiple image sources given: Please provide either the image_url, image_file or image_file_b64 parameter.",
    ),
    Reason.IMAGE_EMPTY: _UNREADABLE,
    Reason.BASE64_INVALID: _UNREADABLE,
    Reason.IMAGE_CORRUPT: _UNREADABLE,
    Reason.IMAGE_TYPE: ErrorRow(400, "invalid_file_type", "Invalid file type", "Expected jpg/png/webp"),
    Reason.IMAGE_TOO_LARGE: _LARGE,
    Reason.BODY_TOO_LARGE: _LARGE,
    Reason.URL_TOO_LARGE: _LARGE,
    Reason.URL_UNREACHABLE: ErrorRow(400, "failed_image_download", _DOWNLOAD),
    Reason.BACKDROP_UNREACHABLE: ErrorRow(400, "failed_bg_download", _BACKDROP),
    Reason.RESOLUTION_TOO_HIGH: ErrorRow(400, "resolution_too_high", "Image resolution too high"),
    Reason.RESOLUTION_TOO_LOW: ErrorRow(
        400,
        "invalid_dimensions",
        "Failed to read image dimensions",
        "The dimensions of the given image could not be read.",
    ),
    Reason.REGION_OUTSIDE: ErrorRow(
        400,
        "roi_exceeds_bounds",
        "ROI exceeds image bounds",
        "The given roi parameter defines a region that exceeds the image bounds",
    ),
    Reason.REGION_EMPTY: ErrorRow(
        400, "roi_region_empty", "ROI region is empty", "The given roi parameter defines an empty region"
    ),
    Reason.NO_SUBJECT: ErrorRow(
        400,
        "unknown_foreground",
        "Could not identify foreground in image. For details and recommendations see "
        "https://www.remove.bg/supported-images.",
    ),
    Reason.MODEL_FAILED: _FAULT,
    Reason.STORE_FAILED: _FAULT,
    Reason.INTERNAL: _FAULT,
    Reason.TIMED_OUT: ErrorRow(503, "timeout", "Processing took too long"),
    Reason.OVERLOADED: ErrorRow(503, "overloaded", "The service is overloaded, please try again"),
}
CODES: Mapping[Reason, str] = {reason: row.code for reason, row in ERRORS.items()}
INVALID_URL = ErrorRow(400, "invalid_image_url", "Invalid image_url: Please provide a valid URL.")
INVALID_BACKDROP = ErrorRow(400, "invalid_bg_image_url", "Invalid bg_image_url: Please provide a valid URL.")
BACKDROPS = ErrorRow(
    400,
    "multiple_bg_sources",
    "Multiple background sources given: Please provide either the bg_color, the bg_image_url or the bg_image_file "
    "parameter.",
)
NOT_COLLECTED = ErrorRow(
    400, "not_collected", "No image was submitted: this service collects no images to improve itself with."
)
# What an account without a quota has left.
UNLIMITED = 1_000_000_000
_MINUTE_S = 60


def parse(request: Request) -> Job:
    """The fields of a multipart, urlencoded or JSON body (contracts.md 6.1): sources, then the other parameters."""
    if request.path.rstrip("/") == ROUTES[1]:
        raise FieldRefused(NOT_COLLECTED)
    form = read_form(request, data_fields=("image_file_b64",))
    source, backdrop = _source(form), _backdrop(form)
    options = replace(read_options(form.fields), as_json=prefers_json(read_header(request, "accept")))
    if backdrop is not None:
        options = replace(options, background=BackgroundPicture())
    return Job(source, LIMITS, options=options, backdrop=backdrop)


def render(request: Request, job: Job, outcome: Outcome) -> Response:
    """The file itself, or JSON for a caller who prefers that; never a redirect."""
    metadata, asked = outcome.metadata, job.options
    assert isinstance(metadata, SingleFileMetadata) and isinstance(asked, RemoveBgOptions)
    box, data = metadata.box, outcome.inline["image"]
    places = {"top": box.top, "left": box.left, "width": box.width, "height": box.height}
    kind = {} if asked.type_level == "none" else {"X-Type": _kind(metadata, asked)}
    headers = {
        **CORS,
        **_rate_headers(request, outcome.quota),
        "X-Width": str(outcome.width),
        "X-Height": str(outcome.height),
        "X-Max-Width": str(metadata.max_size[0]),
        "X-Max-Height": str(metadata.max_size[1]),
        **{f"X-Foreground-{name.capitalize()}": str(value) for name, value in places.items()},
        **kind,
        "X-Credits-Charged": "1",
    }
    if not asked.as_json:
        return Response(200, {**headers, "Content-Type": metadata.content_type}, data)
    found = {f"foreground_{name}": value for name, value in places.items()}
    return json_response(200, {"data": {"result_b64": base64.b64encode(data).decode(), **found}}, headers)


def refuse(request: Request, error: MattingError, progress: Progress = NO_PROGRESS) -> Response:
    """A failure: what went wrong in the vendor's words, and a detail where there is one."""
    row = error.row if isinstance(error, FieldRefused) else ERRORS.get(error.reason, _FAULT)
    title, detail = row.title, row.detail
    if title in (_DOWNLOAD, _BACKDROP) and error.detail:
        title = f"{title}: {error.detail.replace('HTTP status', 'HTTP Status')}"
    elif error.reason is Reason.RESOLUTION_TOO_HIGH:
        detail = error.detail
    fault = {"title": title, "code": row.code} | ({"detail": detail} if detail else {})
    headers = dict(CORS)
    if error.reason is Reason.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(METHODS))
    if row is _RATE:
        headers |= {**_rate_headers(request, progress.quota, spent=True), "Retry-After": "1"}
    return json_response(row.status, {"errors": [fault]}, headers)


def preflight(request: Request) -> Response:
    """Let pages call with a key of their own, and ask what is left."""
    return preflight_response("GET", *METHODS)


def render_credits(request: Request, left: int | None, quota: int | None) -> Response:
    """The answer to `GET /v1.0/account`: calls left today, as credits of a subscription."""
    total = UNLIMITED if left is None else left
    credits_left = {"total": total, "subscription": total, "payg": 0, "enterprise": 0}
    attributes = {"credits": credits_left, "api": {"free_calls": 0, "sizes": "all"}}
    return json_response(200, {"data": {"attributes": attributes}}, CORS)


def _source(form: Form) -> Source:
    """The one source given; an empty field or file counts as not given, because HTML forms send those."""
    data, text = form.files.get("image_file", b""), form.fields.get("image_file_b64", "").strip()
    url = form.fields.get("image_url", "").strip()
    given = [bool(data), bool(text), bool(url)].count(True)
    if given > 1:
        raise InputRefused(Reason.IMAGE_AMBIGUOUS)
    if given == 0:
        raise InputRefused(Reason.IMAGE_MISSING)
    if url:
        return _address(url, INVALID_URL)
    data = data or decode_base64(text)
    if len(data) > LIMITS.max_bytes:
        raise InputRefused(Reason.IMAGE_TOO_LARGE)
    return Source(data=data)


def _backdrop(form: Form) -> Source | None:
    data, url = form.files.get("bg_image_file", b""), form.fields.get("bg_image_url", "").strip()
    if [bool(data), bool(url), bool(form.fields.get("bg_color", "").strip())].count(True) > 1:
        raise FieldRefused(BACKDROPS)
    if url:
        return _address(url, INVALID_BACKDROP)
    return Source(data=data) if data else None


def _address(url: str, row: ErrorRow) -> Source:
    if not url.startswith(("http://", "https://", UPLOAD)):
        raise FieldRefused(row)
    return Source(url=url)


def _kind(metadata: SingleFileMetadata, asked: RemoveBgOptions) -> str:
    """Cutline tells people from things; what kind of thing is what the caller said."""
    if metadata.person:
        return "person"
    return "product" if asked.kind in ("auto", "person") else asked.kind


def _rate_headers(request: Request, quota: Quota, *, spent: bool = False) -> dict[str, str]:
    """Calls a minute. The rate's memory is a second, so the coming minute holds them all but those just used."""
    if quota.qps is None:
        return {}
    limit = max(1, round(quota.qps * _MINUTE_S))
    reset = int(request.received_at) + (1 if spent else _MINUTE_S)
    remaining = 0 if spent else limit - 1
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(reset),
    }
