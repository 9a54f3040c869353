"""Backgrounds at the result's size, and subjects on them."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.cutout import Matte, compose
from cutline.pipeline.filters import U8
from cutline.pipeline.finish.layers import stack
from cutline.pipeline.finish.options import BackgroundPicture, Blur, Gradient
from cutline.pipeline.layout.framing_parser import read_framing
from cutline.pipeline.options import CutOptions

RED, BLUE = (255, 0, 0), (0, 0, 255)


def empty(width: int = 120, height: int = 80) -> Matte:
    return Matte(np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8), "object")


def shown(matte: Matte, options: CutOptions, backdrop: Picture | None = None) -> U8:
    return compose(matte, options, backdrop).pixels_u8


@pytest.mark.parametrize(
    ("angle", "first", "last"),
    [(180, (0, 60), (79, 60)), (0, (79, 60), (0, 60)), (90, (40, 0), (40, 119)), (-90, (40, 119), (40, 0)),
     (45, (79, 0), (0, 119)), (135, (0, 0), (79, 119))],
)  # fmt: skip
def test_a_gradient_runs_in_its_direction(angle: float, first: tuple[int, int], last: tuple[int, int]) -> None:
    pixels_u8 = shown(empty(), CutOptions(background=Gradient(RED, BLUE, angle))).astype(int)
    assert np.abs(pixels_u8[first] - RED).max() <= 4
    assert np.abs(pixels_u8[last] - BLUE).max() <= 4
    assert np.abs(pixels_u8[40, 60] - (127, 0, 127)).max() <= 4


def test_a_picture_covers_the_canvas_or_fits_into_it() -> None:
    wide = np.zeros((30, 90, 3), np.uint8)
    wide[:, 30:60] = BLUE
    picture = Picture(wide, None, "PNG")
    covering = shown(empty(), CutOptions(background=BackgroundPicture()), picture)
    assert tuple(covering[5, 60]) == BLUE
    assert tuple(covering[5, 5]) == (0, 0, 0)
    fitting = shown(empty(), CutOptions(background=BackgroundPicture(fit="contain")), picture)
    assert tuple(fitting[40, 60]) == BLUE
    assert tuple(fitting[40, 5]) == (0, 0, 0)
    assert tuple(fitting[5, 60]) == tuple(fitting[75, 60]) == (255, 255, 255)
    with pytest.raises(ValueError, match="missing"):
        shown(empty(), CutOptions(background=BackgroundPicture()))


def half_and_half() -> Matte:
    """A green subject in the middle of a background that is dark to the left and light to the right."""
    rgb_u8 = np.full((80, 120, 3), 60, np.uint8)
    rgb_u8[:, 60:] = 200
    alpha_u8 = np.zeros((80, 120), np.uint8)
    alpha_u8[20:60, 40:80] = 255
    rgb_u8[20:60, 40:80] = (0, 255, 0)
    return Matte(rgb_u8, alpha_u8, "object")


@pytest.mark.parametrize("framing", [{}, {"margin": "50%"}, {"scale": "20%"}])
def test_the_blurred_background_shows_no_subject_and_stays_in_its_place(framing: dict[str, str]) -> None:
    options = CutOptions(background=Blur(), crop=bool(framing), framing=read_framing(framing))
    made = compose(half_and_half(), options)
    pixels_u8, at = made.pixels_u8.astype(int), made.placement.drawn
    around = made.rgba_u8[..., 3] == 0
    assert np.ptp(pixels_u8[around], axis=1).max() <= 2  # grey: no green
    rows, columns = (np.flatnonzero((~around).any(axis=axis)) for axis in (1, 0))
    row = (at.top + at.bottom) // 2
    assert pixels_u8[row, columns[0] - 2, 0] < 110
    assert pixels_u8[row, columns[-1] + 2, 0] > 150
    assert tuple(pixels_u8[rows.mean().astype(int), columns.mean().astype(int)]) == (0, 255, 0)


def test_where_a_picture_has_no_background_of_its_own_the_blurred_one_is_white() -> None:
    whole = Matte(np.full((60, 60, 3), 90, np.uint8), np.full((60, 60), 255, np.uint8), "object")
    grown = shown(whole, CutOptions(background=Blur(), crop=True, framing=read_framing({"margin": "20%"})))
    assert tuple(grown[0, 0]) == (255, 255, 255)
    cut_before = replace(half_and_half(), covered_u8=np.full((80, 120), 255, np.uint8))
    assert tuple(shown(cut_before, CutOptions(background=Blur()))[0, 0]) == (255, 255, 255)


def test_every_background_is_exact_where_nothing_covers_it_and_the_subject_where_it_is_opaque() -> None:
    matte = half_and_half()
    behind = np.random.default_rng(1).integers(0, 256, (80, 120, 3), np.uint8)
    pixels_u8 = shown(matte, CutOptions(background=BackgroundPicture()), Picture(behind, None, "PNG"))
    assert (pixels_u8[matte.alpha_u8 == 0] == behind[matte.alpha_u8 == 0]).all()
    assert (pixels_u8[matte.alpha_u8 == 255] == (0, 255, 0)).all()


def test_black_of_the_shadows_opacity_is_the_shadow_on_every_background() -> None:
    rng = np.random.default_rng(2)
    rgba_u8, density_u8 = rng.integers(0, 256, (40, 50, 4), np.uint8), rng.integers(0, 256, (40, 50), np.uint8)
    behind = rng.integers(0, 256, (40, 50, 3), np.uint8)
    at_once = stack(rgba_u8, density_u8, Image.fromarray(behind)).astype(int)
    clear = stack(rgba_u8, density_u8, None)
    later = stack(clear, None, Image.fromarray(behind)).astype(int)
    assert np.abs(at_once - later).max() <= 3
    alpha, density = rgba_u8[..., 3:] / 255, density_u8[..., None] / 255
    expected = alpha * rgba_u8[..., :3] + (1 - alpha) * (1 - density) * behind
    assert np.abs(at_once - expected).max() <= 2
