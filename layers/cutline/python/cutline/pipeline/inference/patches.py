"""A sharper outline: the network runs again on four overlapping patches of the subject, each at its full size.

The whole picture decides what the subject is, the patches only where its outline runs. A patch counts where it agrees
with the whole, near the whole's outline, and least at its seams.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from cutline.pipeline.filters import F32, U8, box_mean, grow, resize_f32
from cutline.pipeline.inference.crop import MAX_SIDE, Predict, Window, subject_window

# Two by two windows, each of this share of the box's sides.
_SHARE = 0.6
_LEFTS = (0.0, 1 - _SHARE)
# A plane that grows by less holds no new detail.
_MIN_GROWTH = 1.25
# Both as shares of the plane's longer side: the reach of patches around the outline, and the window of their agreement.
_REACH_SHARE, _WINDOW_SHARE = 1 / 96, 1 / 32
# From this mean difference on, a patch has no weight.
_MAX_DIFFERENCE = 0.25
# The whole's weight where that of a patch is 1: it decides where no patch agrees.
_WHOLE_WEIGHT = np.float32(0.02)
_HALF = 0.5
# Share of a window's sides over which its weight rises from its seams.
_RAMP_SHARE = 0.25


def sharpen_outline(predict: Predict, rgb_u8: U8, predictions: dict[str, F32]) -> dict[str, F32]:
    """Return the predictions (h, w) in [0, 1] of a picture (H, W, 3), enlarged, "foreground" with a finer outline.

    On 58 cut-outs of about 600 px in front of photographed interiors, the mean error within 8 px of the outline fell
    from .040 to .029. Costs up to four passes; none where the picture has no more detail than the predictions.
    """
    size = predictions["foreground"].shape
    box = subject_window(predictions["foreground"])
    if box is None:
        return predictions
    height, width = _plane_size(size, box, rgb_u8.shape[:2])
    if max(height / size[0], width / size[1]) < _MIN_GROWTH:
        return predictions
    blends = {name: _Blend(plane, width, height) for name, plane in predictions.items()}
    for window in _windows(box):
        rows, columns = window.slices(height, width)
        patch_u8 = window.crop(rgb_u8)
        # A picture of few rows or columns has windows without a pixel.
        if patch_u8.size and any(blend.near[rows, columns].any() for blend in blends.values()):
            patch = predict(patch_u8)
            for name, blend in blends.items():
                blend.add(patch[name], window)
    return {name: blend.result() for name, blend in blends.items()}


class _Blend:
    """One plane of the whole picture, with the patches' weighted mean `near` its outline."""

    def __init__(self, plane: F32, width: int, height: int) -> None:
        longer = max(width, height)
        self._whole = np.clip(resize_f32(plane, width, height, Image.Resampling.BICUBIC), 0, 1)
        self._reach = max(1, round(_REACH_SHARE * longer))
        self._radius = max(1, round(_WINDOW_SHARE * longer))
        # Faint alpha of the whole, away from the subject, is no outline, though a patch may find something there.
        inside = self._whole > _HALF
        self.near = grow(inside, self._reach) & grow(~inside, self._reach)
        self._total = self._whole * _WHOLE_WEIGHT
        self._weight = np.full_like(self._whole, _WHOLE_WEIGHT)

    def add(self, patch: F32, window: Window) -> None:
        """Add the network's plane of a window."""
        at = window.slices(*self._whole.shape)
        whole = self._whole[at]
        patch = resize_f32(patch, whole.shape[1], whole.shape[0], Image.Resampling.BILINEAR)
        difference = box_mean(np.abs(patch - whole), self._radius)
        alike = np.clip(1 - difference / np.float32(_MAX_DIFFERENCE), 0, 1)
        weight = alike * alike * _ramp(window, whole.shape)
        self._total[at] += patch * weight
        self._weight[at] += weight

    def result(self) -> F32:
        """Return the plane, in [0, 1]."""
        # Softened, so that no edge shows where the patches end.
        share = box_mean(self.near.astype(np.float32), max(1, self._reach // 2))
        plane: F32 = self._whole + share * (self._total / self._weight - self._whole)
        return plane


def _plane_size(size: tuple[int, ...], box: Window, picture_size: tuple[int, ...]) -> tuple[int, int]:
    """Height and width at which the patches have their full detail, no larger than the picture."""
    sides = (box.bottom - box.top, box.right - box.left)
    height, width = (
        max(plane, min(round(plane / (_SHARE * side)), picture, MAX_SIDE))
        for plane, side, picture in zip(size, sides, picture_size, strict=True)
    )
    return height, width


def _windows(box: Window) -> list[Window]:
    width, height = box.right - box.left, box.bottom - box.top
    return [
        Window(
            box.left + across * width,
            box.top + down * height,
            box.left + (across + _SHARE) * width,
            box.top + (down + _SHARE) * height,
        )
        for down in _LEFTS
        for across in _LEFTS
    ]


def _ramp(window: Window, size: tuple[int, ...]) -> F32:
    """(h, w): 1 inside, less towards the window's sides that are not the picture's."""
    down = _rise(size[0], window.top > 0, window.bottom < 1)
    across = _rise(size[1], window.left > 0, window.right < 1)
    return np.minimum.outer(down, across)


def _rise(length: int, at_start: bool, at_end: bool) -> F32:
    steps = np.arange(1, length + 1, dtype=np.float32) / np.float32(max(1.0, _RAMP_SHARE * length))
    rising = steps if at_start else np.ones_like(steps)
    falling = steps[::-1] if at_end else np.ones_like(steps)
    return np.minimum(np.minimum(rising, falling), np.float32(1))
