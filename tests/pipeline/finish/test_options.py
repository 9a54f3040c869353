"""The texts that ask for shadows and backgrounds, and how both are stored."""

import json

import pytest

from cutline.pipeline.finish.options import (
    NO_SHADOW,
    Background,
    BackgroundPicture,
    Blur,
    Gradient,
    Shadow,
    read_background,
    read_shadow,
)
from cutline.pipeline.options import CutOptions, cut_document, cut_options_from

GREYS = (255, 255, 255), (208, 208, 208)
SHADOWS = {
    "none": NO_SHADOW,
    "keep": Shadow("keep"),
    "Keep 80%": Shadow("keep", 0.8),
    "keep whole": Shadow("keep", whole=True),
    "auto 60% 30% 20deg": Shadow("auto", 0.6, 0.3, 20),
    "drop -45deg 60%": Shadow("drop", 0.6, angle=-45),
    "drop 0% 100% 0deg whole": Shadow("drop", 0, 1, 0, whole=True),
}
BACKGROUNDS: dict[str, Background | None] = {
    "transparent": None,
    "white": (255, 255, 255),
    "#1f6feb": (31, 111, 235),
    "ffffff,d0d0d0": Gradient(*GREYS),
    "ffffff, #D0D0D0, 90deg": Gradient(*GREYS, 90),
    "blur": Blur(),
    "https://shop.example/wood.jpg": BackgroundPicture("https://shop.example/wood.jpg"),
    "upload:u/demo/0123": BackgroundPicture("upload:u/demo/0123"),
}


@pytest.mark.parametrize("text", SHADOWS)
def test_a_shadow_is_read_and_stored(text: str) -> None:
    cut = CutOptions(shadow=read_shadow(text))
    assert cut.shadow == SHADOWS[text]
    assert cut_options_from(json.loads(json.dumps(cut_document(cut)))) == cut


@pytest.mark.parametrize("text", BACKGROUNDS)
def test_a_background_is_read_and_stored(text: str) -> None:
    cut = CutOptions(background=read_background(text))
    assert cut.background == BACKGROUNDS[text]
    assert cut_options_from(json.loads(json.dumps(cut_document(cut)))) == cut


def test_only_what_is_asked_for_is_stored() -> None:
    assert cut_document(CutOptions()) == {}
    picture = read_background("https://a.example/b", "contain")
    assert picture == BackgroundPicture("https://a.example/b", "contain")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "none, keep, drop, auto"),
        ("soft", "none, keep, drop, auto"),
        ("drop 101%", "100%"),
        ("drop 61deg", "60deg"),
        ("drop 10% 20% 30%", "drop 60% 30% 20deg"),
        ("drop 5px", "drop 60% 30% 20deg"),
        ("keep 50% 20deg", "keep 80%"),
        ("none 50%", "keep 80%"),
    ],
)
def test_a_shadow_that_is_none_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        read_shadow(text)


@pytest.mark.parametrize(
    "text", ["", "blue", "12345", "ffffff,", "ffffff,gggggg", "ffffff,d0d0d0,90", "ffffff,d0d0d0,361deg", "ftp://a/b"]
)
def test_a_background_that_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="transparent, a colour such as ffffff, a gradient"):
        read_background(text)
    with pytest.raises(ValueError, match="cover, contain"):
        read_background("blur", "stretch")
