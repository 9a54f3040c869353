"""Pictures as a shop shows them: one fault each, which its own verdict finds and no other."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageDraw

from cutline.limits import LOCAL_LIMITS
from cutline.pipeline.codecs.decode import decode_image
from cutline.pipeline.filters import F32, U8
from cutline.pipeline.inference.model_config import Calibration
from cutline.pipeline.outputs.check import Checked, check, find_borders
from cutline.pipeline.outputs.profiles import Profile, Rule, read_profiles
from cutline.pipeline.timing import StageTimer

AMAZON = read_profiles()["amazon-main"]
SIDE = 1000
WHOLE = (60, 200, 940, 800)


@dataclass
class Reddish:
    """A network that finds what is red."""

    everything: bool = False
    view_size: tuple[int, int] = (512, 512)
    calibration: Calibration | None = None

    def predict(self, rgb_u8: U8, alpha_u8: U8 | None = None) -> dict[str, F32]:
        red = (rgb_u8[..., 0].astype(int) - rgb_u8[..., 1] > 60).astype(np.float32)
        return {"foreground": np.ones_like(red) if self.everything else red}


def product(*boxes: tuple[int, int, int, int], background: str = "white", mode: str = "RGB") -> Image.Image:
    image = Image.new(mode, (SIDE, SIDE), background)
    for box in boxes or (WHOLE,):
        ImageDraw.Draw(image).ellipse(box, fill=(200, 30, 30))
    return image


def file_of(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def checked(data: bytes, profile: Profile = AMAZON, *, everything: bool = False) -> Checked:
    return check(decode_image(data, LOCAL_LIMITS), len(data), profile, Reddish(everything), StageTimer())


def failed(made: Checked) -> dict[str, str]:
    return {verdict.rule: verdict.measured for verdict in made.verdicts if not verdict.passed}


def framed(image: Image.Image, width: int = 12, colour: str = "black", at: int = 0) -> Image.Image:
    ImageDraw.Draw(image).rectangle((at, at, SIDE - 1 - at, SIDE - 1 - at), outline=colour, width=width)
    return image


def icon(hidden: str) -> Image.Image:
    """A red ellipse whose transparent pixels are red too, or of any colour."""
    image = Image.new("RGBA", (SIDE, SIDE), (200, 30, 30, 0))
    ImageDraw.Draw(image).ellipse(WHOLE, fill=(200, 30, 30, 255))
    pixels = np.array(image)
    if hidden == "noise":
        clear = pixels[..., 3] == 0
        pixels[clear, :3] = np.random.default_rng(2).integers(0, 90, (clear.sum(), 3))
    return Image.fromarray(pixels)


def shaded() -> Image.Image:
    ramp = np.linspace(255, 215, SIDE).astype(np.uint8)
    pixels = np.repeat(np.repeat(ramp[None, :, None], SIDE, 0), 3, 2)
    red = np.asarray(product()).astype(int)[..., 1] < 200
    return Image.fromarray(np.where(red[..., None], np.asarray(product()), pixels))


# What is shown, and what fails; "" where the measured value depends on how it is drawn.
FAULTS: dict[str, tuple[Callable[[], bytes], dict[str, str]]] = {
    "none": (lambda: file_of(product()), {}),
    "a JPEG of low quality": (lambda: file_of(product(), quality=40), {}),
    "a format": (lambda: file_of(product(), "GIF"), {"format": "gif"}),
    "a size": (lambda: file_of(product().resize((600, 600))), {"longest_side": "600"}),
    "a ratio": (lambda: file_of(product().crop((0, 100, SIDE, 900))), {"ratio": "1000:800"}),
    "a colour": (lambda: file_of(product(background="#fdfdfd")), {"ground": "fdfdfd"}),
    "a slope": (lambda: file_of(shaded(), quality=95), {"ground": "", "evenness": ""}),
    "a share": (lambda: file_of(product((300, 300, 700, 700))), {"share": ""}),
    "cut off": (lambda: file_of(product((200, 200, 1300, 800))), {"share": "", "whole": "no, right"}),
    "two": (lambda: file_of(product((60, 200, 400, 800), (600, 200, 940, 800))), {"subjects": "2"}),
    "a crumb is no subject": (lambda: file_of(product(WHOLE, (20, 20, 50, 50))), {}),
    "a border": (lambda: file_of(framed(product())), {
        "ground": "000000", "evenness": "255", "borders": "left, top, right, bottom"}),
    "a fine line further in": (lambda: file_of(framed(product(), 3, "grey", 20)), {
        "borders": "left, top, right, bottom"}),
    "transparency": (lambda: file_of(product(background="#ffffff00", mode="RGBA"), "PNG"), {
        "ground": "transparent", "transparency": ""}),
    "one colour, the subject drawn by alpha": (lambda: file_of(icon("plain"), "PNG"), {
        "ground": "transparent", "transparency": ""}),
    "any colours where nothing is seen": (lambda: file_of(icon("noise"), "PNG"), {
        "ground": "transparent", "transparency": ""}),
    "CMYK": (lambda: file_of(product().convert("CMYK")), {"colour_space": "CMYK"}),
    "nothing": (lambda: file_of(Image.new("RGB", (SIDE, SIDE), "white")), {"share": "0", "subjects": "0"}),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_fails_its_own_rules_and_no_other(name: str) -> None:
    make, expected = FAULTS[name]
    made = checked(make())
    found = failed(made)
    assert found == {rule: measured or found.get(rule) for rule, measured in expected.items()}
    assert made.passed is (not expected)


def test_a_verdict_has_what_was_measured_and_says_what_is_assumed() -> None:
    verdicts = {verdict.rule: verdict for verdict in checked(file_of(product())).verdicts}
    assert [*verdicts] == [*AMAZON.rules, "evenness", "transparency", "whole", "subjects", "borders"]
    assert (verdicts["share"].measured, verdicts["share"].wanted) == ("0.881", "at least 0.85")
    assert verdicts["ratio"].source.startswith("https://")
    assert {name for name, verdict in verdicts.items() if verdict.assumed} == {*verdicts} - {*AMAZON.rules}


def test_a_soft_rim_is_neither_the_subjects_size_nor_its_edge() -> None:
    """As a network's alpha is: half at the outline, less a few pixels beyond it."""
    alpha = np.zeros((SIDE, SIDE), np.float32)
    alpha[:, 50:950], alpha[:, :50], alpha[:, 950:] = 1.0, 0.3, 0.3
    alpha[:60] = alpha[-60:] = 0.0

    class Soft(Reddish):
        def predict(self, rgb_u8: U8, alpha_u8: U8 | None = None) -> dict[str, F32]:
            rows, columns = (np.arange(side) * SIDE // side for side in rgb_u8.shape[:2])
            return {"foreground": alpha[np.ix_(rows, columns)]}

    data = file_of(product((50, 60, 949, 939)))
    found = check(decode_image(data, LOCAL_LIMITS), len(data), AMAZON, Soft(), StageTimer())
    measured = {verdict.rule: verdict.measured for verdict in found.verdicts}
    assert (measured["whole"], measured["share"]) == ("yes", "0.9")


def test_a_colour_profile_is_named() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert failed(checked(file_of(product(), icc_profile=profile))) == {}
    other = profile.replace("sRGB".encode("utf-16-be"), "Wide".encode("utf-16-be")).replace(b"sRGB", b"Wide")
    assert failed(checked(file_of(product(), icc_profile=other)))["colour_space"].startswith("Wide")


def test_a_profile_without_a_background_allows_transparency() -> None:
    free = Profile("own", "Own", {"share": Rule("share", min=0.8)})
    assert checked(file_of(product(background="#ffffff00", mode="RGBA"), "PNG"), free).passed


def test_a_poster_is_no_border_and_bars_on_one_side_are_none() -> None:
    poster = np.full((400, 400, 3), 255, np.uint8)
    poster[12:-12, 12:-12] = 90
    alpha = np.where(poster[..., 0] < 255, 255, 0).astype(np.uint8)
    assert find_borders(poster, alpha) == []
    assert find_borders(poster, np.zeros_like(alpha)) == ["left", "top", "right", "bottom"]
    bar = np.full((400, 400, 3), 90, np.uint8)
    bar[:20] = 0
    assert find_borders(bar, np.zeros_like(alpha)) == []
    bar[-20:] = 0
    assert find_borders(bar, np.zeros_like(alpha)) == ["top", "bottom"]


def test_a_picture_of_one_colour_shows_nothing_whatever_the_network_finds() -> None:
    noise = np.random.default_rng(1).integers(250, 256, (SIDE, SIDE, 3), np.uint8)
    found = failed(checked(file_of(Image.fromarray(noise), "PNG"), everything=True))
    assert (found["subjects"], found["share"]) == ("0", "0")


@pytest.mark.parametrize("size", [(1, 1), (2, 700), (33, 8)])
def test_a_tiny_picture_is_checked_too(size: tuple[int, int]) -> None:
    assert not checked(file_of(Image.new("RGB", size, (200, 30, 30)), "PNG")).passed
