"""Garments from drawn class probabilities: which are delivered, in which form, bounded by the wearer."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.garments.worn import GarmentCutout, cut_garments
from cutline.pipeline.inference.model_config import ModelEntry
from cutline.pipeline.options import GARMENTS, GarmentOptions
from cutline.pipeline.timing import StageTimer
from tests.support.pictures import pixels

SIDE = 96
RGB = np.full((SIDE, SIDE, 3), (180, 60, 40), np.uint8)


@dataclass(frozen=True)
class DrawnNetwork:
    """Answers every picture with the same predictions."""

    predictions: dict[str, Any]
    entry: Any

    calibration = None

    @property
    def view_size(self) -> tuple[int, int]:
        return self.entry.height, self.entry.width

    def predict(self, rgb_u8: Any, alpha_u8: Any = None) -> dict[str, Any]:
        return {name: plane.copy() for name, plane in self.predictions.items()}


def box(top: int, bottom: int, left: int = 24, right: int = 72) -> Any:
    plane = np.zeros((SIDE, SIDE), np.float32)
    plane[top:bottom, left:right] = 1
    return plane


def entry() -> Any:
    """A stand-in that has the size of the drawn predictions."""
    drawn = object.__new__(ModelEntry)
    object.__setattr__(drawn, "height", SIDE)
    object.__setattr__(drawn, "width", SIDE)
    return drawn


def cut(request: GarmentOptions, wearer: Any = None, **garments: Any) -> GarmentCutout:
    wearer = box(0, SIDE) if wearer is None else wearer
    matte = DrawnNetwork({"foreground": box(0, SIDE), "person": wearer}, entry())
    costume = DrawnNetwork({name: garments.get(name, box(0, 0)) for name in GARMENTS}, entry())
    return cut_garments(Picture(RGB, None, "PNG"), request, matte, costume, StageTimer())


def test_the_union_holds_all_garments_and_the_classes_only_those_requested_and_found() -> None:
    garments = cut(GarmentOptions(("tops", "hat")), tops=box(10, 40), pants=box(50, 90))
    assert set(garments.classes) == {"tops"}
    assert garments.found == ("tops", "pants")
    alpha, tops = pixels(garments.image)[..., 3], pixels(garments.classes["tops"])[..., 3]
    assert alpha[20, 48] == alpha[70, 48] == tops[20, 48] == 255
    assert tops[70, 48] == alpha[2, 2] == 0


def test_merged_is_the_union_of_only_the_requested_classes() -> None:
    alpha = pixels(cut(GarmentOptions(("pants",), merged=True), tops=box(10, 40), pants=box(50, 90)).image)[..., 3]
    assert alpha[70, 48] == 255
    assert alpha[20, 48] == 0


@pytest.mark.parametrize(
    "request_", [GarmentOptions(("hat",), merged=True), GarmentOptions(("hat", "bag"), merged=True)]
)
def test_merged_without_any_requested_class_is_nothing(request_: GarmentOptions) -> None:
    assert cut(request_, tops=box(10, 40)).image is None


def test_no_garment_is_nothing() -> None:
    garments = cut(GarmentOptions(("tops",)))
    assert (garments.image, garments.classes, garments.found) == (None, {}, ())


def test_each_form_has_its_own_pixels_and_the_pictures_size() -> None:
    cutout = pixels(cut(GarmentOptions(("tops",)), tops=box(10, 40)).classes["tops"])
    mask = pixels(cut(GarmentOptions(("tops",), "mask"), tops=box(10, 40)).classes["tops"])
    white = pixels(cut(GarmentOptions(("tops",), "white"), tops=box(10, 40)).classes["tops"])
    assert (cutout.shape, mask.shape, white.shape) == ((SIDE, SIDE, 4), (SIDE, SIDE), (SIDE, SIDE, 3))
    assert np.array_equal(mask, cutout[..., 3])
    assert tuple(white[2, 2]) == (255, 255, 255)
    assert tuple(white[25, 48]) == tuple(cutout[25, 48, :3]) == tuple(RGB[25, 48])


def test_a_garment_ends_where_its_wearer_ends() -> None:
    alpha = pixels(cut(GarmentOptions(), wearer=box(0, SIDE, 24, 48), tops=box(10, 40)).image)[..., 3]
    assert alpha[25, 36] == 255
    assert alpha[25, 64] == 0


def test_a_garment_outside_its_wearer_is_none() -> None:
    assert cut(GarmentOptions(), wearer=box(60, SIDE), tops=box(10, 40)).image is None
