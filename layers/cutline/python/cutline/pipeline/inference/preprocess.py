"""A picture to the network's input tensor, and the network's output planes to predictions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image

from cutline.pipeline.filters import F32, U8, resize_u8
from cutline.pipeline.inference.model_config import ModelEntry

_MID_GREY = 128
# Beyond it exp overflows float32, and the sigmoid is 0 or 1 anyway.
_MAX_LOGIT = np.float32(80)


def fit_picture(entry: ModelEntry, rgb_u8: U8, alpha_u8: U8 | None) -> U8:
    """Return the picture (h, w, 3) at the network's size, or at the part of it that a letterboxed picture fills.

    Transparent pixels of alpha (H, W) become mid-grey, because their colour bytes are arbitrary. A picture of this size
    is returned unchanged, so one machine can fit it and another can run the network.
    """
    height, width = entry.height, entry.width
    if entry.letterbox:
        scale = min(height / rgb_u8.shape[0], width / rgb_u8.shape[1])
        height = max(1, round(rgb_u8.shape[0] * scale))
        width = max(1, round(rgb_u8.shape[1] * scale))
    small_u8 = resize_u8(rgb_u8, width, height, Image.Resampling.BILINEAR)
    if alpha_u8 is None:
        return small_u8
    share = resize_u8(alpha_u8, width, height, Image.Resampling.BILINEAR)[..., None].astype(np.float32) / 255
    return np.rint(small_u8 * share + _MID_GREY * (1 - share)).astype(np.uint8)


def hide(predictions: Mapping[str, F32], alpha_u8: U8 | None) -> dict[str, F32]:
    """Return predictions (h, w) without what a picture's own alpha (H, W) hides: its grey is no subject."""
    if alpha_u8 is None:
        return dict(predictions)
    return {
        name: plane * (resize_u8(alpha_u8, plane.shape[1], plane.shape[0], Image.Resampling.BILINEAR) > 0)
        for name, plane in predictions.items()
    }


def to_tensor(entry: ModelEntry, small_u8: U8) -> F32:
    """(1, 3, height, width), normalised with the entry's white, mean and std; mid-grey fills the margins."""
    inner_height, inner_width = small_u8.shape[:2]
    if (inner_height, inner_width) != (entry.height, entry.width):
        canvas = np.full((entry.height, entry.width, 3), _MID_GREY, np.uint8)
        top, left = _margins(entry, inner_height, inner_width)
        canvas[top : top + inner_height, left : left + inner_width] = small_u8
        small_u8 = canvas
    std = np.asarray(entry.std, np.float32)[:, None, None]
    gain = np.float32(entry.white / 255) / std
    offset = np.asarray(entry.mean, np.float32)[:, None, None] / std
    tensor: F32 = np.ascontiguousarray((small_u8.transpose(2, 0, 1) * gain - offset)[None], np.float32)
    return tensor


def to_predictions(entry: ModelEntry, planes: F32, inner_height: int, inner_width: int) -> dict[str, F32]:
    """Predictions (h, w) in [0, 1] by channel name from the network's planes (C, height, width), without margins."""
    top, left = _margins(entry, inner_height, inner_width)
    planes = planes[:, top : top + inner_height, left : left + inner_width]
    return {name: _to_unit(entry, plane) for name, plane in zip(entry.channels, planes, strict=True)}


def _margins(entry: ModelEntry, inner_height: int, inner_width: int) -> tuple[int, int]:
    return (entry.height - inner_height) // 2, (entry.width - inner_width) // 2


def _to_unit(entry: ModelEntry, plane: F32) -> F32:
    plane = plane.astype(np.float32)
    if entry.activation == "sigmoid":
        plane = np.reciprocal(1 + np.exp(-np.clip(plane, -_MAX_LOGIT, _MAX_LOGIT)), dtype=np.float32)
    plane = np.nan_to_num(plane, nan=0.0, posinf=1.0, neginf=0.0)
    if entry.activation == "minmax":
        low, high = float(plane.min()), float(plane.max())
        plane = (plane - low) / max(high - low, 1e-6)
    return np.clip(plane, 0.0, 1.0).astype(np.float32)
