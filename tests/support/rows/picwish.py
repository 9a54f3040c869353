"""PicWish segmentation (contracts.md section 3)."""

import re
from collections.abc import Iterator

from cutline.contracts import picwish, task_record
from cutline.errors import Reason
from cutline.serving.service import NO_TASKS
from tests.support.ledger import Row, Shape
from tests.support.rows.common import BEYOND_THE_PLATFORM, LINK, UUID, field_rows, sent_rows

PATHS = {r"/api/tasks/visual/segmentation(/.*)?": "PW"}
_API = "PW"
_BASE64 = re.compile("[A-Za-z0-9+/]+={0,2}")
_KIND = re.compile("auto|person|object|stamp")
_TASK = {"created_at": int, "processed_at": int, "task_id": UUID}
_BYTES = re.compile("(PNG|JPEG|WEBP) .*")
_OUTPUTS = {1: ("image", "mask"), 2: ("image",), 3: ("mask",)}
_GET = {"method": "GET"}
# Cutline's own: what GET and callbacks tell of every result, and each answer of one made for a marketplace.
_TOLD = {"confidence": float}
_JUDGED = {**_TOLD, "profile": str, "passed": bool, "verdicts": list}
_PASSING = "a state that may pass between two questions"
_STATES = {
    Reason.MODEL_FAILED: "failed",
    Reason.STORE_FAILED: "upload of the result failed",
    Reason.URL_UNREACHABLE: "image_url cannot be fetched",
    Reason.URL_TOO_LARGE: "image_url over 15 MB",
    Reason.IMAGE_TYPE: "invalid file",
    Reason.TIMED_OUT: "over 30 s",
}


def _success(data: Shape) -> Shape:
    return {"status": 200, "message": "success", "data": data}


def _finished(output_type: int, return_type: int, kind: Shape = _KIND, **own: Shape) -> Shape:
    value = _BASE64 if return_type == task_record.AS_BASE64 else LINK
    more = {"completed_at": int, "output_type": output_type, "progress": 100, "return_type": return_type, **own}
    return _success({**_TASK, **more, "state": 1, "type": kind, **dict.fromkeys(_OUTPUTS[output_type], value)})


def _failed(state: int) -> Shape:
    return _success({**_TASK, "progress": 0, "state": state})


def _pending(state: int) -> tuple[Shape, ...]:
    begun = {"created_at": int, "progress": int, "state": state, "task_id": UUID}
    return _success(begun), _success({**begun, "processed_at": int})


_DONE = tuple(
    _finished(output, kind, **own)
    for output in _OUTPUTS
    for kind in (task_record.AS_LINK, task_record.AS_BASE64, task_record.AS_BYTES)
    for own in ({}, _TOLD)
)


def rows() -> Iterator[Row]:
    """All of contracts.md 3.1 to 3.6."""
    posted = {"method": "POST", "x-api-key": ".+"}
    yield from sent_rows(_API, "3.1 paths, 3.2 auth", _DONE, [posted, {**_GET, "x-api-key": ".+"}])
    yield from _parameters()
    yield from field_rows(_API, "3.4 success, POST", _finished(1, 1), method="POST")
    yield from field_rows(_API, "3.4 success, GET", _finished(1, 1, **_TOLD), method="GET")
    made = _finished(2, 1, **_JUDGED)
    yield from field_rows(_API, "3.4 success, profile, POST", made, method="POST", profile=".+")
    yield from field_rows(_API, "3.4 success, profile, GET", made, method="GET")
    yield from field_rows(_API, "3.4 sync=0", _success({"task_id": UUID}), sync="0")
    yield from _states()
    yield from _errors()


def _parameters() -> Iterator[Row]:
    table = "3.3 fields"
    kinds = ["JPEG", "BMP", "PNG", "WEBP", "TIFF"]
    sides = [r"PNG 4096x\d+,.*", r"PNG \d+x4096,.*"]
    sources = [{"image_file": f"file: {kind} .*"} for kind in kinds] + [{"image_file": f"file: {s}"} for s in sides]
    sources += [{"image_url": "http.*"}, {"image_base64": "PNG .*"}]
    bodies = ["multipart/form-data.*", "application/x-www-form-urlencoded", "application/json"]
    yield from sent_rows(_API, table, _DONE, [*sources, *({"content-type": kind} for kind in bodies)])
    yield from sent_rows(_API, table, _DONE, [{"sync": None, "method": "POST"}, {"sync": "1"}])
    yield from sent_rows(_API, table, _success({"task_id": UUID}), [{"sync": "0"}, {"callback_url": ".+", "sync": "0"}])
    for kind in ("auto", "person", "object", "stamp"):
        done = tuple(_finished(output, task_record.AS_LINK, kind) for output in _OUTPUTS)
        yield Row(_API, table, f"type = {kind}, echoed", body=done, sent={"type": kind})
    done = tuple(_finished(output, task_record.AS_LINK, "auto") for output in _OUTPUTS)
    for name, sent in {"type empty is auto": "", "type absent is auto": None}.items():
        yield Row(_API, table, name, body=done, sent={"type": sent, "method": "POST"})
    for number, output in [
        (number, output) for number in (task_record.AS_LINK, task_record.AS_BASE64) for output in _OUTPUTS
    ]:
        sent = {"return_type": str(number), "output_type": str(output)}
        yield from sent_rows(_API, table, _finished(output, number), [sent])
    yield Row(_API, table, "return_type and output_type absent", body=_finished(2, 1), sent=_without_types())
    yield from sent_rows(_API, table, _BYTES, [{"return_type": "3", "output_type": n} for n in (None, "1", "2", "3")])
    looks = [{"crop": "0"}, {"crop": "1"}, {"format": "png"}, {"format": "jpg"}, {"format": "webp"}]
    colours = [{"bg_color": "[0-9a-f]{6}", "format": "jpg"}, {"bg_color": ".*", "format": "png"}]
    yield from sent_rows(_API, table, (*_DONE, _BYTES), [*looks, *colours])


def _without_types() -> dict[str, str | None]:
    return {"return_type": None, "output_type": None, "method": "POST"}


def _states() -> Iterator[Row]:
    table = "3.5 states"
    yield Row(_API, table, "1 done", body=_DONE)
    for state, name in {0: "queued", 2: "preparing", 3: "waiting", 4: "processing"}.items():
        yield Row(_API, table, f"{state} {name}", body=_pending(state), sent=_GET, excused=_PASSING)
    for reason, name in _STATES.items():
        for method in ("POST", "GET"):
            state = task_record.STATES[reason]
            yield Row(_API, table, f"{state} {name}, {method}", body=_failed(state), sent={"method": method})
    yield Row(_API, table, "-14 content not acceptable", excused="nothing looks at what a picture shows")
    invalid = ["no picture", ".* cut short", "GIF .*", r"PNG 4097x\d+,.*", r"PNG \d+x4097,.*"]
    for picture in invalid:
        sent = {"image_file": f"file: {picture}"}
        yield Row(_API, table, f"-7: {picture}", body=_failed(task_record.STATES[Reason.IMAGE_TYPE]), sent=sent)


def _errors() -> Iterator[Row]:
    table = "3.6 errors"
    for status, message in dict.fromkeys(picwish.ERRORS.values()):
        excused = BEYOND_THE_PLATFORM if status == picwish.ERRORS[Reason.IMAGE_TOO_LARGE][0] else ""
        if status != picwish.ERRORS[Reason.PARAMETER_INVALID][0]:
            yield Row(_API, table, f"{status} {message}", status, {"status": status, "message": message}, {}, excused)
    unauthorized = {"status": 401, "message": "Unauthorized"}
    for name, sent in {"key missing": None, "key wrong": "wrong"}.items():
        yield Row(_API, table, f"401: {name}", 401, unauthorized, {"x-api-key": sent})
    for name in ("off", "elsewhere"):
        sent = {"x-api-key": f"key-{name}.*"}
        yield Row(_API, table, f"401: key not enabled ({name})", 401, unauthorized, sent)
    missing = {"status": 404, "message": "Not Found"}
    yield Row(_API, table, "404: task id", 404, missing, {**_GET, "path": ".*/segmentation/.+"})
    yield Row(_API, table, "404: wrong method", 404, missing, {"method": "PUT|DELETE"})
    for message, sent in _BAD.items():
        text = message if message.startswith("Invalid") else re.compile(message)
        yield Row(_API, table, f"400: {message}", 400, {"status": 400, "message": text}, sent)


_BAD: dict[str, dict[str, str | None]] = {
    "Invalid task type": {"type": ".+"},
    "Invalid sync": {"sync": ".+"},
    NO_TASKS: {"sync": "0"},
    "Invalid return type": {"return_type": ".+"},
    "Invalid output type": {"output_type": ".+"},
    "Invalid crop": {"crop": ".+"},
    "Invalid format": {"format": ".+"},
    "Invalid bg_color": {"bg_color": ".+"},
    "Only one of .+": {},
    "One of .+ is required": {},
    ".+ base64": {"image_base64": "no base64"},
    ".+ JSON.*": {"body": ".*"},
    "this Idempotency-Key was used .+": {"idempotency-key": ".+"},
}
