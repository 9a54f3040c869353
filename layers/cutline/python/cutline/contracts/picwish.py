"""PW: PicWish segmentation, `POST /api/tasks/visual/segmentation` and `GET .../{task_id}` (contracts.md section 3).

A call that is well formed becomes a task, and from then on HTTP says 200: `state` says how the task went.
"""

import base64
import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cutline.contracts import task_record
from cutline.contracts.addresses import read_address
from cutline.contracts.extensions import BACKGROUND_FILE, response_fields, with_finish, with_own_fields
from cutline.contracts.forms import Form, bounded, decode_base64, read_form
from cutline.contracts.task_record import (
    AS_BASE64,
    AS_BYTES,
    AS_LINK,
    BOTH,
    DONE,
    IMAGE_ONLY,
    MASK_ONLY,
    PREPARING,
    PROCESSING,
    STATES,
    WAITING,
    TaskOptions,
    TaskRecord,
    task_options,
)
from cutline.contracts.wire import NO_PROGRESS, Job, Outcome, Progress, Request, Response, Scheme, Source, json_response
from cutline.errors import InputRefused, MattingError, Reason
from cutline.limits import MAX_INLINE_BYTES
from cutline.pipeline.options import CONTENT_TYPES, FORMATS, CutOptions, ImageFormat, Subject
from cutline.pipeline.outputs.profiles import read_profiles

NAME = "pw"
TITLE = "PicWish segmentation"
ROUTES: tuple[str, ...] = ("/api/tasks/visual/segmentation", "/api/tasks/visual/segmentation/{task_id}")
METHODS = frozenset({"POST"})
SCHEME = Scheme.API_KEY
LINK_LIFETIME_S, LIMITS = task_record.LINK_LIFETIME_S, task_record.LIMITS

_UNAUTHORIZED = (401, "Unauthorized")
_NOT_FOUND = (404, "Not Found")
_TOO_LARGE = (413, "Request Entity Too Large")
_TOO_MANY = (429, "Too Many Requests")
_BAD = (400, "Bad Request")
_FAULT = (500, "Internal Server Error")
# What is wrong with the request: the HTTP status, repeated in the body; a 400 names the field (contracts.md 3.6).
ERRORS: Mapping[Reason, tuple[int, str]] = {
    Reason.KEY_MISSING: _UNAUTHORIZED,
    Reason.KEY_UNKNOWN: _UNAUTHORIZED,
    Reason.ACCOUNT_DISABLED: _UNAUTHORIZED,
    Reason.API_NOT_ALLOWED: _UNAUTHORIZED,
    Reason.NOT_FOUND: _NOT_FOUND,
    Reason.METHOD_NOT_ALLOWED: _NOT_FOUND,
    Reason.IMAGE_TOO_LARGE: _TOO_LARGE,
    Reason.BODY_TOO_LARGE: _TOO_LARGE,
    Reason.RATE_EXCEEDED: _TOO_MANY,
    Reason.SERVICE_RATE_EXCEEDED: _TOO_MANY,
    Reason.QUOTA_EXCEEDED: _TOO_MANY,
    Reason.BODY_MALFORMED: _BAD,
    Reason.PARAMETER_INVALID: _BAD,
    Reason.IDEMPOTENCY_MISMATCH: _BAD,
    Reason.IMAGE_MISSING: _BAD,
    Reason.IMAGE_AMBIGUOUS: _BAD,
    Reason.BASE64_INVALID: _BAD,
    Reason.OVERLOADED: _FAULT,
    Reason.INTERNAL: _FAULT,
}
CODES: Mapping[Reason, str] = {reason: str(status) for reason, (status, _) in ERRORS.items()} | {
    reason: str(state) for reason, state in STATES.items()
}

# 100 only with state 1, 0 with every failure: there are clients that look at nothing else.
_PROGRESS: Mapping[int, int] = {DONE: 100, PREPARING: 10, WAITING: 30, PROCESSING: 50}

SUBJECTS: Mapping[str, Subject] = {"auto": "auto", "person": "person", "object": "object", "stamp": "stamp"}
_SWITCH = {"false": "0", "true": "1"}


def parse(request: Request) -> Job:
    """The fields of a multipart, urlencoded or JSON body (contracts.md 3.3). Size comes first (contracts.md 3.6)."""
    form = read_form(request, data_fields=("image_base64",))
    source = _source(form)
    return read_options(form.fields, source, form.files.get(BACKGROUND_FILE, b""))


def read_options(fields: Mapping[str, str], source: Source, background: bytes = b"") -> Job:
    """Read all that is asked of a picture, under a new task id; `background` is a picture to put behind its subject.

    Raises InputRefused(PARAMETER_INVALID).
    """
    kind = fields.get("type", "").strip() or "auto"
    if kind not in SUBJECTS:
        raise InputRefused(Reason.PARAMETER_INVALID, "Invalid task type")
    callback_url = fields.get("callback_url", "").strip()
    if callback_url:
        _check_callback(callback_url)
    options = TaskOptions(
        task_id=str(uuid.uuid4()),
        # The vendor's samples with a callback leave `sync` out, and look at nothing but the callback.
        asynchronous=_number(fields, "sync", 0 if callback_url else 1, (0, 1)) == 0,
        kind=kind,
        return_type=_number(fields, "return_type", AS_LINK, (AS_LINK, AS_BASE64, AS_BYTES)),
        output_type=_number(fields, "output_type", IMAGE_ONLY, (BOTH, IMAGE_ONLY, MASK_ONLY)),
        callback_url=callback_url,
    )
    if options.asynchronous and options.return_type == AS_BYTES:
        raise InputRefused(Reason.PARAMETER_INVALID, "Invalid return type")
    job = Job(source, LIMITS, _cut(fields, options), options)
    return with_finish(job, fields, background, has_background=bool(fields.get("bg_color", "").strip()))


def _check_callback(url: str) -> None:
    """Raise InputRefused for an address that could never be called back."""
    try:
        read_address(url)
    except ValueError as error:
        raise InputRefused(Reason.PARAMETER_INVALID, "Invalid callback url") from error


def render(request: Request, job: Job, outcome: Outcome) -> Response:
    """Render the finished task, its bytes, or only its id (contracts.md 3.4)."""
    options = task_options(job)
    if options.asynchronous:
        return accepted(request, options.task_id)
    if options.return_type == AS_BYTES:
        name = "mask" if options.output_type == MASK_ONLY else "image"
        headers = {"Content-Type": _content_type(job.cut), "X-Task-Id": options.task_id}
        return Response(200, headers, outcome.inline[name])
    images = dict(outcome.links)
    if options.return_type == AS_BASE64:
        images = {name: base64.b64encode(data).decode() for name, data in outcome.inline.items()}
    record = task_record.finished("", request, job, outcome)
    # To a call without Cutline's own fields the body is the vendor's, and the confidence is only in its header.
    cut, plain = job.cut, CutOptions()
    own = (cut.profile, cut.shadow, cut.metadata, cut.depth)
    extended = own != (plain.profile, plain.shadow, plain.metadata, plain.depth)
    return show(record if extended else replace(record, metadata=None), images)


def refuse(request: Request, error: MattingError, progress: Progress = NO_PROGRESS) -> Response:
    """A failed task inside HTTP 200 once there is a task, the request's own failure before.

    A call with `sync=0` that fails leaves no task that could be asked for.
    """
    record = None if progress.job is None else task_record.failed("", request, progress.job, error)
    if record is not None and not record.options.asynchronous:
        return show(record, {})
    status, message = ERRORS.get(error.reason, _FAULT)
    headers = {"Retry-After": "1"} if error.reason in (Reason.RATE_EXCEEDED, Reason.SERVICE_RATE_EXCEEDED) else {}
    if status == _BAD[0] and error.detail:
        message = error.detail
    return json_response(status, {"status": status, "message": message}, headers)


def fits_as_base64(files: Mapping[str, bytes]) -> bool:
    """Whether an answer can carry the files of a task whose `return_type` is 2."""
    return sum(len(data) for data in files.values()) < MAX_INLINE_BYTES


def task_id(request: Request, parameters: Mapping[str, str]) -> str | None:
    """Return the id in the path of a GET."""
    task_id = parameters.get("task_id")
    return None if task_id is None else bounded(task_id)


def accepted(request: Request, task_id: str) -> Response:
    """The answer to `sync=0`: what to ask for later."""
    return _success({"task_id": task_id})


def show(record: TaskRecord, images: Mapping[str, str], request: Request | None = None) -> Response:
    """A task as POST and GET show it; `images` are links or base64 by name."""
    data: dict[str, Any] = {
        "task_id": record.task_id,
        "state": record.state,
        "progress": _PROGRESS.get(record.state, 0),
        "created_at": record.created_at,
    }
    if record.processed_at is not None or record.state < 0:
        data["processed_at"] = record.processed_at or record.created_at
    if record.state == DONE:
        options = record.options
        data |= {
            **images,
            "completed_at": record.completed_at,
            "output_type": options.output_type,
            "return_type": options.return_type,
            "type": options.kind,
            **response_fields(record.metadata),
        }
    return _success(dict(sorted(data.items())))


def _source(form: Form) -> Source:
    """The one source given; an empty field or file counts as not given, because HTML forms send those."""
    data, text, url = form.files.get("image_file", b""), form.fields.get("image_base64"), form.fields.get("image_url")
    given = [bool(data), bool(text), bool(url)].count(True)
    if given > 1:
        raise InputRefused(Reason.IMAGE_AMBIGUOUS, "Only one of image_file, image_url and image_base64 may be sent")
    if given == 0:
        raise InputRefused(Reason.IMAGE_MISSING, "One of image_file, image_url and image_base64 is required")
    if url:
        return Source(url=url.strip())
    data = data or decode_base64(text or "")
    if len(data) > LIMITS.max_bytes:
        raise InputRefused(Reason.IMAGE_TOO_LARGE)
    return Source(data=data)


def _cut(fields: Mapping[str, str], options: TaskOptions) -> CutOptions:
    text = fields.get("format", "").strip() or "png"
    if text not in FORMATS:  # of which WebP and AVIF are Cutline's (contracts.md 3.3)
        raise InputRefused(Reason.PARAMETER_INVALID, "Invalid format")
    image_format = FORMATS[text]
    cut = CutOptions(
        subject=SUBJECTS[options.kind],
        background=_colour(fields, image_format),
        crop=_number(fields, "crop", 0, (0, 1)) == 1,
        image_format=image_format,
        want_image=options.output_type != MASK_ONLY,
        want_mask=options.output_type != IMAGE_ONLY,
    )
    return with_own_fields(cut, fields)


def _content_type(cut: CutOptions) -> str:
    made = read_profiles()[cut.profile].image_format if cut.profile else cut.image_format
    return CONTENT_TYPES[made]


def _colour(fields: Mapping[str, str], image_format: ImageFormat) -> tuple[int, int, int] | None:
    """The background: a JPEG's, white by default, and a WebP's or AVIF's if given; the vendor ignores a PNG's."""
    text = fields.get("bg_color", "").strip().removeprefix("#")
    if image_format == "png" or (image_format != "jpeg" and not text):
        return None
    if re.fullmatch(r"[0-9a-fA-F]{6}", text or "ffffff") is None:
        raise InputRefused(Reason.PARAMETER_INVALID, "Invalid bg_color")
    red, green, blue = bytes.fromhex(text or "ffffff")
    return red, green, blue


def _number(fields: Mapping[str, str], name: str, default: int, allowed: tuple[int, ...]) -> int:
    """A number as text, "1.0" and, for a switch, JSON's true and false included."""
    text = fields.get(name, "").strip().removesuffix(".0")
    if not text:
        return default
    if allowed == (0, 1):
        text = _SWITCH.get(text, text)
    if text not in {str(value) for value in allowed}:
        raise InputRefused(Reason.PARAMETER_INVALID, f"Invalid {name.replace('_', ' ')}")
    return int(text)


def _success(data: Mapping[str, Any]) -> Response:
    return json_response(200, {"status": 200, "message": "success", "data": data})
