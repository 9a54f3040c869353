"""Small subjects: of a network's few pixels they get fewer still, so it looks again at the part that they are in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from cutline.pipeline.filters import F32, U8, Bool, resize_f32

Predict = Callable[[U8, "U8 | None"], dict[str, F32]]

# Everything around the subject, in its own longer side, that the second look is given.
_MARGIN = 0.2
# A subject that fills more than this share of the picture, margin included, has been seen well enough.
_LARGEST_SHARE = 0.5
# Intersection over union from which on both looks have seen the same subject; a part of it may look like another.
_LEAST_AGREEMENT = 0.8
# Enlarging a part with fewer pixels than this share of what the network saw would show it nothing new.
_LEAST_DETAIL = 0.75
_LARGEST_MAP_SIDE = 1024
_HALF = 0.5


@dataclass(frozen=True)
class Window:
    """A part of a picture, as shares of its width and height in [0, 1]."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def share(self) -> float:
        """The part's area in that of the whole."""
        return (self.right - self.left) * (self.bottom - self.top)

    def cut(self, pixels: U8) -> U8:
        """What it shows of (H, W, ...)."""
        rows, columns = self.of(pixels.shape[0], pixels.shape[1])
        return pixels[rows, columns]

    def of(self, height: int, width: int) -> tuple[slice, slice]:
        """Its rows and columns in a grid of that size."""
        return (
            slice(round(self.top * height), round(self.bottom * height)),
            slice(round(self.left * width), round(self.right * width)),
        )


def predict_closer(predict: Predict, rgb_u8: U8, alpha_u8: U8 | None) -> dict[str, F32]:
    """Maps (h, w) in [0, 1], "foreground" among them, of a picture whose subject is looked at twice where it is small.

    Measured on products on plain ground that take a ninth of the picture: mean error at the edge .145 -> .051. The
    second look counts only where it finds the subject of the first, and costs another run of the network.
    """
    first = predict(rgb_u8, alpha_u8)
    window = _window_of(first["foreground"])
    if window is None or window.share > _LARGEST_SHARE:
        return first
    part_u8 = window.cut(rgb_u8)
    if min(np.divide(part_u8.shape[:2], first["foreground"].shape)) < _LEAST_DETAIL:
        return first
    second = predict(part_u8, None if alpha_u8 is None else window.cut(alpha_u8))
    if _agreement(first["foreground"], second["foreground"], window) < _LEAST_AGREEMENT:
        return first
    return {name: _inserted(first[name], second[name], window, rgb_u8.shape[:2]) for name in first}


def _window_of(foreground: F32) -> Window | None:
    """The subject's box and a margin around it; None where there is no subject."""
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
    seen = first[window.of(*first.shape)]
    once = resize_f32(seen, second.shape[1], second.shape[0], Image.Resampling.BILINEAR) > _HALF
    again = second > _HALF
    return float((once & again).sum() / max(1, (once | again).sum()))


def _inserted(first: F32, second: F32, window: Window, picture_size: tuple[int, int]) -> F32:
    """The first look's plane, as large as the second's detail is worth, with the second's in its place."""
    shares = (window.bottom - window.top, window.right - window.left)
    height, width = (
        max(side, min(round(detail / share), picture_side, _LARGEST_MAP_SIDE))
        for side, detail, share, picture_side in zip(first.shape, second.shape, shares, picture_size, strict=True)
    )
    plane = resize_f32(first, width, height, Image.Resampling.BILINEAR).copy()
    rows, columns = window.of(height, width)
    plane[rows, columns] = resize_f32(
        second, columns.stop - columns.start, rows.stop - rows.start, Image.Resampling.BILINEAR
    )
    return plane
