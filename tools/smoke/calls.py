"""One call of each API with a drawn figure, and what has to come back."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit.clients import AidgeClient, AiLab, Answer, JdClient, PicWish, Rembg, RemoveBg, send

ROOT = Path(__file__).resolve().parents[2]
# Drawn by a program; small enough for every API, a person who wears something.
PICTURE = (ROOT / "functions" / "site" / "static" / "person.jpg").read_bytes()
SIZE = (600, 800)
_OK = 200
_SHOWN_CHARS = 300


class Failed(Exception):
    """Something does not work; the message is for the operator."""


class Skipped(Exception):
    """Something could not be tried; the message says why."""


@dataclass(frozen=True)
class Keys:
    """What to call with. The signed APIs have a key and a secret each, or none."""

    api_key: str
    jd: tuple[str, str] | None = None
    aidge: tuple[str, str] | None = None


def read_keys(said: str) -> Keys:
    """An API key, or the file that `cutline account create NAME --json` printed. Raises Failed."""
    if not said:
        raise Failed("KEY is missing: an API key, or the file from cutline account create NAME --json")
    if not Path(said).is_file():
        return Keys(said)
    try:
        issued = json.loads(Path(said).read_text("utf-8"))["credentials"]
        found = {item["kind"]: (str(item["key"]), str(item["secret"] or "")) for item in issued}
        return Keys(found["api-key"][0], found.get("jd"), found.get("aidge"))
    except (ValueError, KeyError, TypeError) as error:
        raise Failed(f"{said} is not what cutline account create NAME --json prints") from error


# A call's answer is judged after the call, so that the time is only the call's: a link, or the picture itself;
# None where the answer is complete without one.
Result = str | bytes | None


@dataclass(frozen=True)
class Call:
    """A call of an API, and where in its answer the result is."""

    label: str
    send: Callable[[str, Keys], Answer]
    result: Callable[[Any], Result]
    is_picture: bool = False

    def judge(self, answer: Answer) -> Result:
        """The result. Raises Failed."""
        try:
            if answer.status == _OK:
                return answer.body if self.is_picture else self.result(answer.json)
        except (ValueError, KeyError, TypeError, IndexError):
            pass  # an answer of another shape is a refusal: some APIs tell theirs with HTTP 200
        raise Failed(f"HTTP {answer.status}: {answer.body[:_SHOWN_CHARS].decode('utf-8', 'replace')}")


def _signed(pair: tuple[str, str] | None) -> tuple[str, str]:
    if pair is None:
        raise Skipped("needs a secret: KEY=FILE from cutline account create NAME --json")
    return pair


def _aidge(url: str, keys: Keys) -> Answer:
    return AidgeClient(url, *_signed(keys.aidge)).post({"imageBase64": base64.b64encode(PICTURE).decode()})


def _itself(document: Any) -> Result:
    raise ValueError("the answer is the picture")


def _judged(document: Any) -> Result:
    if not document["verdicts"]:
        raise ValueError("no rule was checked")
    return None


# By the APIs' names in contracts/apis.py.
CALLS: Mapping[str, Call] = {
    "jdc": Call(
        "JD matting",
        lambda url, keys: JdClient(url, *_signed(keys.jd)).cutout(PICTURE),
        lambda body: str(body["result"]["cutout_image_url"]),
    ),
    "jds": Call(
        "JD SelfieSeg",
        lambda url, keys: JdClient(url, *_signed(keys.jd)).segment(PICTURE),
        lambda body: base64.b64decode(body["result"]["image"]),
    ),
    "pw": Call(
        "PicWish",
        lambda url, keys: PicWish(url, keys.api_key).create(PICTURE, sync="1"),
        lambda body: str(body["data"]["image"]),
    ),
    "aid": Call("Aidge", _aidge, lambda body: str(body["data"]["imageUrl"])),
    "ail": Call(
        "AILabTools",
        lambda url, keys: AiLab(url, keys.api_key).cut(PICTURE),
        lambda body: str(body["data"]["elements"][0]["image_url"]),
    ),
    "rbg": Call(
        "remove.bg",
        lambda url, keys: RemoveBg(url, keys.api_key).remove(PICTURE, size="auto"),
        _itself,
        is_picture=True,
    ),
    "rem": Call("rembg server", lambda url, keys: Rembg(url, keys.api_key).remove(PICTURE), _itself, is_picture=True),
    "chk": Call(
        "picture check",
        lambda url, keys: send("POST", f"{url}/check?profile=amazon-main", PICTURE, {"X-API-KEY": keys.api_key}),
        _judged,
    ),
}
