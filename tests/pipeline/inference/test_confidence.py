"""Confidence: high where the network is certain of the subject, low where it is not, 0 where it finds none."""

import io
from dataclasses import replace

import numpy as np
import pytest
import skimage.data
from PIL import Image

from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.inference.confidence import confidence_of, uncertainty_of
from cutline.pipeline.inference.network import Network
from cutline.pipeline.options import CutOptions
from cutline.pipeline.outputs.files import OutputFiles, make_files
from cutline.pipeline.timing import StageTimer
from devkit.running import ROOT

STATIC = ROOT / "functions" / "site" / "static"

FLAT = np.zeros((64, 64, 3), np.uint8)
FIT = (7.082, 2.897)


def plane(value: float) -> np.ndarray:
    alpha = np.zeros((64, 64), np.float32)
    alpha[16:48, 16:48] = value
    return alpha


def test_confidence_falls_with_the_networks_uncertainty() -> None:
    found = [confidence_of(plane(value), FIT) for value in (1.0, 0.99, 0.95, 0.9, 0.8, 0.6)]
    assert found == sorted(found, reverse=True)  # type: ignore[type-var]
    assert found[0] > 0.97  # type: ignore[operator]
    assert found[-1] < 0.3  # type: ignore[operator]
    assert all(0 < value < 1 for value in found)  # type: ignore[operator]


def test_where_nothing_was_found_there_is_no_confidence() -> None:
    assert (confidence_of(plane(0.4), FIT), uncertainty_of(plane(0.0))) == (0.0, None)


def test_a_network_without_a_fit_has_no_confidence(network: Network) -> None:
    assert confidence_of(plane(0.9), None) is None
    unfitted = Network(replace(network.entry, confidence=None), network._session)
    assert [cut(pixels, unfitted).metadata.confidence for pixels in (skimage.data.astronaut(), FLAT)] == [None, None]


def test_confidence_does_not_depend_on_the_size_of_the_background() -> None:
    small = np.zeros((640, 640), np.float32)
    small[:64, :64] = plane(0.9)
    assert confidence_of(small, FIT) == pytest.approx(confidence_of(plane(0.9), FIT))


@pytest.fixture(scope="module")
def network() -> Network:
    return Network.open(ROOT / "layers" / "model", "matte", 1)


def cut(pixels: np.ndarray, network: Network) -> OutputFiles:
    return make_files(Picture(np.ascontiguousarray(pixels), None, "PNG"), CutOptions(), network, StageTimer())


def test_confidence_is_high_for_products_and_people_and_low_without_a_subject(network: Network) -> None:
    good = [
        cut(np.asarray(Image.open(STATIC / f"{name}.jpg")), network).metadata.confidence for name in ("mug", "person")
    ]
    data = skimage.data
    surfaces = (data.brick(), data.grass(), data.gravel(), data.moon(), data.coins())
    bad = [cut(np.repeat(grey[..., None], 3, axis=2), network).metadata.confidence for grey in surfaces]
    assert min(good) > 0.9  # type: ignore[operator, type-var]
    assert max(bad) < 0.5  # type: ignore[operator, type-var]


def test_an_empty_cut_out_has_none(network: Network) -> None:
    clear = Picture(np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64), np.uint8), "PNG")
    found = make_files(clear, CutOptions(), network, StageTimer())
    assert (found.metadata.confidence, found.box) == (0.0, None)
    assert io.BytesIO(found.image or b"").read(4) == b"\x89PNG"
