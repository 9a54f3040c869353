"""AILabTools costume (contracts.md section 5)."""

import re
from collections.abc import Iterator

from cutline.contracts import ailabtools
from cutline.errors import Reason
from cutline.pipeline.options import GARMENTS
from tests.support.ledger import Row, Shape
from tests.support.rows.common import PNG_LINK, UUID, field_rows, sent_rows

PATHS = {
    "/api/cutout/general/apparel-background-removal": "AIL",
    **dict.fromkeys((*ailabtools.CUTOUTS, ailabtools.HD_ROUTE, ailabtools.TASK_ROUTE, ailabtools.CREDITS_ROUTE), "AIL"),
}
_API = "AIL"
_IDS = {"request_id": UUID, "log_id": re.compile(r"\d{19}")}
# No class asked for, one asked for and found, one asked for and absent, all asked for.
_CLASSES = [{}, *({name: found} for name in GARMENTS for found in (PNG_LINK, "")), dict.fromkeys(GARMENTS, str)]
_EXCUSED = {
    Reason.BODY_TOO_LARGE: "API Gateway refuses such a body itself, with the same HTTP status (contracts.md 0.1)",
}


def _success(classes: Shape) -> Shape:
    return {
        **_IDS,
        "error_code": 0,
        "error_code_str": "",
        "error_msg": "",
        "error_detail": {"status_code": 200, "code": "", "code_message": "", "message": ""},
        "data": {"elements": [{"image_url": PNG_LINK}, {"class_url": classes}]},
    }


def _failure(row: ailabtools.ErrorRow) -> Shape:
    detail = {"status_code": row.http_status, "code": row.code, "code_message": row.message, "message": str}
    envelope = {"error_code": row.http_status, "error_code_str": row.code, "error_msg": row.message}
    return {**_IDS, **envelope, "error_detail": detail}


_DONE = tuple(_success(classes) for classes in _CLASSES)


def rows() -> Iterator[Row]:
    """All of contracts.md 5.1 to 5.5, and 6.3."""
    yield from _siblings()
    yield from sent_rows(_API, "5.1 auth", _DONE, [{"ailabapi-api-key": ".+", "content-type": "multipart/.*"}])
    yield from _fields()
    yield from _elements()
    yield from field_rows(_API, "5.4 success", _success(dict.fromkeys(GARMENTS, str)))
    yield from _errors()


def _with(data: Shape, **more: Shape) -> Shape:
    return {**_success({}), "data": data, **more}


def _siblings() -> Iterator[Row]:
    table = "6.3 siblings"
    for path, (_, forms) in ailabtools.CUTOUTS.items():
        done = _with({"image_url": PNG_LINK})
        yield from sent_rows(_API, table, done, [{"path": path, "return_form": form} for form in (None, *forms)])
        row = ailabtools.ERRORS[Reason.PARAMETER_INVALID]
        yield Row(_API, table, f"{path}: bad return_form", 400, _failure(row), {"path": path, "return_form": "x"})
    accepted = _with({"task_id": UUID}, task_id=UUID)
    yield Row(_API, table, "HD", body=accepted, sent={"path": ailabtools.HD_ROUTE})
    asked = {"path": ailabtools.TASK_ROUTE, "task_id": ".+"}
    for status, name in {0: "queued", 1: "at work", 2: "done", 3: "failed"}.items():
        data: Shape = {"task_status": status} | ({"image_url": PNG_LINK} if status == 2 else {})
        excused = "a status that may pass between two questions" if status < 2 else ""
        yield Row(_API, table, f"task {name}", body=_with(data, task_status=status), sent=asked, excused=excused)
    unknown = ailabtools.ERRORS[Reason.NOT_FOUND]
    yield Row(_API, table, "task unknown", 404, _failure(unknown), asked)
    missing = ailabtools.ERRORS[Reason.IMAGE_MISSING]
    yield Row(_API, table, "task_id absent", 400, _failure(missing), {"path": ailabtools.TASK_ROUTE, "task_id": None})
    amounts = dict.fromkeys(("balance", "total", "last_recharge_balance", "balance_warning"), float)
    times = dict.fromkeys(("first_buy_time", "last_update_time"), int)
    entry = {"unique_sign": "ail", "name": "Cutline", **amounts, **times}
    yield Row(_API, table, "credits", body=_with([entry]), sent={"path": ailabtools.CREDITS_ROUTE})


def _fields() -> Iterator[Row]:
    table = "5.2 fields"
    pictures = ["JPEG .*", "BMP .*", "PNG .*", *(f".* {size},.*" for size in ("51x51", "2999x2999"))]
    yield from sent_rows(_API, table, _DONE, [{"image": f"file: {kind}"} for kind in pictures])
    yield from sent_rows(_API, table, _DONE, [{"return_form": form} for form in (None, "mask", "whiteBK")])
    yield from sent_rows(_API, table, _DONE, [{"out_mode": mode} for mode in (None, "0", "1")])
    every = _success(dict.fromkeys(GARMENTS, str))
    yield Row(
        _API, table, "cloth_class with blanks, repeats and capitals", body=every, sent={"cloth_class": " .*[A-Z].*"}
    )
    for name in GARMENTS:
        body = (_success({name: PNG_LINK}), _success({name: ""}), every)
        yield Row(_API, table, f"cloth_class = {name}", body=body, sent={"cloth_class": f".*{name}.*"})


def _elements() -> Iterator[Row]:
    table = "5.3 elements"
    none, some = {"cloth_class": None}, {"cloth_class": ".+"}
    absent = tuple(_success({name: ""}) for name in GARMENTS)
    found = tuple(_success({name: PNG_LINK}) for name in GARMENTS)
    yield Row(_API, table, "no cloth_class: union, {}", body=_success({}), sent=none)
    yield Row(_API, table, "cloth_class, found", body=found, sent={**some, "out_mode": None})
    yield Row(_API, table, 'cloth_class, absent: ""', body=absent, sent={**some, "out_mode": None})
    yield Row(_API, table, "cloth_class, out_mode 0", body=_DONE, sent={**some, "out_mode": "0"})
    yield Row(_API, table, "cloth_class, out_mode 1", body=found, sent={**some, "out_mode": "1"})
    yield Row(_API, table, "out_mode 1 without cloth_class", body=_success({}), sent={**none, "out_mode": "1"})


def _errors() -> Iterator[Row]:
    table = "5.5 errors"
    excused = {ailabtools.ERRORS[reason]: why for reason, why in _EXCUSED.items()}
    for row in dict.fromkeys(ailabtools.ERRORS.values()):
        name = f"{row.http_status} {row.code}"
        yield Row(_API, table, name, row.http_status, _failure(row), excused=excused.get(row, ""))
    cases: list[tuple[Reason, dict[str, str | None]]] = [
        (Reason.KEY_MISSING, {"ailabapi-api-key": None}),
        (Reason.KEY_UNKNOWN, {"ailabapi-api-key": "wrong"}),
        *((Reason.PARAMETER_INVALID, {name: ".+"}) for name in ("cloth_class", "return_form", "out_mode")),
        *((Reason.IMAGE_TYPE, {"image": f"file: {kind}"}) for kind in ("GIF .*", "WEBP .*", "TIFF .*", "no picture")),
        *((Reason.RESOLUTION_TOO_LOW, {"image": f"file: PNG {size}"}) for size in ("50x.*", r"\d+x50,.*")),
        *((Reason.RESOLUTION_TOO_HIGH, {"image": f"file: PNG {size}"}) for size in ("3000x.*", r"\d+x3000,.*")),
        (Reason.NO_GARMENT, {"cloth_class": None}),
        (Reason.NO_GARMENT, {"out_mode": "1"}),
    ]
    for reason, sent in cases:
        row = ailabtools.ERRORS[reason]
        named = ", ".join(f"{key} absent" if value is None else f"{key} = {value}" for key, value in sent.items())
        yield Row(_API, table, f"{row.code}: {named}", row.http_status, _failure(row), sent)
