"""Every text that a caller sends is cut before anything reads it, whichever contract it is for."""

import ast
import json
import time
from pathlib import Path

import pytest

from cutline.contracts import aidge, ailabtools, picwish, rembg, removebg
from cutline.contracts.forms import MAX_TEXT_CHARS, read_form
from cutline.contracts.wire import Contract, Progress
from cutline.errors import MattingError
from devkit.running import ROOT
from tests.support.calls import call

CONTRACTS = ROOT / "layers" / "cutline" / "python" / "cutline" / "contracts"
TEXTS = {
    "emoji in an address": "https://example.com/" + "\U0001f600" * 100_000,
    "a host of labels": "https://" + "é." * 100_000 + "com/a.jpg",
    "control characters": "\x01" * 160_000,
    "digits": "9" * 100_000,
    "blanks": " " * 100_000,
}
FIELDS: dict[Contract, tuple[str, ...]] = {
    picwish: ("image_url", "callback_url", "margin", "scale", "position", "ratio", "roi", "profile", "type", "format"),
    aidge: ("imageUrl", "backGroundType", "targetWidth"),
    ailabtools: ("image", "return_form", "cloth_class"),
    removebg: ("image_url", "bg_image_url", "roi", "scale", "position", "crop_margin", "bg_color", "size"),
    rembg: ("url", "model", "bgc", "ae", "om"),
}
CASES = [(contract, field) for contract, fields in FIELDS.items() for field in fields]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize(("contract", "field"), CASES, ids=[f"{one.__name__}-{field}" for one, field in CASES])
def test_a_long_text_costs_nothing_and_is_not_repeated(contract: Contract, field: str, text: str) -> None:
    sent = {next(iter(FIELDS[contract])): "https://example.com/a.jpg", field: text}
    request = call(json.dumps(sent).encode(), path=contract.ROUTES[0], headers={"content-type": "application/json"})
    answer, begun = b"", time.process_time()
    try:
        contract.parse(request)
    except MattingError as error:
        answer = contract.refuse(request, error, Progress()).body
    assert len(answer) < 4000
    assert time.process_time() - begun < 1


def test_only_fields_that_hold_pictures_are_longer() -> None:
    body = json.dumps({"image_base64": "A" * 10_000, "margin": "1" * 10_000}).encode()
    fields = read_form(call(body, headers={"content-type": "application/json"}), data_fields=("image_base64",)).fields
    assert {name: len(text) for name, text in fields.items()} == {"image_base64": 10_000, "margin": MAX_TEXT_CHARS}


def test_no_contract_reads_a_body_around_the_bound() -> None:
    readers = {
        file.stem
        for file in CONTRACTS.glob("*.py")
        for node in ast.walk(ast.parse(Path(file).read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and (node.attr in ("body", "urlencoded_fields") or node.attr == "read_whole_form")
        and isinstance(node.value, ast.Name)
        and node.value.id == "request"
    }
    # forms bounds; JD's bodies hold one picture and no other field is read.
    assert readers == {"forms", "jd_matting", "jd_selfie", "uploads"}
