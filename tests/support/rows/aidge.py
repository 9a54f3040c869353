"""Alibaba Aidge (contracts.md section 4)."""

import re
from collections.abc import Iterator

from cutline.contracts import aidge
from cutline.errors import Reason
from tests.support.ledger import Row, Shape
from tests.support.rows.common import LINK, UUID, field_rows, sent_rows

PATHS = {"(/rest)?/ai/image/cut/out": "AID"}
_API = "AID"
_IDS = {"requestId": UUID, "request_id": UUID}
_DATA = {"imageUrl": LINK, "imageWidth": int, "imageHeight": int}
_DONE = {"resCode": 200, "resMessage": "success", "success": True, "data": _DATA, "code": "0", **_IDS}
_INVALID_CODE, _INVALID_TEXT = aidge.ERRORS[Reason.PARAMETER_INVALID]
_UNMODERATED = "nothing looks at what a picture shows"
_UNKNOWN_PATH = "API Gateway answers an unknown path before any function"
# What is wrong, as the message goes on after "invalid input: ", and what was sent to hear it (contracts.md 4.4).
_INVALID: dict[str, tuple[str, dict[str, str | None]]] = {
    "no image": ("imageUrl or imageBase64 is required", {"imageUrl": None, "imageBase64": None}),
    "an empty image": ("imageBase64 is empty", {"imageBase64": "nothing"}),
    "bad base64": ("image is not valid base64", {"imageBase64": "no base64"}),
    "bad JSON": ("body is not .*JSON.*", {"method": "POST"}),
    "unknown backGroundType": ("backGroundType must be .+", {"backGroundType": ".+"}),
    "targetWidth 99": (r"targetWidth must be in \[100,3000\]", {"targetWidth": "99"}),
    "targetWidth 3001": (r"targetWidth must be in \[100,3000\]", {"targetWidth": "3001"}),
    "targetHeight 99": (r"targetHeight must be in \[100,3000\]", {"targetHeight": "99"}),
    "targetHeight 3001": (r"targetHeight must be in \[100,3000\]", {"targetHeight": "3001"}),
    "a target that is no number": ("target(Width|Height) must be an integer", {}),
    "URL unreachable": (".+", {"imageUrl": ".*/nothing"}),
    "URL not public": ("the address is not a public one", {"imageUrl": "http.+"}),
    "URL not an image": (".+", {"imageUrl": ".*/text"}),
    "URL over 10 MiB": (".+", {"imageUrl": r".*/10485761"}),
    "not an image": (".+", {"imageBase64": "no picture"}),
    "a corrupt image": (".+", {"imageBase64": ".* cut short"}),
    "an unsupported format": (".+", {"imageBase64": "(GIF|TIFF) .*"}),
    "width 99": (".+", {"imageBase64": r"PNG 99x.*"}),
    "height 99": (".+", {"imageBase64": r"PNG \d+x99,.*"}),
    "width 3001": (".+", {"imageBase64": r"PNG 3001x.*"}),
    "height 3001": (".+", {"imageBase64": r"PNG \d+x3001,.*"}),
}
_TARGETS = (("targetWidth", "targetHeight"), ("targetHeight", "targetWidth"))
_FIELDS: list[dict[str, str | None]] = [
    {"imageUrl": "http.*", "imageBase64": None},
    {"imageBase64": ".*", "imageUrl": None},
    {"imageBase64": ".*", "imageUrl": ".*/nothing"},
    *({"imageBase64": f"{kind} .*"} for kind in ("JPEG", "PNG", "BMP", "WEBP")),
    *({"imageBase64": size} for size in ("PNG 100x.*", r"PNG \d+x100,.*", "PNG 3000x.*", r"PNG \d+x3000,.*")),
    {"imageUrl": ".*/10485760"},
    {"backGroundType": aidge.WHITE},
    {"backGroundType": aidge.TRANSPARENT},
    {"backGroundType": None},
    *({name: side, other: None} for name, other in _TARGETS for side in ("100", "3000")),
    {"targetWidth": ".+", "targetHeight": ".+"},
]


def rows() -> Iterator[Row]:
    """All of contracts.md 4.1 to 4.4."""
    called = [{"path": path, "method": m} for path in ("/ai/.*", "/rest/ai/.*") for m in ("GET", "POST")]
    signed = [{"sign_ver": "v2", "sign": ".+"}, {"sign_ver": None, "sign": ".+"}]
    yield from sent_rows(_API, "4.1 paths, auth", _DONE, [*called, *signed, {"x-iop-trial": "true"}])
    bodies = ["application/json", "application/x-www-form-urlencoded"]
    yield from sent_rows(_API, "4.2 fields", _DONE, [*_FIELDS, *({"content-type": kind} for kind in bodies)])
    yield from field_rows(_API, "4.3 success", _DONE)
    yield from _business()
    yield from _gateway()


def _business() -> Iterator[Row]:
    table = "4.4 resCode"
    for code, text in dict.fromkeys(aidge.ERRORS.values()):
        body = _failure(code, text) if code != _INVALID_CODE else _failure(code, re.compile(f"{text}: .+"))
        yield Row(_API, table, f"{code} {text}", body=body)
    for code in (1000, 1001, 1002):
        yield Row(_API, table, str(code), excused=_UNMODERATED)
    for name, (detail, sent) in _INVALID.items():
        body = _failure(_INVALID_CODE, re.compile(f"{_INVALID_TEXT}: {detail}"))
        yield Row(_API, table, f"{_INVALID_CODE}: {name}", body=body, sent=sent)
    yield Row(_API, table, "wrong method is 405", 405, _failure(_INVALID_CODE, _INVALID_TEXT))


def _gateway() -> Iterator[Row]:
    for reason, (code, message) in aidge.GATEWAY_ERRORS.items():
        body = {**_failure(_INVALID_CODE, message), "type": "ISV", "code": code, "message": message}
        excused = _UNKNOWN_PATH if reason is Reason.NOT_FOUND else ""
        yield Row(_API, "4.4 gateway", f"{code}: {message}", body=body, excused=excused)


def _failure(code: int, message: Shape) -> dict[str, Shape]:
    return {"resCode": code, "resMessage": message, "success": False, "data": None, "code": "0", **_IDS}
