"""Crop of a small subject: the network runs again on the subject's box, at more of the network's pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from cutline.pipeline.filters import F32, U8, Bool, resize_f32

Predict = Callable[[U8], dict[str, F32]]

# The margin around the subject in the second pass, as a share of its longer side.
_MARGIN = 0.2
# A box larger than this share of the picture, margin included, needs no second pass.
MAX_SHARE = 0.5
# Minimum intersection over union of both passes; below it the second pass took a part of the subject for the whole.
_MIN_AGREEMENT = 0.8
# A box whose sides have fewer pixels than this share of the network's plane shows too little. Much less than the
# plane's own is enough: the network has learned from subjects that fill most of a picture.
_MIN_DETAIL = 0.15
MAX_SIDE = 1024
_HALF = 0.5


@dataclass(frozen=True)
class Window:
    """A rectangle in a picture; its sides are shares of the picture's width and height in [0, 1]."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def share(self) -> float:
        """The rectangle's share of the picture's area."""
        return (self.right - self.left) * (self.bottom - self.top)

    def crop(self, pixels: U8) -> U8:
        """Return the part of pixels (H, W, ...) that the rectangle covers."""
        rows, columns = self.slices(pixels.shape[0], pixels.shape[1])
        return pixels[rows, columns]

    def slices(self, height: int, width: int) -> tuple[slice, slice]:
        """Return its rows and columns in a plane of that size."""
        return (
            slice(round(self.top * height), round(self.bottom * height)),
            slice(round(self.left * width), round(self.right * width)),
        )


def predict_with_crop(predict: Predict, rgb_u8: U8) -> dict[str, F32]:
    """Predictions (h, w) in [0, 1], "foreground" among them; a small subject gets a second pass on its box.

    On products that take a ninth of a picture with plain background, the mean error at the edge fell from .145 to .051;
    of 310 photographs of 512 px at most, 8 % get a second pass, and those with an IoU under .8 fell from 14.2 to
    12.9 %. The second pass counts only if it agrees with the first about the subject.
    """
    first = predict(rgb_u8)
    window = subject_window(first["foreground"])
    if window is None or window.share > MAX_SHARE:
        return first
    crop_u8 = window.crop(rgb_u8)
    if min(np.divide(crop_u8.shape[:2], first["foreground"].shape)) < _MIN_DETAIL:
        return first
    second = predict(crop_u8)
    if _agreement(first["foreground"], second["foreground"], window) < _MIN_AGREEMENT:
        return first
    return {name: _inserted(first[name], second[name], window, rgb_u8.shape[:2]) for name in first}


def subject_window(foreground: F32) -> Window | None:
    """Return the subject's box with its margin, or None if there is no subject."""
    if not (foreground > _HALF).any():
        return None
    top, bottom = _extent(foreground.max(axis=1) > _HALF)
    left, right = _extent(foreground.max(axis=0) > _HALF)
    margin = _MARGIN * max(right - left, bottom - top)
    return Window(max(0.0, left - margin), max(0.0, top - margin), min(1.0, right + margin), min(1.0, bottom + margin))


def _extent(occupied: Bool) -> tuple[float, float]:
    at = np.flatnonzero(occupied)
    return at[0] / len(occupied), (at[-1] + 1) / len(occupied)


def _agreement(first: F32, second: F32, window: Window) -> float:
    in_window = first[window.slices(*first.shape)]
    once = resize_f32(in_window, second.shape[1], second.shape[0], Image.Resampling.BILINEAR) > _HALF
    again = second > _HALF
    return float((once & again).sum() / max(1, (once | again).sum()))


def _inserted(first: F32, second: F32, window: Window, picture_size: tuple[int, int]) -> F32:
    """Return the first pass's plane, enlarged to the second's detail, with the second's plane in the window."""
    shares = (window.bottom - window.top, window.right - window.left)
    height, width = (
        max(side, min(round(detail / share), picture_side, MAX_SIDE))
        for side, detail, share, picture_side in zip(first.shape, second.shape, shares, picture_size, strict=True)
    )
    plane = resize_f32(first, width, height, Image.Resampling.BILINEAR).copy()
    rows, columns = window.slices(height, width)
    plane[rows, columns] = resize_f32(
        second, columns.stop - columns.start, rows.stop - rows.start, Image.Resampling.BILINEAR
    )
    return plane
