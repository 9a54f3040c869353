"""A sharper outline: the network runs again on four overlapping parts of the subject, each at its full size.

The whole says what the subject is; the parts only say where its outline runs. A part counts where it agrees with the
whole, near the whole's own outline, and least at its seams.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from cutline.pipeline.filters import F32, U8, box_mean, grow, resize_f32
from cutline.pipeline.zoom import LARGEST_SIDE, Predict, Window, window_of

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
_SOFT_LOW, _SOFT_HIGH = 0.03, 0.97
# Share of a window's sides over which its weight rises from its seams.
_RAMP_SHARE = 0.25


def sharpen_outline(predict: Predict, rgb_u8: U8, alpha_u8: U8 | None, predictions: dict[str, F32]) -> dict[str, F32]:
    """The predictions (h, w) in [0, 1] of a picture (H, W, 3), "foreground" among them, enlarged, with a finer outline.

    On 54 products of some 600 px before photographed rooms, the mean error within 8 px of the outline fell from .058 to
    .043. Costs up to four passes; none where the picture has no more detail than the predictions.
    """
    foreground = predictions["foreground"]
    box = window_of(foreground)
    if box is None:
        return predictions
    height, width = _plane_size(foreground.shape, box, rgb_u8.shape[:2])
    if max(height / foreground.shape[0], width / foreground.shape[1]) < _LEAST_GROWTH:
        return predictions
    whole = {
        name: np.clip(resize_f32(plane, width, height, Image.Resampling.BICUBIC), 0, 1)
        for name, plane in predictions.items()
    }
    near = grow(
        (whole["foreground"] > _SOFT_LOW) & (whole["foreground"] < _SOFT_HIGH), _share(_REACH_SHARE, max(height, width))
    )
    sums = {name: plane * _WHOLE_WEIGHT for name, plane in whole.items()}
    weights = {name: np.full_like(plane, _WHOLE_WEIGHT) for name, plane in whole.items()}
    for window in _windows(box):
        rows, columns = window.slices(height, width)
        if not near[rows, columns].any():
            continue
        part = predict(window.cut(rgb_u8), None if alpha_u8 is None else window.cut(alpha_u8))
        for name, plane in part.items():
            seen = resize_f32(plane, columns.stop - columns.start, rows.stop - rows.start, Image.Resampling.BILINEAR)
            weight = _agreement(seen, whole[name][rows, columns], _share(_WINDOW_SHARE, max(height, width))) * _ramp(
                window, seen
            )
            sums[name][rows, columns] += seen * weight
            weights[name][rows, columns] += weight
    # Softened, so that nothing shows where the parts' say ends.
    say = box_mean(near.astype(np.float32), max(1, _share(_REACH_SHARE, max(height, width)) // 2))
    return {name: plane + say * (sums[name] / weights[name] - plane) for name, plane in whole.items()}


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


def _share(share: float, longer_side: int) -> int:
    return max(1, round(share * longer_side))


def _agreement(part: F32, whole: F32, radius: int) -> F32:
    """1 where both are alike around a pixel, 0 from _LARGEST_DIFFERENCE on."""
    alike = np.clip(1 - box_mean(np.abs(part - whole), radius) / np.float32(_LARGEST_DIFFERENCE), 0, 1)
    weight: F32 = alike * alike
    return weight


def _ramp(window: Window, plane: F32) -> F32:
    """(h, w): 1 inside, less towards the window's sides that are not the picture's."""
    height, width = plane.shape
    down = _rise(height, window.top > 0, window.bottom < 1)
    across = _rise(width, window.left > 0, window.right < 1)
    return np.minimum.outer(down, across)


def _rise(length: int, at_start: bool, at_end: bool) -> F32:
    steps = np.arange(1, length + 1, dtype=np.float32) / np.float32(max(1.0, _RAMP_SHARE * length))
    rising = steps if at_start else np.ones_like(steps)
    falling = steps[::-1] if at_end else np.ones_like(steps)
    return np.minimum(np.minimum(rising, falling), np.float32(1))
