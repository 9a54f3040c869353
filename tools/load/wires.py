"""Every API that returns a lossless picture, called by one client: the same picture, and the file that came back."""

import base64
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np

from cutline import Cutter
from cutline.contracts.ailabtools import CUTOUTS, HD_ROUTE, TASK_ROUTE
from cutline.pipeline.filters import U8
from cutline.pipeline.options import Subject
from devkit.clients import AidgeClient, Answer, JdClient, PicWish, follow, multipart, open_picture, send
from devkit.patience import until

_UNIVERSAL = next(iter(CUTOUTS))


Fields = Mapping[str, str]
_NONE: Fields = {}


@dataclass(frozen=True)
class Caller:
    """An account of the local cloud, with the credentials that its accounts have."""

    url: str
    account: str

    @property
    def key(self) -> str:
        """Return the account's API key."""
        return f"key-{self.account}"

    def upload(self, path: str, header: str, file: tuple[str, bytes], key: str, fields: Fields) -> Answer:
        """Post a form with a file."""
        body, kind = multipart(dict(fields), *file)
        headers = {header: self.key, "Content-Type": kind, "Idempotency-Key": key, "Accept": "*/*"}
        return send("POST", self.url + path, body, headers)


Call = Callable[[Caller, bytes, str, Fields], Answer]


@dataclass(frozen=True)
class Wire:
    """An API: its name in usage, a call of a picture under an Idempotency-Key and with fields of Cutline's own,
    and the file behind its answer.

    subject: what the API asks for. `file` raises KeyError, TypeError or ValueError for an answer that is not a success.
    strokes: what the call mends in the result, by an API of its own.
    """

    api: str
    call: Call
    file: Callable[[Caller, Answer], bytes]
    subject: Subject = "auto"
    strokes: tuple[Mapping[str, Any], ...] = ()

    @property
    def apis(self) -> tuple[str, ...]:
        """Return the names in usage of what a call is charged for."""
        return (self.api, "mnd") if self.strokes else (self.api,)


def _jd(path: str, name: str = "") -> Call:
    """`name`: of the picture in JSON; without it the body is the picture, and the fields are in the query."""

    def call(caller: Caller, picture: bytes, key: str, fields: Fields) -> Answer:
        query = "" if name else urlencode(sorted(fields.items()), quote_via=quote)
        body = _as_json(name, picture, fields) if name else picture
        client = JdClient(caller.url, f"AK-{caller.account}", f"SK-{caller.account}")
        headers = {**client.headers(path, body, query=query), "Idempotency-Key": key}
        return send("POST", caller.url + path + (f"?{query}" if query else ""), body, headers)

    return call


def _aidge(caller: Caller, picture: bytes, key: str, fields: Fields) -> Answer:
    client = AidgeClient(caller.url, f"APP-{caller.account}", f"SK-{caller.account}")
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    url = f"{caller.url}/rest/ai/image/cut/out?{urlencode(client.query())}"
    return send("POST", url, _as_json("imageBase64", picture, fields), headers)


def _as_json(name: str, picture: bytes, fields: Fields) -> bytes:
    return json.dumps({name: base64.b64encode(picture).decode(), **fields}).encode()


def _form(path: str, header: str, name: str, **fields: str) -> Call:
    return lambda caller, picture, key, more: caller.upload(path, header, (name, picture), key, {**fields, **more})


def _body(caller: Caller, answer: Answer) -> bytes:
    if answer.status != 200 or answer.headers["content-type"] != "image/png":
        raise ValueError(answer.body[:200])
    return answer.body


def _linked(*path: str) -> Callable[[Caller, Answer], bytes]:
    return lambda caller, answer: follow(_inside(answer.json, *path)).body


def _inside(document: Any, *path: str) -> Any:
    for name in path:
        document = document[name]
    return document


def _task(caller: Caller, answer: Answer) -> bytes:
    return follow(PicWish(caller.url, caller.key).poll(answer.json["data"]["task_id"])["image"]).body


def _ailab_task(caller: Caller, answer: Answer) -> bytes:
    url = f"{caller.url}{TASK_ROUTE}?task_id={answer.json['data']['task_id']}"

    def ended() -> Any:
        shown = send("GET", url, headers={"ailabapi-api-key": caller.key})
        return shown.status == 200 and shown.json["task_status"] >= 2 and shown.json

    return follow(until(ended, "the end of a task", every_s=0.3)["data"]["image_url"]).body


_STROKES = (
    {"do": "keep", "radius": 0.03, "points": [[0.2, 0.9], [0.3, 0.95]]},
    {"do": "remove", "radius": 0.03, "points": [[0.6, 0.6], [0.7, 0.65]]},
)


def _cut_and_mended(caller: Caller, picture: bytes, key: str, fields: Fields) -> Answer:
    cut = WIRES["PicWish"].call(caller, picture, key, fields)
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    body = json.dumps({"strokes": _STROKES}).encode()
    return send("POST", f"{_inside(cut.json, 'data', 'image')}/mend", body, headers)


def _second_version(caller: Caller, answer: Answer) -> bytes:
    if answer.json["version"] != 2:
        raise ValueError(answer.body[:200])
    return follow(answer.json["url"]).body


_PW, _AIL, _KEY = PicWish.path, "ailabapi-api-key", "X-API-KEY"
WIRES: Mapping[str, Wire] = {
    "JD matting": Wire("jdc", _jd("/api/cutout/"), _linked("result", "cutout_image_url")),
    "JD SelfieSeg": Wire(
        "jds",
        _jd("/jdai/SelfieSeg", "image"),
        lambda caller, answer: base64.b64decode(answer.json["result"]["image"]),
        "person",
    ),
    "PicWish": Wire("pw", _form(_PW, _KEY, "image_file"), _linked("data", "image")),
    "PicWish, base64": Wire(
        "pw",
        _form(_PW, _KEY, "image_file", return_type="2"),
        lambda caller, answer: base64.b64decode(answer.json["data"]["image"]),
    ),
    "PicWish, bytes": Wire("pw", _form(_PW, _KEY, "image_file", return_type="3"), _body),
    "PicWish, task": Wire("pw", _form(_PW, _KEY, "image_file", sync="0"), _task),
    "Aidge": Wire("aid", _aidge, _linked("data", "imageUrl")),
    "AILabTools": Wire("ail", _form(_UNIVERSAL, _AIL, "image"), _linked("data", "image_url")),
    "AILabTools HD": Wire("ail", _form(HD_ROUTE, _AIL, "image"), _ailab_task),
    "remove.bg": Wire("rbg", _form("/v1.0/removebg", _KEY, "image_file", format="png", size="full"), _body),
    "rembg": Wire("rem", _form("/api/remove", _KEY, "file"), _body),
}
MENDED: Mapping[str, Wire] = {"PicWish, mended": Wire("pw", _cut_and_mended, _second_version, strokes=_STROKES)}


def served(wire: Wire, caller: Caller, picture: bytes, key: str = "", fields: Fields = _NONE) -> bytes | None:
    """Call once, with fields of Cutline's own. Return the file, or None where the answer is not a success."""
    try:
        return wire.file(caller, wire.call(caller, picture, key or str(uuid.uuid4()), fields))
    except (KeyError, TypeError, ValueError):
        return None


_cutter = cache(Cutter)


def expected_pixels(wire: Wire, picture: bytes) -> U8:
    """Return the library's pixels for what the API asks."""
    cutter = _cutter()
    cut = cutter.cut(picture, subject=wire.subject)
    if wire.strokes:
        cut = cutter.mend(picture, cut, wire.strokes)
    return visible_pixels(cut.image)


def visible_pixels(file: bytes) -> U8:
    """Return the pixels (H, W, 4) with those that are fully transparent black: no colour is seen there."""
    rgba_u8 = np.array(open_picture(file).convert("RGBA"))
    rgba_u8[rgba_u8[..., 3] == 0] = 0
    return rgba_u8
