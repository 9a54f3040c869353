"""An uncertain subject is predicted from the mirror image too, and the mean of both counts."""

import numpy as np
import pytest

from cutline.pipeline.inference.flip import predict_with_flip
from cutline.pipeline.inference.model_config import read_entry
from cutline.pipeline.inference.passes import predict_in_passes
from devkit.running import ROOT

LEFT, WIDTH = 8, 48


class Uncertain:
    """A network that gives a subject `alpha`, and `more` of it in the left half of its input."""

    def __init__(self, alpha: float, more: float = 0) -> None:
        self.alpha, self.more = alpha, more
        self.shown: list[np.ndarray] = []

    def __call__(self, rgb_u8: np.ndarray) -> dict[str, np.ndarray]:
        self.shown.append(rgb_u8)
        plane = (rgb_u8[..., 0] > 0) * np.float32(self.alpha)
        plane[:, : WIDTH // 2] += (plane[:, : WIDTH // 2] > 0) * np.float32(self.more)
        return {"foreground": plane, "person": plane / 2}


def picture() -> np.ndarray:
    pixels = np.zeros((32, WIDTH, 3), np.uint8)
    pixels[8:24, LEFT:36] = 255
    return pixels


@pytest.mark.parametrize(("alpha", "passes"), [(0.99, 1), (0.8, 2), (0.3, 1)])
def test_a_second_pass_follows_an_uncertain_subject(alpha: float, passes: int) -> None:
    network = Uncertain(alpha)
    found = predict_with_flip(network, picture())
    assert len(network.shown) == passes
    np.testing.assert_allclose(found["foreground"], (picture()[..., 0] > 0) * np.float32(alpha), rtol=1e-6)


def test_every_plane_is_the_mean_of_both_passes() -> None:
    network = Uncertain(0.6, more=0.2)
    found = predict_with_flip(network, picture())
    np.testing.assert_allclose(found["foreground"][16, LEFT:36], 0.7, rtol=1e-6)
    np.testing.assert_allclose(found["person"][16, LEFT:36], 0.35, rtol=1e-6)
    assert not found["foreground"][:, :LEFT].any()
    np.testing.assert_array_equal(network.shown[1], picture()[:, ::-1])


@pytest.mark.parametrize("first", [0.98, 0.02])
@pytest.mark.parametrize(("contradicted", "averaged"), [(0, True), (10, True), (12, False), (28, False)])
def test_views_that_contradict_each_other_on_two_fifths_are_not_averaged(
    first: float, contradicted: int, averaged: bool
) -> None:
    """`contradicted` of the subject's 28 columns are the person in one view only; the others are in both."""
    subject = picture()[..., 0] > 0
    once, again = np.where(subject, np.float32(0.98), 0), np.where(subject, np.float32(0.98), 0)
    once[:, 36 - contradicted : 36] *= np.float32(first / 0.98)
    again[:, 36 - contradicted : 36] *= np.float32((1 - first) / 0.98)
    views = iter([once, again[:, ::-1]])

    def sees(rgb_u8: np.ndarray) -> dict[str, np.ndarray]:
        return {"foreground": (rgb_u8[..., 0] > 0) * np.float32(0.8), "person": next(views)}

    found = predict_with_flip(sees, picture())
    np.testing.assert_allclose(found["foreground"][subject], 0.8, rtol=1e-6)
    np.testing.assert_allclose(found["person"], (once + again) / 2 if averaged else once, rtol=1e-6)
    assert next(views, None) is None


@pytest.mark.parametrize(("model", "passes"), [("matte", 2), ("costume", 1)])
def test_the_entry_decides_on_flips(model: str, passes: int) -> None:
    sees = Uncertain(0.8)
    predict_in_passes(read_entry(ROOT / "layers" / "model", model), sees, picture(), None)
    assert len(sees.shown) == passes
