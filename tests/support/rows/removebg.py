"""remove.bg (contracts.md 6.1)."""

import re
from collections.abc import Iterator

from cutline.contracts import removebg
from cutline.contracts.removebg_fields import SIZES, TITLES, refusal_of
from cutline.errors import Reason
from tests.support.ledger import Row, Shape
from tests.support.rows.common import field_rows, sent_rows

PATHS = {r"/v1\.0/(removebg|improve|account)": "RBG"}
_API = "RBG"
_PICTURE = re.compile("(PNG|JPEG|WEBP) .*|ZIP")
_FOUND = {f"foreground_{name}": int for name in ("top", "left", "width", "height")}
_JSON = {"data": {"result_b64": re.compile("[A-Za-z0-9+/]+={0,2}"), **_FOUND}}
_CREDITS = dict.fromkeys(("total", "subscription", "payg", "enterprise"), int)
_ACCOUNT = {"data": {"attributes": {"credits": _CREDITS, "api": {"free_calls": int, "sizes": "all"}}}}
_EXCUSED = {
    Reason.NOT_FOUND: "API Gateway answers for paths that nobody serves (contracts.md 0.1)",
    Reason.PARAMETER_INVALID: "every parameter has words of its own",
    Reason.RESOLUTION_TOO_LOW: "a picture that can be decoded has a pixel",
}
# Their titles go on with what was wrong.
_OPEN = {Reason.URL_UNREACHABLE, Reason.BACKDROP_UNREACHABLE}


def _fault(title: Shape, code: str, detail: Shape = None) -> Shape:
    return {"errors": [{"title": title, "code": code} | ({"detail": detail} if detail else {})]}


def rows() -> Iterator[Row]:
    """All of contracts.md 6.1."""
    yield from sent_rows(_API, "6.1 auth", _PICTURE, [{"x-api-key": ".+"}, {"authorization": "Bearer .+"}])
    yield from _fields()
    yield from field_rows(_API, "6.1 JSON", _JSON, accept="application/json")
    yield from field_rows(_API, "6.1 account", _ACCOUNT, method="GET")
    yield from _errors()


def _fields() -> Iterator[Row]:
    table = "6.1 fields"
    kinds = ["multipart/form-data.*", "application/x-www-form-urlencoded", "application/json"]
    yield from sent_rows(_API, table, (_PICTURE, _JSON), [{"content-type": kind} for kind in kinds])
    sources = [{"image_file": f"file: {kind} .*"} for kind in ("JPEG", "PNG", "WEBP")]
    yield from sent_rows(_API, table, _PICTURE, [*sources, {"image_url": "http.+"}, {"image_file_b64": ".+"}])
    yield from sent_rows(_API, table, _PICTURE, [{"size": size} for size in (None, *SIZES)])
    for name, values in {
        "type": ("auto", "person", "product", "car", "animal", "graphics", "transportation"),
        "type_level": ("none", "1", "2", "latest"),
        "roi": (r"\d+px .+", r"\d+% .+"),
        "crop": ("true", "false"),
        "crop_margin": (r"\d+(px|%)", r"\S+ \S+", r"\S+ \S+ \S+ \S+"),
        "scale": ("original", r"\d+%"),
        "position": ("original", "center", r"\d+%", r"\d+% \d+%"),
        "channels": ("rgba", "alpha"),
        "bg_color": ("[0-9a-f]{3}", "[0-9a-f]{4}", "[0-9a-f]{6}", "[0-9a-f]{8}", "green"),
        "bg_image_url": ("http.+",),
        "bg_image_file": ("file: .+",),
        "add_shadow": ("true",),
        "shadow_method": ("latest", "legacy"),
        "semitransparency": ("true", "false"),
    }.items():
        yield from sent_rows(_API, table, _PICTURE, [{name: value} for value in values])
    for name, body in {"png": "PNG .*", "jpg": "JPEG .*", "webp": "WEBP .*", "zip": "ZIP", "auto": "PNG .*"}.items():
        yield Row(_API, table, f"format = {name}", body=re.compile(body), sent={"format": name})
    opaque = {"format": None, "bg_color": "[0-9a-f]{6}"}
    yield Row(_API, table, "format auto, opaque: jpg", body=re.compile("JPEG .*"), sent=opaque)


def _errors() -> Iterator[Row]:
    table = "6.1 errors"
    for reason, row in removebg.ERRORS.items():
        title: Shape = re.compile(re.escape(row.title) + ": .+") if reason in _OPEN else row.title
        detail: Shape = str if reason is Reason.RESOLUTION_TOO_HIGH else row.detail
        excused = _EXCUSED.get(reason, "")
        yield Row(_API, table, f"{reason}: {row.code}", row.status, _fault(title, row.code, detail), {}, excused)
    for name in TITLES:
        row = refusal_of(name)
        yield Row(_API, table, row.code, row.status, _fault(row.title, row.code), {name: "x"})
    more = (removebg.INVALID_URL, removebg.INVALID_BACKDROP, removebg.BACKDROPS, removebg.NOT_COLLECTED)
    for row in more:
        yield Row(_API, table, row.code, row.status, _fault(row.title, row.code))
    unknown = removebg.ERRORS[Reason.KEY_UNKNOWN]
    body = _fault(unknown.title, unknown.code)
    yield Row(_API, table, "403: account", 403, body, {"method": "GET", "x-api-key": "wrong"})
