"""A small subject gets a second pass, which counts if both passes agree."""

import numpy as np
import pytest
from PIL import Image

from cutline.pipeline.inference.crop import Window, predict_with_crop
from devkit.composites import disc
from tests.support.seeing import SIDE, Sees, error_of

PICTURE_SIDE = 512


def with_disc(share: float, left: int = 40, top: int = 200) -> np.ndarray:
    """A black picture with a white disc of `share` of its side (the box of `disc` is 0.6 of what it is drawn in)."""
    side = round(PICTURE_SIDE * share / 0.6)
    picture = np.zeros((PICTURE_SIDE, PICTURE_SIDE, 3), np.uint8)
    drawn = np.rint(disc(side) * 255).astype(np.uint8)
    picture[top : top + side, left : left + side] = drawn[:PICTURE_SIDE, :PICTURE_SIDE, None]
    return picture


def test_a_small_subject_is_seen_again_in_its_place_and_sharper() -> None:
    picture, network = with_disc(0.2), Sees()
    once = network(picture)
    predictions = predict_with_crop(network, picture)
    assert len(network.shown) == 3
    assert max(network.shown[2]) < 0.35 * PICTURE_SIDE
    assert error_of(predictions["foreground"], picture) < 0.4 * error_of(once["foreground"], picture)
    assert np.allclose(predictions["person"], predictions["foreground"] / 2)


def test_a_large_subject_is_seen_once() -> None:
    network = Sees()
    predictions = predict_with_crop(network, with_disc(0.6, 0, 0))
    assert len(network.shown) == 1
    assert predictions["foreground"].shape == (SIDE, SIDE)


def test_a_picture_without_a_subject_is_seen_once() -> None:
    network = Sees()
    predictions = predict_with_crop(network, np.zeros((PICTURE_SIDE, PICTURE_SIDE, 3), np.uint8))
    assert len(network.shown) == 1
    assert not predictions["foreground"].any()


@pytest.mark.parametrize(("side", "passes"), [(SIDE, 2), (SIDE // 2, 1)])
def test_a_part_needs_some_pixels_to_be_seen_again_and_not_more_than_before(side: int, passes: int) -> None:
    picture = np.asarray(Image.fromarray(with_disc(0.2)).resize((side, side), Image.Resampling.BOX))
    network = Sees()
    predict_with_crop(network, picture)
    assert len(network.shown) == passes


def test_where_the_passes_disagree_the_first_counts() -> None:
    picture, network = with_disc(0.2), Sees()
    once = network(picture)
    network.blind_from = 2
    predictions = predict_with_crop(network, picture)
    assert len(network.shown) == 3
    assert np.array_equal(predictions["foreground"], once["foreground"])


@pytest.mark.parametrize(("rows", "columns"), [("", "<"), ("", ">"), ("<", ""), (">", "<"), (">", ">")])
def test_a_subject_cut_by_the_border_keeps_its_place(rows: str, columns: str) -> None:
    large = np.pad(with_disc(0.2, 0, 0), ((400, 400), (400, 400), (0, 0)))
    start = {"": 300, "<": 480, ">": 60}
    top, left = start[rows], start[columns]
    picture = np.ascontiguousarray(large[top : top + PICTURE_SIDE, left : left + PICTURE_SIDE])
    network = Sees()
    predictions = predict_with_crop(network, picture)
    assert len(network.shown) == 2
    assert error_of(predictions["foreground"], picture) < 0.5 * error_of(network(picture)["foreground"], picture)


def test_a_map_grows_no_larger_than_the_picture() -> None:
    picture = np.asarray(Image.fromarray(with_disc(0.15, 200)).resize((280, 285), Image.Resampling.BOX))
    assert predict_with_crop(Sees(), picture)["foreground"].shape == (285, 280)


def test_a_window_crops_the_same_part_at_every_size() -> None:
    window = Window(0.25, 0.5, 0.75, 1.0)
    assert window.share == pytest.approx(0.25)
    assert window.crop(np.zeros((40, 80, 3), np.uint8)).shape == (20, 40, 3)
    assert window.slices(10, 20) == (slice(5, 10), slice(5, 15))
