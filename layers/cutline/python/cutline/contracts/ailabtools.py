"""AIL: AILabTools costume, `POST /api/cutout/general/apparel-background-removal` (contracts.md section 5)."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from cutline.contracts.forms import Form, read_form
from cutline.contracts.wire import (
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
)
from cutline.errors import InputRefused, MattingError, Reason, ServiceFault
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.options import GARMENTS, GarmentForm, GarmentOptions

NAME = "ail"
TITLE = "AILabTools costume removal"
ROUTES: tuple[str, ...] = ("/api/cutout/general/apparel-background-removal",)
METHODS = frozenset({"POST"})
SCHEME = Scheme.AILAB
LINK_LIFETIME_S = 24 * 3600
# "Larger than 50x50" and "smaller than 3000x3000": both are strict, hence 51 and 2999 (contracts.md 5.2).
LIMITS = PictureLimits(frozenset({"JPEG", "BMP", "PNG"}), max_bytes=5 * MIB, min_side_px=51, max_side_px=2999)


@dataclass(frozen=True)
class ErrorRow:
    """One row of the vendor's table: HTTP status, `code` and the fixed sentence `code_message`."""

    http_status: int
    code: str
    message: str


_NO_USER = ErrorRow(401, "ERROR_USER_NOT_EXISTS", "The user does not exist.")
_NO_API = ErrorRow(
    404, "ERROR_AI_NOT_EXISTS", "AI does not exist or has been deactivated, please contact the platform."
)
_RATE = ErrorRow(429, "EXCEEDING_LIMITS", "Exceeds limit.")
_INVALID = ErrorRow(400, "ERROR_INVALID_PARAMETER", "Invalid parameter.")
_TOO_LARGE = ErrorRow(413, "FILE_SIZE_EXCEEDS_LIMIT", "File size exceeds limit.")
# Every failure: `error_code` equals the HTTP status (contracts.md 5.5).
ERRORS: Mapping[Reason, ErrorRow] = {
    Reason.KEY_MISSING: _NO_USER,
    Reason.KEY_UNKNOWN: _NO_USER,
    Reason.API_NOT_ALLOWED: ErrorRow(401, "ERROR_APPLICATIONS_NOT_EXISTS", "The application does not exist."),
    Reason.ACCOUNT_DISABLED: ErrorRow(403, "ERROR_USER_LOCKED", "The user is locked."),
    Reason.NOT_FOUND: _NO_API,
    Reason.METHOD_NOT_ALLOWED: _NO_API,
    Reason.IMAGE_MISSING: ErrorRow(400, "MISSING_PARAMETERS", "Missing parameters."),
    Reason.IMAGE_EMPTY: ErrorRow(400, "PARAMETERS_CANNOT_EMPTY", "Parameters cannot be empty."),
    Reason.PARAMETER_INVALID: _INVALID,
    Reason.IDEMPOTENCY_MISMATCH: _INVALID,
    Reason.BODY_MALFORMED: ErrorRow(400, "ERROR_PARAMETERS", "Invalid parameters."),
    Reason.IMAGE_TOO_LARGE: _TOO_LARGE,
    # Only of uploads: an extension of ours, the vendor takes no address.
    Reason.URL_UNREACHABLE: _INVALID,
    Reason.URL_TOO_LARGE: _TOO_LARGE,
    Reason.BODY_TOO_LARGE: ErrorRow(413, "ERROR_REQUEST_BODY_TOO_LARGE", "Request body size exceeds limit."),
    Reason.RESOLUTION_TOO_HIGH: ErrorRow(413, "FILE_RESOLUTION_EXCEEDS_LIMITS", "File resolution exceeds limits."),
    Reason.RESOLUTION_TOO_LOW: ErrorRow(422, "ERROR_LOW_RESOLUTION", "File resolution too low."),
    Reason.IMAGE_TYPE: ErrorRow(415, "UNSUPPORTED_FILE_TYPES", "Unsupported file types."),
    Reason.IMAGE_CORRUPT: ErrorRow(422, "FILE_DECODING_FAILURE", "File decoding failed."),
    Reason.NO_GARMENT: ErrorRow(
        422, "ERROR_NO_RECOGNITION_TARGET_DETECTED", "No recognition target detected in the image."
    ),
    Reason.QUOTA_EXCEEDED: ErrorRow(429, "ERROR_NOT_ENOUGH_CREDITS", "Insufficient credits."),
    Reason.RATE_EXCEEDED: _RATE,
    Reason.SERVICE_RATE_EXCEEDED: _RATE,
    Reason.MODEL_FAILED: ErrorRow(500, "PROCESSING_FAILURE", "Processing failed."),
    Reason.INTERNAL: ErrorRow(500, "SERVICE_INTERNAL_ERROR", "Service internal error."),
    Reason.STORE_FAILED: ErrorRow(502, "ERROR_FILE_UPLOAD_FAILED", "File upload failed."),
    Reason.OVERLOADED: ErrorRow(503, "ERROR_INSUFFICIENT_RESOURCES", "Insufficient resources."),
    Reason.TIMED_OUT: ErrorRow(504, "AI_SERVICE_TIMEOUT", "AI service timeout."),
}
CODES: Mapping[Reason, str] = {reason: row.code for reason, row in ERRORS.items()}

FORMS: Mapping[str, GarmentForm] = {"": "cutout", "mask": "mask", "whiteBK": "white"}
_FORMS = {name.lower(): form for name, form in FORMS.items()}


def parse(request: Request) -> Job:
    """The picture and the parameters of a form (contracts.md 5.2), in the order multipart, image, parameters."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise InputRefused(Reason.BODY_MALFORMED, "the body must be multipart/form-data")
    form = read_form(request)
    return Job(_source(form), LIMITS, options=_options(form.fields))


def render(request: Request, job: Job, outcome: Outcome) -> Response:
    """Success (contracts.md 5.4): the union, then the requested classes; "" for one that the picture lacks."""
    assert isinstance(job.options, GarmentOptions)
    classes = {name: outcome.links.get(name, "") for name in job.options.classes}
    body = {
        **_envelope(request, 0, "", ""),
        "error_detail": {"status_code": 200, "code": "", "code_message": "", "message": ""},
        "data": {"elements": [{"image_url": outcome.links["image"]}, {"class_url": classes}]},
    }
    return json_response(200, body)


def refuse(request: Request, error: MattingError, progress: Progress = NO_PROGRESS) -> Response:
    """A failure (contracts.md 5.5): the fixed sentence, and what exactly was wrong in `error_detail.message`."""
    row = ERRORS.get(error.reason, ERRORS[Reason.INTERNAL])
    detail = {
        "status_code": row.http_status,
        "code": row.code,
        "code_message": row.message,
        # What went wrong on our side is for the log, not for the caller.
        "message": row.message if isinstance(error, ServiceFault) else error.detail or row.message,
    }
    body = {**_envelope(request, row.http_status, row.code, row.message), "error_detail": detail}
    return json_response(row.http_status, body)


def _source(form: Form) -> Source:
    """The file; as an extension of ours also a text that is the address of an upload."""
    if "image" in form.files:
        if not form.files["image"]:
            raise InputRefused(Reason.IMAGE_EMPTY, "image is empty")
        return Source(data=form.files["image"])
    text = form.fields.get("image", "").strip()
    if not text and "image" in form.fields:
        raise InputRefused(Reason.IMAGE_EMPTY, "image is empty")
    if not text.startswith(UPLOAD):
        raise InputRefused(Reason.IMAGE_MISSING, "image is required and must be a file")
    return Source(url=text)


def _options(fields: Mapping[str, str]) -> GarmentOptions:
    """Blanks, empty items, duplicates and case are forgiven; unknown names are not."""
    names = [item.strip().lower() for item in fields.get("cloth_class", "").split(",")]
    classes = tuple(dict.fromkeys(name for name in names if name))
    unknown = [name for name in classes if name not in GARMENTS]
    if unknown:
        raise InputRefused(Reason.PARAMETER_INVALID, f"cloth_class must be a comma list of {', '.join(GARMENTS)}")
    form = _FORMS.get(fields.get("return_form", "").strip().lower())
    if form is None:
        raise InputRefused(Reason.PARAMETER_INVALID, "return_form must be mask or whiteBK")
    out_mode = fields.get("out_mode", "").strip() or "0"
    if out_mode not in ("0", "1"):
        raise InputRefused(Reason.PARAMETER_INVALID, "out_mode must be 0 or 1")
    return GarmentOptions(classes, form, merged=out_mode == "1" and bool(classes))


def _envelope(request: Request, code: int, name: str, message: str) -> dict[str, object]:
    """`log_id` is digits alone: the time in milliseconds, then six that tell calls of the same time apart."""
    serial = zlib.crc32(request.request_id.encode()) % 1_000_000
    return {
        "request_id": request.request_id,
        "log_id": f"{int(request.received_at * 1000)}{serial:06d}",
        "error_code": code,
        "error_code_str": name,
        "error_msg": message,
    }
