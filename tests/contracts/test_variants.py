"""The parameters of a result's link: what they ask for, their one canonical form, and every refusal."""

import json
from dataclasses import replace

import pytest

from cutline.contracts import variants
from cutline.errors import InputRefused, MattingError, Reason
from cutline.pipeline.finish.options import Gradient, Shadow
from cutline.pipeline.options import VariantOptions
from tests.support.calls import call


def parse(*query: tuple[str, str]) -> VariantOptions:
    return variants.parse(replace(call(method="GET"), query=query))


def test_every_parameter_is_read() -> None:
    query = {"w": "800", "h": "600", "fit": "cover", "bg": "#FFFFFF", "format": "jpg", "shadow": "drop 60% 30% 20deg"}
    shadow = Shadow("drop", 0.6, 0.3, 20.0)
    assert parse(*query.items()) == VariantOptions(800, 600, "cover", (255, 255, 255), "jpeg", shadow)
    assert parse(("bg", "ffffff,d0d0d0,90deg")).background == Gradient((255,) * 3, (0xD0,) * 3, 90.0)
    assert parse(("profile", "amazon-main"), ("bg", "white")).profile == "amazon-main"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([("w", "8"), ("h", "9")], [("h", "9"), ("w", "8")]),
        ([("w", "8"), ("h", "9"), ("fit", "contain")], [("w", "8"), ("h", "9")]),
        ([("w", "8"), ("fit", "cover")], [("w", "8")]),
        ([("bg", "white")], [("bg", "#FFFFFF")]),
        ([("bg", "transparent"), ("shadow", "none")], [("format", "png")]),
        ([("format", "jpg")], [("format", "jpeg")]),
        ([("profile", "amazon-main"), ("bg", "ffffff")], [("profile", "amazon-main")]),
    ],
)
def test_what_asks_for_the_same_has_one_form(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> None:
    assert variants.canonical(parse(*one)) == variants.canonical(parse(*other))


def test_what_asks_for_something_else_has_another_form() -> None:
    queries = [
        [("w", "8")],
        [("h", "8")],
        [("w", "8"), ("h", "8")],
        [("w", "8"), ("h", "8"), ("fit", "cover")],
        [("format", "webp")],
        [("profile", "amazon-main")],
        [("profile", "amazon-main"), ("format", "png")],
        [("shadow", "drop")],
        [("shadow", "drop 60%")],
        [("bg", "000000")],
    ]
    assert len({variants.canonical(parse(*query)) for query in queries}) == len(queries)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ([("width", "8")], "w, h, fit, bg, format, shadow, profile"),
        ([("w", "8"), ("w", "9")], "more than once"),
        ([("w", "0")], "1 to 3000"),
        ([("w", "3001")], "1 to 3000"),
        ([("h", "8.5")], "1 to 3000"),
        ([("w", "")], "1 to 3000"),
        ([("fit", "fill")], "cover, contain"),
        ([("bg", "blur")], "a colour such as ffffff"),
        ([("bg", "https://shop.example/a.jpg")], "a colour such as ffffff"),
        ([("bg", "nonsense")], "a colour such as ffffff"),
        ([("format", "gif")], "png, jpg, jpeg, webp"),
        ([("shadow", "keep")], "none, or drop"),
        ([("shadow", "drop whole")], "none, or drop"),
        ([("shadow", "drop 101%")], "at most 100%"),
        ([("profile", "bazaar")], "amazon-main"),
        ([("profile", "amazon-main"), ("bg", "000000")], "profile's background"),
    ],
)
def test_a_refusal_names_the_values(query: list[tuple[str, str]], words: str) -> None:
    with pytest.raises(InputRefused) as caught:
        parse(*query)
    response = variants.refuse(caught.value)
    assert response.status == 400
    message = json.loads(response.body)["message"]
    assert words in message
    assert message.startswith(query[-1][0])


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_an_answer(reason: Reason) -> None:
    response = variants.refuse(MattingError(reason))
    assert response.status in (400, 404, 429, 500, 503)
