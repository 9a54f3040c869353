"""Every text that a caller sends is bounded before anything reads it, whichever contract it is for and way it comes."""

import ast
import json
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from cutline.contracts import aidge, ailabtools, drops, native, picwish, rembg, removebg, usage
from cutline.contracts.apis import APIS
from cutline.contracts.content_negotiation import prefers_webp
from cutline.contracts.forms import MAX_TEXT_CHARS, bounded, read_form, read_header, read_query
from cutline.contracts.wire import Contract, Progress, Request, Response
from cutline.errors import InputRefused, MattingError
from devkit.running import ROOT
from tests.support.calls import Part, call, multipart

CONTRACTS = ROOT / "layers" / "cutline" / "python" / "cutline" / "contracts"
TEXTS = {
    "emoji in an address": "https://example.com/" + "\U0001f600" * 40_000,
    "a host of labels": "https://" + "é." * 40_000 + "com/a.jpg",
    "control characters": "\x01" * 40_000,
    "digits": "9" * 40_000,
    "blanks": " " * 40_000,
}
FIELDS: dict[Contract, tuple[str, ...]] = {
    picwish: ("image_url", "callback_url", "margin", "scale", "position", "ratio", "roi", "profile", "type", "format"),
    aidge: ("imageUrl", "backGroundType", "targetWidth"),
    ailabtools: ("image", "return_form", "cloth_class"),
    removebg: ("image_url", "bg_image_url", "roi", "scale", "position", "crop_margin", "bg_color", "size"),
    rembg: ("url", "model", "bgc", "ae", "om"),
}


def _urlencoded(fields: dict[str, str]) -> bytes:
    return "&".join(f"{name}={quote(text)}" for name, text in fields.items()).encode()


def _form(fields: dict[str, str]) -> bytes:
    return multipart(*(Part(f'; name="{name}"', text.encode()) for name, text in fields.items()), boundary="X")


def _nested(fields: dict[str, str]) -> bytes:
    return json.dumps({name: [{name: text}] for name, text in fields.items()}).encode()


WAYS: dict[str, tuple[str, Callable[[dict[str, str]], bytes]]] = {
    "JSON": ("application/json", lambda fields: json.dumps(fields).encode()),
    "nested": ("application/json", _nested),
    "urlencoded": ("application/x-www-form-urlencoded", _urlencoded),
    "multipart": ("multipart/form-data; boundary=X", _form),
}


def answered(contract: Contract, request: Request) -> bytes:
    """The refusal, or nothing where the call is parsed."""
    try:
        contract.parse(request)
    except MattingError as error:
        return contract.refuse(request, error, Progress()).body
    return b""


@pytest.mark.parametrize("way", [*WAYS, "query"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("contract", FIELDS, ids=lambda contract: contract.NAME)
def test_a_long_text_costs_nothing_and_is_not_repeated(contract: Contract, text: str, way: str) -> None:
    for field in FIELDS[contract]:
        sent = {next(iter(FIELDS[contract])): "https://example.com/a.jpg", field: text}
        if way == "query":
            request = call(method="GET", path=contract.ROUTES[0], query=tuple(sent.items()))
        else:
            content_type, encode = WAYS[way]
            request = call(encode(sent), path=contract.ROUTES[0], headers={"content-type": content_type})
        begun = time.process_time()
        assert len(answered(contract, request)) < 4000, field
        assert time.process_time() - begun < 1, field


@pytest.mark.parametrize("contract", APIS.values(), ids=APIS)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_long_header_costs_nothing_and_is_not_repeated(contract: Contract, text: str) -> None:
    names = ("accept", "content-type", "authorization", "x-api-key", "host", "idempotency-key")
    begun = time.process_time()
    for content_type in ("", "multipart/form-data; boundary="):
        headers = dict.fromkeys(names, text) | {"content-type": content_type + text}
        assert len(answered(contract, call(b"x", path=contract.ROUTES[0], headers=headers))) < 4000
        prefers_webp(read_header(call(headers=headers), "accept"))
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_so_are_the_texts_of_usage_tasks_and_drops(text: str) -> None:
    begun = time.process_time()
    for name in ("from", "to", "format"):
        assert len(_refused(usage.parse, call(query=((name, text),)))) < 4000
    for name in drops.METADATA:
        assert len(_refused(drops.parse, "in/shop/auto/a.jpg", {name: text})) < 4000
    shown = picwish.task_id(call(), {"task_id": text}) or ""
    asked = ailabtools.task_id(call(path=ailabtools.TASK_ROUTE, query=(("task_id", text),)), {}) or ""
    assert max(len(shown), len(asked)) <= MAX_TEXT_CHARS
    assert time.process_time() - begun < 1


def _refused(read: Callable[..., object], *texts: object) -> bytes:
    try:
        read(*texts)
    except InputRefused as error:
        answer: Response = native.refuse(error, {})
        return answer.body
    return b""


def test_control_characters_are_replaced_and_words_stay_separate() -> None:
    assert bounded("a\x00b\x1b\x7f\x85\t\r\nc") == "a\ufffdb\ufffd\ufffd\ufffd\t\r\nc"
    assert read_query(call(query=(("a", "\x00"), ("b", "\x00"))), data_fields=("b",)) == {"a": "\ufffd", "b": "\x00"}
    assert read_header(call(headers={"accept": "\x00"}), "accept") == "\ufffd"


def test_only_fields_that_hold_pictures_are_longer() -> None:
    body = json.dumps({"image_base64": "A" * 10_000, "margin": "1" * 10_000}).encode()
    fields = read_form(call(body, headers={"content-type": "application/json"}), data_fields=("image_base64",)).fields
    assert {name: len(text) for name, text in fields.items()} == {"image_base64": 10_000, "margin": MAX_TEXT_CHARS}


# What a request holds unbounded, and the function that hands it on so.
UNBOUNDED = {"body", "headers", "params", "query", "raw_path", "urlencoded_fields"}
WHOLE = "read_whole_form"
# JD's bodies hold one picture and no other field is read, a ticket's are checked against patterns; `native` and `rembg`
# ask whether a header or parameter is there, and rembg puts its key, bounded, among the headers.
ALLOWED = {
    ("jd_matting", "body"),
    ("jd_selfie", "body"),
    ("picture_check", "body"),
    ("mend", "body"),  # bounded there
    ("mend", "headers"),  # of its answer
    ("uploads", "body"),
    ("native", "headers"),
    ("native", "params"),
    ("rembg", "headers"),
    ("addresses", "query"),
    ("variants", "query"),  # bounded there, one after the other, because a name may not come twice
    ("variants", "headers"),  # of its answer
    ("variants", "body"),
}


def _reads(file: Path) -> set[tuple[str, str]]:
    """What a module may read of UNBOUNDED: attributes of anything of that name, patterns, and whatever a name names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        match node:
            case ast.Attribute(attr=name, ctx=ast.Load()):
                found.add(name)
            case ast.MatchClass(kwd_attrs=names):
                found.update(names)
            case ast.alias(name=name) | ast.Name(id=name) if name in (WHOLE, "getattr", "vars", "attrgetter"):
                found.add(name)
    return {(file.stem, name) for name in found & {*UNBOUNDED, WHOLE, "getattr", "vars", "attrgetter"}}


def test_no_contract_reads_a_field_around_the_bound() -> None:
    reads = {read for file in CONTRACTS.glob("*.py") for read in _reads(file)}
    assert {(module, name) for module, name in reads if module not in ("forms", "wire")} == ALLOWED
