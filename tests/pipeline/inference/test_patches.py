"""Four patches of the subject move its outline, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cutline.pipeline.inference.network import Network
from cutline.pipeline.inference.patches import sharpen_outline
from devkit.composites import compose
from tests.support.seeing import SIDE, Sees, error_of

PICTURE_SIDE = 512
MODELS = Path(__file__).parents[3] / "layers" / "model"


def combs(width: int = PICTURE_SIDE, height: int = PICTURE_SIDE) -> np.ndarray:
    """A white block on black with teeth of 16 px, which are two pixels wide in the whole picture."""
    picture = np.zeros((PICTURE_SIDE, PICTURE_SIDE, 3), np.uint8)
    picture[150:440, 60:450] = 255
    for left in range(60, 450, 32):
        picture[60:150, left : left + 16] = 255
    return np.array(Image.fromarray(picture).resize((width, height), Image.Resampling.BOX))


def sharpened(network: Sees, picture: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The predictions of one pass, and of one pass with patches."""
    once = network(picture)
    return once, sharpen_outline(network, picture, once)


def test_the_outline_is_finer_in_every_plane() -> None:
    picture, network = combs(), Sees()

    def both(rgb_u8: np.ndarray) -> dict[str, np.ndarray]:
        plane = network(rgb_u8)["foreground"]
        return {"foreground": plane, "person": 1 - plane}

    once = both(picture)
    fine = sharpen_outline(both, picture, once)
    assert len(network.shown) == 5
    for name, truth in (("foreground", picture), ("person", 255 - picture)):
        assert error_of(fine[name], truth) < 0.75 * error_of(once[name], truth)
        assert (fine[name].dtype, fine[name].shape) == (np.float32, fine["foreground"].shape)
        assert 0 <= fine[name].min() <= fine[name].max() <= 1


def test_what_is_far_from_the_outline_stays() -> None:
    picture, network = combs(), Sees()
    picture[260:330, 220:290] = 180
    once = network(picture)
    once["foreground"] = once["foreground"].copy()
    once["foreground"][32:42, 27:37] = 1  # the whole says that the grey spot belongs to the subject
    fine = sharpen_outline(network, picture, once)["foreground"]
    height, width = fine.shape
    assert fine[height // 2 : 5 * height // 8, 7 * width // 16 : 9 * width // 16].min() == 1


def test_patches_that_disagree_change_nothing() -> None:
    picture, network = combs(), Sees()
    network.blind_from = 1
    once, fine = sharpened(network, picture)
    assert len(network.shown) == 5
    assert error_of(fine["foreground"], picture) < 1.1 * error_of(once["foreground"], picture)


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        (lambda: combs(SIDE, SIDE), "no more detail"),
        (lambda: combs(78, 70), "hardly more detail"),
        (lambda: np.zeros((512, 512, 3), np.uint8), "no subject"),
    ],
)
def test_without_more_detail_or_a_subject_no_patch_is_run(picture: Callable[[], np.ndarray], why: str) -> None:
    network = Sees()
    once, fine = sharpened(network, picture())
    assert len(network.shown) == 1, why
    assert fine is once


def test_a_patch_without_an_outline_is_not_run() -> None:
    picture = np.full((PICTURE_SIDE, PICTURE_SIDE, 3), 255, np.uint8)
    picture[:64, :64] = 0
    network = Sees()

    def in_front(rgb_u8: np.ndarray) -> dict[str, np.ndarray]:
        return {"foreground": network(rgb_u8)["foreground"]}

    sharpen_outline(in_front, picture, in_front(picture))
    assert len(network.shown) == 2


def test_the_plane_is_no_larger_than_the_picture() -> None:
    _, fine = sharpened(Sees(), combs(90, 300))
    assert fine["foreground"].shape[1] <= 90
    assert SIDE < fine["foreground"].shape[0] <= 300


@pytest.mark.parametrize(("width", "height"), [(411, 1), (1, 900), (411, 3), (3000, 2)])
def test_the_narrowest_pictures_are_patched_where_they_have_pixels(width: int, height: int) -> None:
    plane = np.zeros((SIDE, SIDE), np.float32)
    plane[40:60, 40:60] = 1

    def sees_a_block(rgb_u8: np.ndarray) -> dict[str, np.ndarray]:
        assert rgb_u8.size
        return {"foreground": plane}

    fine = sharpen_outline(sees_a_block, np.zeros((height, width, 3), np.uint8), {"foreground": plane})
    assert 0 <= fine["foreground"].min() <= fine["foreground"].max() <= 1


def test_the_model_fine_resolves_rods_that_matte_melts_together() -> None:
    case = compose("thin rods", "distinct", 1024)
    errors = {}
    for name in ("matte", "fine"):
        plane = Network.open(MODELS, name, 1).predict(case.rgb_u8)["foreground"]
        full = Image.fromarray(plane).resize((1024, 1024), Image.Resampling.BICUBIC)
        errors[name] = float(np.abs(np.asarray(full) - case.alpha_f32).mean())
    assert errors["fine"] < 0.7 * errors["matte"], errors
