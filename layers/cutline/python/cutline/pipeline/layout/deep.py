"""Cut-outs with 16 bits: colours of the photograph's own depth, and alpha at the canvas."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from cutline.pipeline.filters import U8, resize_f32
from cutline.pipeline.layout.compose import crop
from cutline.pipeline.layout.framing import Box, Placement

U16 = npt.NDArray[np.uint16]
# 255 times this is 65535.
_SCALE, _MAX = 257, 65535
_TINY = np.float32(1e-3)


def deepened(rgb_u16: U16, before_u8: U8, after_u8: U8) -> U16:
    """Return colours (H, W, 3) that differ from the photograph's as `after_u8` from `before_u8`: along soft edges."""
    deep_u16 = rgb_u16.copy()
    at = np.nonzero((before_u8 != after_u8).any(axis=2))
    change = (after_u8[at].astype(np.int32) - before_u8[at]) * _SCALE
    deep_u16[at] = np.clip(deep_u16[at] + change, 0, _MAX)
    return deep_u16


def draw_deep(rgb_u8: U8, rgb_u16: U16 | None, alpha_u8: U8, placement: Placement) -> U16:
    """Return the canvas (h, w, 4), transparent and black around the subject.

    rgb_u16: None for a picture with 8 bits, whose samples are scaled. At the picture's own size alpha has its 256
    steps; a resize, of colours weighted by alpha, is computed in floats.
    """
    source, at = placement.source, placement.drawn
    canvas = np.zeros((placement.height, placement.width, 4), np.uint16)
    inner = canvas[at.top : at.bottom, at.left : at.right]
    alpha = crop(alpha_u8, source)
    same = alpha.shape == inner.shape[:2]
    alpha_f32 = alpha.astype(np.float32)
    small_f32 = alpha_f32 if same else np.clip(_resized(alpha_f32, inner), 0, 255)
    for band in range(3):
        plane = crop(rgb_u8, source)[..., band] if rgb_u16 is None else _crop_deep(rgb_u16, source)[..., band]
        if same:
            inner[..., band] = plane if rgb_u16 is not None else plane.astype(np.uint16) * _SCALE
            continue
        weighted = plane.astype(np.float32) * alpha_f32 * (1 if rgb_u16 is not None else _SCALE)
        inner[..., band] = np.rint(np.clip(_resized(weighted, inner) / np.maximum(small_f32, _TINY), 0, _MAX))
    inner[..., 3] = np.rint(small_f32 * _SCALE)
    inner[inner[..., 3] == 0] = 0
    return canvas


def _crop_deep(pixels_u16: U16, box: Box) -> U16:
    return pixels_u16[box.top : box.bottom, box.left : box.right]


def _resized(plane: npt.NDArray[np.float32], inner: U16) -> npt.NDArray[np.float32]:
    height, width = inner.shape[:2]
    return resize_f32(plane, width, height, Image.Resampling.LANCZOS)
