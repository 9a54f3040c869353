"""How far two alphas of one picture agree, and what their difference looks like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from cutline.pipeline.filters import U8, resize_u8

_HALF = 128
# Sides that differ by more than rounding were cropped or framed.
_SAME_SHAPE = 0.02


@dataclass(frozen=True)
class Agreement:
    """overlap: intersection over union of what is more than half opaque; difference: mean |a - b|; both in [0, 1]."""

    overlap: float
    difference: float


def same_shape(width: int, height: int, other_width: int, other_height: int) -> bool:
    """Whether one size can be the other one, reduced."""
    ratio = (width / height) / (other_width / other_height)
    return abs(ratio - 1) <= _SAME_SHAPE


def agreement(alpha_u8: U8, other_u8: U8) -> Agreement:
    """How far two alphas (H, W) and (h, w) agree; the second is resized to the first one's size."""
    height, width = alpha_u8.shape
    other_u8 = resize_u8(np.ascontiguousarray(other_u8), width, height, Image.Resampling.BILINEAR)
    ours, theirs = alpha_u8 >= _HALF, other_u8 >= _HALF
    union = int((ours | theirs).sum())
    overlap = 1.0 if union == 0 else int((ours & theirs).sum()) / union
    return Agreement(overlap, float(np.abs(alpha_u8.astype(np.int16) - other_u8).mean() / 255))


def difference_picture(alpha_u8: U8, other_u8: U8) -> U8:
    """(H, W, 3): grey where both agree, green where the first alone is opaque, red where the other alone is."""
    height, width = alpha_u8.shape
    other_u8 = resize_u8(np.ascontiguousarray(other_u8), width, height, Image.Resampling.BILINEAR)
    return np.dstack([other_u8, alpha_u8, np.minimum(alpha_u8, other_u8)])
