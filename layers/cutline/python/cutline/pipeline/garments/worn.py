"""One picture's garments from end to end: classes, person or foreground, edges, encode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.codecs.encode import encode_png
from cutline.pipeline.cutout import Matte, Predictor, matte_picture
from cutline.pipeline.filters import F32, U8, fit_within, resize_u8
from cutline.pipeline.garments.garment_masks import garment_masks, settle_classes, unite
from cutline.pipeline.garments.unworn import unworn_garment_masks
from cutline.pipeline.layout.compose import merge_alpha, put_on_colour
from cutline.pipeline.options import CutOptions, GarmentForm, GarmentOptions
from cutline.pipeline.timing import StageTimer

# A smaller share of the picture is a stray patch; a hat or a pair of shoes in a full-body picture covers more.
LEAST_GARMENT_COVERAGE = 0.0005
# A person that is a smaller share of the foreground is nobody.
LEAST_PERSON_SHARE = 0.1
_WHITE = (255, 255, 255)


@dataclass(frozen=True)
class GarmentCutout:
    """PNG files of the picture's own size.

    image: the union, or None if no garment of it was found; classes: the requested classes by name; found: all classes;
    confidence: the probability that the outline which bounds them, a person's or a thing's, is good; it says nothing
    about the classes.
    """

    image: bytes | None
    classes: Mapping[str, bytes]
    found: tuple[str, ...]
    width: int
    height: int
    confidence: float


@dataclass(frozen=True)
class _Garments:
    """Colours (H, W, 3), one mask (H, W) per class found, and the union (H, W) that the options ask for, if any."""

    rgb_u8: U8
    masks: Mapping[str, U8]
    union_u8: U8 | None
    confidence: float


class _OneRun:
    """Implements `Predictor` for several mattes of one picture: the network runs for the first."""

    def __init__(self, network: Predictor) -> None:
        self._network = network
        self._predictions: dict[str, F32] | None = None

    @property
    def view_size(self) -> tuple[int, int]:
        return self._network.view_size

    def predict(self, rgb_u8: U8, alpha_u8: U8 | None = None) -> dict[str, F32]:
        """Predictions (h, w) in [0, 1] by channel name. Raises ServiceFault."""
        if self._predictions is None:
            self._predictions = self._network.predict(rgb_u8, alpha_u8)
        return self._predictions


def cut_garments(
    picture: Picture, options: GarmentOptions, matte: Predictor, costume: Predictor, timer: StageTimer
) -> GarmentCutout:
    """The garments in a picture, worn, carried or alone, in the form that the options ask for.

    A person's alpha bounds all garments: this gives clean outlines, and the costume network was trained on clothed
    people alone. If the picture shows no person, the components of the foreground are the candidates.

    Raises:
        ServiceFault: if a network fails.
    """
    with timer.stage("classes"):
        probabilities = costume.predict(picture.rgb_u8, picture.alpha_u8)
    matte = _OneRun(matte)
    wearer = matte_picture(picture, CutOptions(subject="person"), matte, timer)
    with timer.stage("garments"):
        garments = _worn(probabilities, picture, wearer, options)
    if not garments.masks and _shows_nobody(matte.predict(picture.rgb_u8)):
        foreground = matte_picture(picture, CutOptions(), matte, timer)
        with timer.stage("classes"):
            garments = _unworn(foreground, costume, probabilities, options)
    masks, rgb_u8, union_u8 = garments.masks, garments.rgb_u8, garments.union_u8
    with timer.stage("encode"):
        image = None if union_u8 is None else _encode(rgb_u8, union_u8, options.form)
        classes = {name: _encode(rgb_u8, masks[name], options.form) for name in options.classes if name in masks}
    return GarmentCutout(image, classes, tuple(masks), picture.width, picture.height, garments.confidence)


def _worn(probabilities: Mapping[str, F32], picture: Picture, wearer: Matte, options: GarmentOptions) -> _Garments:
    # Once for all classes, which would each reduce the picture to the same guide.
    size = fit_within(picture.width, picture.height, max(next(iter(probabilities.values())).shape))
    guide_u8 = resize_u8(picture.rgb_u8, *size, Image.Resampling.BOX)
    probabilities = settle_classes(probabilities)
    masks = _without_patches(garment_masks(probabilities, picture.rgb_u8, wearer.alpha_u8, guide_u8))
    wanted = _in_union(masks, options)
    union_u8 = unite(wanted, probabilities, picture.rgb_u8, wearer.alpha_u8, guide_u8) if wanted else None
    return _Garments(wearer.rgb_u8, masks, union_u8, wearer.confidence)


def _unworn(
    foreground: Matte, costume: Predictor, probabilities: Mapping[str, F32], options: GarmentOptions
) -> _Garments:
    masks = _without_patches(unworn_garment_masks(foreground, costume, probabilities))
    wanted = _in_union(masks, options)
    # At each pixel one mask at most is above 0.
    union_u8 = np.maximum.reduce(list(wanted.values())) if wanted else None
    return _Garments(foreground.rgb_u8, masks, union_u8, foreground.confidence)


def _without_patches(masks: Mapping[str, U8]) -> dict[str, U8]:
    return {name: mask for name, mask in masks.items() if mask.mean() / 255 > LEAST_GARMENT_COVERAGE}


def _in_union(masks: Mapping[str, U8], options: GarmentOptions) -> dict[str, U8]:
    return {name: mask for name, mask in masks.items() if not options.merged or name in options.classes}


def _shows_nobody(predictions: Mapping[str, F32]) -> bool:
    return float(predictions["person"].mean()) < LEAST_PERSON_SHARE * float(predictions["foreground"].mean())


def _encode(rgb_u8: U8, alpha_u8: U8, form: GarmentForm) -> bytes:
    if form == "mask":
        return encode_png(alpha_u8)
    rgba_u8 = merge_alpha(rgb_u8, alpha_u8)
    return encode_png(put_on_colour(rgba_u8, _WHITE) if form == "white" else rgba_u8)
