"""AIL: AILabTools costume, `POST /api/cutout/general/apparel-background-removal` (contracts.md section 5).

Its siblings (contracts.md 6.3) share envelope, header and errors: four cut-outs, one in the background, two questions.
"""

import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from cutline.contracts import task_record
from cutline.contracts.extensions import BACKGROUND_FILE, with_finish
from cutline.contracts.forms import Form, is_multipart, read_form, read_query
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
from cutline.pipeline.options import GARMENTS, CutOptions, GarmentForm, GarmentOptions, Subject

NAME = "ail"
TITLE = "AILabTools"
_GENERAL, _PORTRAIT = "/api/cutout/general/", "/api/cutout/portrait/"
HD_ROUTE = f"{_GENERAL}hd-universal-background-removal"
TASK_ROUTE, CREDITS_ROUTE = "/api/common/query-async-task-result", "/api/common/query-credits"
# What the siblings look for, and the forms that they return besides a transparent PNG.
CUTOUTS: Mapping[str, tuple[Subject, tuple[str, ...]]] = {
    f"{_GENERAL}universal-background-removal": ("auto", ("mask", "whiteBK", "crop")),
    f"{_GENERAL}commodity-background-removal": ("object", ("mask", "whiteBK", "crop")),
    f"{_GENERAL}food-background-removal": ("object", ("mask", "whiteBK")),
    f"{_PORTRAIT}portrait-background-removal": ("person", ("mask", "whiteBK", "crop")),
}
ROUTES: tuple[str, ...] = (
    f"{_GENERAL}apparel-background-removal",
    *CUTOUTS,
    HD_ROUTE,
    TASK_ROUTE,
    CREDITS_ROUTE,
)
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


_NO_TARGET = ErrorRow(422, "ERROR_NO_RECOGNITION_TARGET_DETECTED", "No recognition target detected in the image.")
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
    # Only for uploads, which are Cutline's extension: the vendor takes no address.
    Reason.URL_UNREACHABLE: _INVALID,
    Reason.BACKDROP_UNREACHABLE: _INVALID,
    Reason.URL_TOO_LARGE: _TOO_LARGE,
    Reason.BODY_TOO_LARGE: ErrorRow(413, "ERROR_REQUEST_BODY_TOO_LARGE", "Request body size exceeds limit."),
    Reason.RESOLUTION_TOO_HIGH: ErrorRow(413, "FILE_RESOLUTION_EXCEEDS_LIMITS", "File resolution exceeds limits."),
    Reason.RESOLUTION_TOO_LOW: ErrorRow(422, "ERROR_LOW_RESOLUTION", "File resolution too low."),
    Reason.IMAGE_TYPE: ErrorRow(415, "UNSUPPORTED_FILE_TYPES", "Unsupported file types."),
    Reason.IMAGE_CORRUPT: ErrorRow(422, "FILE_DECODING_FAILURE", "File decoding failed."),
    Reason.NO_GARMENT: _NO_TARGET,
    Reason.NO_SUBJECT: _NO_TARGET,
    Reason.NO_PERSON: _NO_TARGET,
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

# What an account without a quota has left.
UNLIMITED = 1_000_000_000
_DAY_S = 86_400
FORMS: Mapping[str, GarmentForm] = {"": "cutout", "mask": "mask", "whiteBK": "white"}
_FORMS = {name.lower(): form for name, form in FORMS.items()}


def parse(request: Request) -> Job:
    """The picture and the parameters of a form (contracts.md 5.2), in the order multipart, image, parameters."""
    if not is_multipart(request):
        raise InputRefused(Reason.BODY_MALFORMED, "the body must be multipart/form-data")
    form, path = read_form(request), request.path.rstrip("/")
    source = _source(form)
    if path in CUTOUTS:
        job = Job(source, LIMITS, _cut(form.fields, *CUTOUTS[path]), needs_subject=True)
    elif path == HD_ROUTE:
        # Background tasks are worked within the limits of the API that they are made for.
        job = Job(source, task_record.LIMITS, options=task_record.TaskOptions(str(uuid.uuid4()), asynchronous=True))
    else:
        job = Job(source, LIMITS, options=_options(form.fields))
    white = form.fields.get("return_form", "").strip().lower() == "whitebk"
    return with_finish(job, form.fields, form.files.get(BACKGROUND_FILE, b""), has_background=white)


def render(request: Request, job: Job, outcome: Outcome) -> Response:
    """Success (contracts.md 5.4 and 6.3): the union, then the requested classes; "" for one that the picture lacks."""
    if isinstance(job.options, task_record.TaskOptions):
        return accepted(request, job.options.task_id)
    if not isinstance(job.options, GarmentOptions):
        return _success(request, {"image_url": next(iter(outcome.links.values()))})
    classes = {name: outcome.links.get(name, "") for name in job.options.classes}
    return _success(request, {"elements": [{"image_url": outcome.links["image"]}, {"class_url": classes}]})


def accepted(request: Request, task_id: str) -> Response:
    """Return the answer to a call worked in the background; the vendor's clients read both places."""
    return _success(request, {"task_id": task_id}, task_id=task_id)


def task_id(request: Request, parameters: Mapping[str, str]) -> str | None:
    """Return the id in the query of the route for questions."""
    return read_query(request).get("task_id", "").strip() if request.path.rstrip("/").endswith(TASK_ROUTE) else None


def show(record: task_record.TaskRecord, images: Mapping[str, str], request: Request | None = None) -> Response:
    """Return a task's status (contracts.md 6.3): 0 queued, 1 at work, 2 done, 3 failed."""
    status = 3 if record.state < 0 else {task_record.QUEUED: 0, task_record.DONE: 2}.get(record.state, 1)
    found = {"image_url": images["image"]} if record.state == task_record.DONE else {}
    assert request is not None  # there are no callbacks
    return _success(request, {"task_status": status, **found}, task_status=status)


def render_credits(request: Request, left: int | None, quota: int | None) -> Response:
    """Return the rest of the day's quota, in a list of one (contracts.md 6.3)."""
    day = int(request.received_at) // _DAY_S * _DAY_S
    balance, total = (float(UNLIMITED if value is None else value) for value in (left, quota))
    entry = {
        "unique_sign": NAME,
        "name": "Cutline",
        "balance": balance,
        "total": total,
        "last_recharge_balance": total,
        "balance_warning": 0.0,
        "first_buy_time": day,
        "last_update_time": int(request.received_at),
    }
    return _success(request, [entry])


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
    """Return the file or, as Cutline's extension, the address of an upload, given as text."""
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


def _cut(fields: Mapping[str, str], subject: Subject, forms: tuple[str, ...]) -> CutOptions:
    form = fields.get("return_form", "").strip().lower()
    if form not in ("", *map(str.lower, forms)):
        raise InputRefused(Reason.PARAMETER_INVALID, f"return_form must be one of {', '.join(forms)}")
    return CutOptions(
        subject=subject,
        background=(255, 255, 255) if form == "whitebk" else None,
        crop=form == "crop",
        want_image=form != "mask",
        want_mask=form == "mask",
    )


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


def _success(request: Request, data: object, **more: object) -> Response:
    body = {
        **_envelope(request, 0, "", ""),
        "error_detail": {"status_code": 200, "code": "", "code_message": "", "message": ""},
        "data": data,
        **more,
    }
    return json_response(200, body)


def _envelope(request: Request, code: int, name: str, message: str) -> dict[str, object]:
    """Return the common fields. `log_id` has only digits: the time in milliseconds, then six that make it unique."""
    serial = zlib.crc32(request.request_id.encode()) % 1_000_000
    return {
        "request_id": request.request_id,
        "log_id": f"{int(request.received_at * 1000)}{serial:06d}",
        "error_code": code,
        "error_code_str": name,
        "error_msg": message,
    }
