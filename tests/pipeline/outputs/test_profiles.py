"""Profiles as data, and the picture that comes out of one, measured by this test itself."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cutline.pipeline.cutout import Matte
from cutline.pipeline.outputs.profiles import BUILT_IN, Profile, Rule, read_profiles
from cutline.pipeline.outputs.publish import Published, publish

NAMES = ("amazon-main", "google-merchant", "taobao-white", "jd-main", "temu", "ebay", "shopify-square")
PROFILES = read_profiles()


def matte(width: int = 1200, height: int = 1000, box: tuple[int, int, int, int] = (100, 50, 1050, 950)) -> Matte:
    """A textured box on nothing."""
    left, top, right, bottom = box
    rgb = np.random.default_rng(3).integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), np.uint8)
    large = np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BICUBIC))
    alpha = np.zeros((height, width), np.uint8)
    alpha[top:bottom, left:right] = 255
    return Matte(large.copy(), alpha, "object")


def verdict_of(made: Published, rule: str) -> tuple[str, bool]:
    (verdict,) = (verdict for verdict in made.verdicts if verdict.rule == rule)
    return verdict.measured, verdict.passed


def own(**rules: Rule) -> Profile:
    return Profile("own", "Own", rules)


def test_the_built_in_profiles_are_those_promised_and_every_rule_says_where_it_is_from() -> None:
    assert tuple(PROFILES) == NAMES
    for profile in PROFILES.values():
        assert {"ground", "share", "longest_side", "format", "bytes", "colour_space"} <= set(profile.rules)
        for rule in profile.rules.values():
            cited = rule.source.startswith("https://") and re.fullmatch(r"\d{4}-\d\d-\d\d", rule.read)
            assert cited or (rule.assumption.endswith(".") and not rule.source), (profile.name, rule.name)


def test_a_verdict_on_an_assumption_says_so() -> None:
    made = publish(matte(), PROFILES["taobao-white"])
    assert all(verdict.assumed and verdict.text.endswith(" (assumed)") for verdict in made.verdicts if verdict.source)
    jd = {verdict.rule: verdict for verdict in publish(matte(), PROFILES["jd-main"]).verdicts}
    assert (jd["bytes"].assumed, jd["ratio"].assumed) == (True, False)
    assert jd["ratio"].source.startswith("https://")
    strict = own(bytes=Rule("bytes", max=10.0, assumption="A guess."))
    (verdict,) = (verdict for verdict in publish(matte(), strict).verdicts if verdict.rule == "bytes")
    assert (verdict.passed, verdict.text.endswith("not at most 10 (assumed)")) == (False, True)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("box", [(100, 50, 1050, 950), (500, 20, 640, 980)])
def test_a_large_enough_picture_keeps_every_rule(name: str, box: tuple[int, int, int, int]) -> None:
    profile = PROFILES[name]
    made = publish(matte(box=box), profile)
    assert made.passed, [verdict.text for verdict in made.verdicts]
    image = Image.open(io.BytesIO(made.file))
    pixels = np.asarray(image)
    assert image.format == "JPEG"
    dark = np.abs(pixels.astype(int) - 255).max(axis=2) > 12
    across, down = np.flatnonzero(dark.any(0)), np.flatnonzero(dark.any(1))
    share = max((across[-1] - across[0] + 1) / image.width, (down[-1] - down[0] + 1) / image.height)
    assert profile.rules["share"].allows(round(share, 2))
    assert profile.rules["longest_side"].allows(max(image.size))
    assert profile.rules["bytes"].allows(len(made.file))
    assert (pixels[0] == 255).all()
    if "ratio" in profile.rules:
        assert image.width == image.height


def test_a_picture_larger_than_best_is_reduced_to_it() -> None:
    assert verdict_of(publish(matte(2500, 2500, (100, 100, 2400, 2400)), PROFILES["amazon-main"]), "longest_side") == (
        "2000",
        True,
    )


def test_enlarging_is_reported_with_or_without_a_rule() -> None:
    small = matte(400, 400, (100, 100, 300, 300))
    made = publish(small, PROFILES["amazon-main"])
    assert verdict_of(made, "longest_side") == ("1000", True)
    assert verdict_of(made, "enlargement") == ("4.50", True)
    assert made.warnings == ("enlargement 4.50",)
    forbidden = publish(small, PROFILES["google-merchant"])
    assert verdict_of(forbidden, "enlargement") == ("2.125", False)
    assert not forbidden.passed
    assert "enlargement 2.125, not at most 1" in forbidden.warnings


def test_a_subject_at_the_photographs_edge_is_reported() -> None:
    made = publish(matte(box=(0, 200, 1000, 1000)), PROFILES["ebay"])
    assert made.warnings == ("whole the photograph ends at the subject's left, bottom",)
    assert made.passed


@pytest.mark.parametrize(("least", "most"), [(None, 0.7), (1.3, None), (0.6, 0.7)])
def test_quality_is_searched_in_both_directions_for_a_files_size(least: float | None, most: float | None) -> None:
    jpeg = Rule("format", one_of=("jpeg",))
    usual = publish(matte(), own(format=jpeg))
    least, most = (None if share is None else share * len(usual.file) for share in (least, most))
    made = publish(matte(), own(format=jpeg, bytes=Rule("bytes", min=least, max=most)))
    assert made.passed, (len(usual.file), len(made.file))
    assert (made.quality > usual.quality) == (most is None)
    # No more is taken away, or added, than is needed.
    assert abs(len(made.file) / (most or least or 1) - 1) < 0.1


def test_a_size_that_no_quality_reaches_is_a_failed_rule_and_not_an_error() -> None:
    for bounds in ({"max": 1000.0}, {"min": 9e7}):
        made = publish(matte(), own(format=Rule("format", one_of=("jpeg",)), bytes=Rule("bytes", **bounds)))  # type: ignore[arg-type]
        assert verdict_of(made, "bytes") == (str(len(made.file)), False)
        assert made.quality in (60, 100)


def test_without_a_background_the_result_is_transparent_and_webp_can_be_asked_for() -> None:
    made = publish(matte(), own(format=Rule("format", one_of=("webp", "png")), ratio=Rule("ratio", one_of=("4:5",))))
    image = Image.open(io.BytesIO(made.file))
    assert (image.format, image.mode, made.content_type) == ("WEBP", "RGBA", "image/webp")
    assert verdict_of(made, "ratio") == (f"{image.width}:{image.height}", True)
    assert abs(image.width / image.height - 0.8) < 0.001
    assert publish(matte(), own()).content_type == "image/png"


def test_a_background_that_is_not_reached_fails() -> None:
    frame = matte(box=(0, 0, 1200, 1000))  # the subject fills the picture, so the frame is the subject
    rules = {"ground": Rule("ground", one_of=("ffffff",)), "share": Rule("share", min=1.0)}
    assert not verdict_of(publish(frame, own(**rules)), "ground")[1]


def test_own_profiles_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('[shop]\ntitle = "Ours"\n[shop.share]\nmin = 0.5\nmax = 0.7\n[shop.format]\none_of = ["png"]\n')
    shop = read_profiles(file)["shop"]
    assert (shop.title, shop.share, shop.image_format, shop.background, shop.ratio) == ("Ours", 0.6, "png", None, None)
    assert verdict_of(publish(matte(), shop), "share") == ("0.6", True)
    assert BUILT_IN.is_file()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("shop = 1", "shop is no table"),
        ("[shop", "own.toml"),
        ("[shop.size]\nmin = 1", "shop.size: there is no such rule"),
        ("[shop.share]\nmin = 0.9\nmax = 0.5", "rising order"),
        ("[shop.share]", "at least one of min, best and max"),
        ("[shop.share]\nmin = true", "numbers above 0"),
        ('[shop.share]\nmin = "1"', "numbers above 0"),
        ("[shop.share]\nat_least = 1", "a rule is a table of"),
        ("[shop]\nshare = 1", "a rule is a table of"),
        ("[shop.format]\none_of = []", "one_of is a list of words"),
        ('[shop.format]\none_of = ["bmp"]', "bmp"),
        ('[shop.ground]\none_of = ["snow"]', "six hexadecimal digits"),
        ('[shop.ratio]\none_of = ["0"]', "a ratio is"),
        ('[shop.colour_space]\none_of = ["CMYK"]', "sRGB"),
    ],
)
def test_an_invalid_file_is_refused_with_its_problem(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=re.escape(problem)):
        read_profiles(file)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule("share", min=0.85), "at least 0.85"),
        (Rule("bytes", max=2e6), "at most 2,000,000"),
        (Rule("longest_side", min=800, max=800), "800"),
        (Rule("share", min=0.75, max=0.9), "0.75 to 0.9"),
        (Rule("format", one_of=("jpeg", "png")), "jpeg or png"),
    ],
)
def test_a_rule_can_be_read(rule: Rule, words: str) -> None:
    assert rule.wanted == words
