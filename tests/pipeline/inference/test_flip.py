"""A doubtful subject is seen in the mirror too, and the mean of both looks counts."""

import numpy as np
import pytest

from cutline.pipeline.inference.flip import predict_doubted
from cutline.pipeline.inference.network import Network
from devkit.running import ROOT

LEFT, WIDTH = 8, 48


class Hesitates:
    """A network that gives a subject `alpha`, and is surer of the left half of what it is shown by `more`."""

    def __init__(self, alpha: float, more: float = 0) -> None:
        self.alpha, self.more = alpha, more
        self.shown: list[tuple[np.ndarray, np.ndarray | None]] = []

    def __call__(self, rgb_u8: np.ndarray, alpha_u8: np.ndarray | None) -> dict[str, np.ndarray]:
        self.shown.append((rgb_u8, alpha_u8))
        plane = (rgb_u8[..., 0] > 0) * np.float32(self.alpha)
        plane[:, : WIDTH // 2] += (plane[:, : WIDTH // 2] > 0) * np.float32(self.more)
        return {"foreground": plane, "person": plane / 2}


def picture() -> np.ndarray:
    pixels = np.zeros((32, WIDTH, 3), np.uint8)
    pixels[8:24, LEFT:36] = 255
    return pixels


@pytest.mark.parametrize(("alpha", "looks"), [(0.99, 1), (0.8, 2), (0.3, 1)])
def test_it_looks_again_at_what_it_found_and_doubts(alpha: float, looks: int) -> None:
    network = Hesitates(alpha)
    found = predict_doubted(network, picture(), None)
    assert len(network.shown) == looks
    np.testing.assert_allclose(found["foreground"], (picture()[..., 0] > 0) * np.float32(alpha), rtol=1e-6)


def test_the_mean_of_both_looks_counts_for_every_plane() -> None:
    network = Hesitates(0.6, more=0.2)
    own = np.arange(32 * WIDTH).reshape(32, WIDTH).astype(np.uint8)
    found = predict_doubted(network, picture(), own)
    np.testing.assert_allclose(found["foreground"][16, LEFT:36], 0.7, rtol=1e-6)
    np.testing.assert_allclose(found["person"][16, LEFT:36], 0.35, rtol=1e-6)
    assert not found["foreground"][:, :LEFT].any()
    (_, first), (rgb_u8, second) = network.shown
    np.testing.assert_array_equal(rgb_u8, picture()[:, ::-1])
    np.testing.assert_array_equal(second, first[:, ::-1])


@pytest.mark.parametrize(("model", "looks"), [("matte", 2), ("costume", 1)])
def test_a_network_looks_again_if_its_entry_says_so(model: str, looks: int) -> None:
    sees = Hesitates(0.8)
    Network.open(ROOT / "layers" / "model", model, 1).predict_in_passes(sees, picture(), None)
    assert len(sees.shown) == looks
