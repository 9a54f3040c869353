"""Choosing one of several subjects by a region: where the network looks, and which of what it finds counts."""

from typing import Any

import numpy as np
import pytest

from cutline.errors import InputRefused, Reason
from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.cutout import matte_picture
from cutline.pipeline.inference.network import Network
from cutline.pipeline.layout.framing import Box
from cutline.pipeline.layout.framing_parser import read_region
from cutline.pipeline.matting.roi import RoiCrop, crop_to_roi, roi_crop
from cutline.pipeline.options import CutOptions
from cutline.pipeline.outputs.files import make_files
from cutline.pipeline.timing import StageTimer
from devkit.running import ROOT

WIDTH, HEIGHT = 900, 600


class Colourful:
    """A network that takes all that is not grey for the subject, and remembers what it was shown."""

    view_size, calibration = (320, 320), (7.0, 3.0)

    def __init__(self) -> None:
        self.shown: Any = None

    def predict(self, rgb_u8: Any, alpha_u8: Any = None) -> dict[str, Any]:
        self.shown = rgb_u8
        coloured = (np.ptp(rgb_u8.astype(int), axis=2) > 60).astype(np.float32)
        return {"foreground": coloured, "person": np.zeros_like(coloured)}


def two_things() -> tuple[Picture, Any]:
    """A red ball and, nearer, larger and brighter, a green bottle; alpha of the ball (H, W)."""
    rng = np.random.default_rng(3)
    rgb = np.full((HEIGHT, WIDTH, 3), 170, np.float32) + rng.normal(0, 4, (HEIGHT, WIDTH, 3))
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    ball = (x - 220) ** 2 + (y - 400) ** 2 < 130**2
    bottle = (np.abs(x - 560) < 150) & (y > 180) | (np.abs(x - 560) < 60) & (y > 30)
    shade = (1 - 0.4 * np.clip((x - 90) / 700, 0, 1))[..., None]
    rgb[ball] = (np.array([215, 50, 40]) * shade)[ball]
    rgb[bottle] = (np.array([30, 160, 80]) * shade)[bottle]
    return Picture(np.clip(rgb, 0, 255).astype(np.uint8), None, "PNG"), ball


def iou(alpha_u8: Any, truth: Any) -> float:
    found = alpha_u8 > 127
    return float((found & truth).sum() / (found | truth).sum())


def matted(picture: Picture, roi: str | None, network: Any = None) -> Any:
    options = CutOptions(roi=None if roi is None else read_region(roi))
    return matte_picture(picture, options, network or Network.open(ROOT / "layers" / "model", "matte", 1), StageTimer())


def test_a_region_chooses_what_the_whole_picture_hides() -> None:
    picture, ball = two_things()
    chosen = matted(picture, "80px 260px 360px 540px")
    assert iou(chosen.alpha_u8, ball) > 0.9
    assert chosen.confidence > 0.5
    assert iou(matted(picture, None).alpha_u8, ball) < 0.5


def test_the_network_sees_the_region_and_a_tenth_around_it() -> None:
    picture, _ = two_things()
    network = Colourful()
    matted(picture, "100px 300px 300px 500px", network)
    assert network.shown.shape == (240, 240, 3)
    assert np.array_equal(network.shown, picture.rgb_u8[280:520, 80:320])
    assert roi_crop(read_region("0 0 100% 100%"), 40, 30) == RoiCrop(Box(0, 0, 40, 30), Box(0, 0, 40, 30))


def test_a_neighbour_that_reaches_into_the_region_is_left_out_and_outside_all_is_background() -> None:
    picture, ball = two_things()
    alpha_u8 = matted(picture, "60px 240px 450px 560px", Colourful()).alpha_u8
    assert iou(alpha_u8, ball) > 0.97
    assert not alpha_u8[:, 412:].any()
    # A region inside of one subject means a part of it.
    part = matted(picture, "200px 380px 240px 420px", Colourful()).alpha_u8
    assert part[385:415, 205:235].min() == 255
    assert (part > 0).sum() == 40 * 40


def test_colours_outside_the_region_stay_and_the_size_is_the_pictures() -> None:
    picture, _ = two_things()
    matte = matted(picture, "60px 240px 360px 560px", Colourful())
    assert matte.rgb_u8.shape == picture.rgb_u8.shape
    assert np.array_equal(matte.rgb_u8[:, 400:], picture.rgb_u8[:, 400:])


@pytest.mark.parametrize("roi", ["50% 50% 50% 50%", "2000px 0px 3000px 10px", "90% 0% 10% 100%"])
def test_a_region_without_a_pixel_of_the_picture_holds_nothing(roi: str) -> None:
    picture, _ = two_things()
    network = Colourful()
    cutout = make_files(picture, CutOptions(roi=read_region(roi)), network, StageTimer())
    assert (cutout.metadata.coverage, cutout.metadata.confidence, cutout.box) == (0, 0, None)
    assert network.shown is None
    # What prepares a task for another machine's network still has something to show it.
    assert crop_to_roi(picture, read_region(roi)) is picture
    with pytest.raises(InputRefused) as refused:
        make_files(picture, CutOptions(profile="ebay", roi=read_region(roi)), network, StageTimer())
    assert refused.value.reason is Reason.NO_SUBJECT
