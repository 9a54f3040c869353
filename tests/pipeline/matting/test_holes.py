"""Holes torn into a subject are closed, holes that show the background stay open."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.cutout import CutOptions, matte_picture
from cutline.pipeline.inference.network import Network
from cutline.pipeline.matting.cleanup import close_torn_holes
from cutline.pipeline.timing import StageTimer
from devkit.composites import SCENES, compose, disc

ROOT = Path(__file__).parents[3]
SIDE = 384
BACKGROUND, BODY = (60, 120, 180), (200, 60, 40)


def torn(depth: float = 0.0) -> np.ndarray:
    """A disc's alpha with a patch in its middle where it falls to `depth`, softly."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    patch = np.clip((0.12 - np.hypot(x, y)) / 0.03, 0, 1)
    return (disc(SIDE) * (1 - (1 - depth) * patch)).astype(np.float32)


def scene(patch: tuple[int, int, int], radius: float = 0.12) -> np.ndarray:
    """Return the disc on its background, its middle in another colour, all with some grain."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    rgb = np.where(disc(SIDE)[..., None] > 0.5, np.array(BODY), np.array(BACKGROUND))
    rgb = np.where((np.hypot(x, y) < radius)[..., None], np.array(patch), rgb)
    grain = np.random.default_rng(2).normal(0, 3, rgb.shape)
    return np.clip(rgb + grain, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("depth", [0.0, 0.3])
def test_a_patch_of_the_subjects_own_colour_is_closed_with_the_haze_around_it(depth: float) -> None:
    closed, whole = close_torn_holes(torn(depth), scene(BODY)), disc(SIDE)
    assert np.abs(closed - whole).max() < 0.2
    assert np.abs(closed - whole).mean() < 0.002


@pytest.mark.parametrize("patch", [BACKGROUND, (70, 110, 170), (20, 200, 60)], ids=["same", "shade of it", "a third"])
def test_a_patch_of_any_other_colour_stays_open(patch: tuple[int, int, int]) -> None:
    np.testing.assert_array_equal(close_torn_holes(torn(), scene(patch, radius=0.11)), torn())


@pytest.mark.parametrize("name", sorted(SCENES))
@pytest.mark.parametrize("shape", ["ring with a hole", "thin rods", "glass", "disc", "blurred edge"])
def test_a_perfect_map_is_never_changed(shape: str, name: str) -> None:
    case = compose(shape, name)
    np.testing.assert_array_equal(close_torn_holes(case.map_of(), case.rgb_u8), case.map_of())


@pytest.mark.parametrize(
    "alpha",
    [np.zeros((9, 7)), np.ones((9, 7)), np.full((1, 1), 0.3), np.pad(np.zeros((4, 4)), 3, constant_values=1)],
    ids=["nothing", "everything", "one pixel", "no background"],
)
def test_predictions_without_background_or_holes_are_returned_unchanged(alpha: np.ndarray) -> None:
    alpha = alpha.astype(np.float32)
    picture = np.full((*(4 * side for side in alpha.shape), 3), 90, np.uint8)
    np.testing.assert_array_equal(close_torn_holes(alpha, picture), alpha)


def test_the_bag_of_the_playgrounds_figure_is_whole_and_its_handle_open() -> None:
    with Image.open(ROOT / "functions" / "site" / "static" / "person.jpg") as image:
        picture = Picture(np.asarray(image.convert("RGB")), None, "JPEG")
    network = Network.open(ROOT / "layers" / "model", "matte", 1)
    alpha = matte_picture(picture, CutOptions(), network, StageTimer()).alpha_u8
    assert alpha[550:620, 415:500].min() > 200
    assert alpha[520:530, 440:450].mean() < 60


# Before a bright sky the network takes the ring for a disc.
@pytest.mark.parametrize("name", ["distinct", "white on white", "dark on dark"])
def test_the_network_leaves_a_ring_open(name: str) -> None:
    case = compose("ring with a hole", name)
    network = Network.open(ROOT / "layers" / "model", "matte", 1)
    found = matte_picture(Picture(case.rgb_u8, None, "PNG"), CutOptions(), network, StageTimer()).alpha_u8
    assert found[case.alpha_f32 > 0.99].mean() > 225
    assert found[case.alpha_f32 < 0.01].mean() < 20
    middle = slice(case.rgb_u8.shape[0] * 45 // 100, case.rgb_u8.shape[0] * 55 // 100)
    assert found[middle, middle].mean() < 60
