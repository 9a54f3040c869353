"""Crop, size and background of a cut-out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from cutline.pipeline.filters import U8

# The subject's box holds all alpha bytes above this; fainter ones are the network's noise.
VISIBLE_ALPHA = 8
MAX_DERIVED_SIDE_PX = 3000
_OPAQUE = 255


@dataclass(frozen=True)
class Box:
    """A half-open pixel rectangle."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


def subject_box(alpha_u8: U8) -> Box | None:
    """The smallest box around all alpha above 8 of 255, or None if there is no such alpha."""
    visible = alpha_u8 > VISIBLE_ALPHA
    rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    if len(rows) == 0:
        return None
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def merge_alpha(rgb_u8: U8, alpha_u8: U8) -> U8:
    """(H, W, 4) RGBA. Pixels of alpha 0 are black: the PNG shrinks to a third and does not leak the background."""
    rgba_u8 = np.empty((*alpha_u8.shape, 4), np.uint8)
    rgba_u8[..., :3] = rgb_u8
    rgba_u8[..., 3] = alpha_u8
    rgba_u8.view(np.uint32)[..., 0][alpha_u8 == 0] = 0
    return rgba_u8


def crop(pixels_u8: U8, box: Box) -> U8:
    return pixels_u8[box.top : box.bottom, box.left : box.right]


def target_size(width: int, height: int, target_width: int | None, target_height: int | None) -> tuple[int, int]:
    """Width and height of the canvas for a subject of this size; a side that is None keeps the shape, 1..3000 px."""
    if target_width and target_height:
        return target_width, target_height
    if target_width:
        return target_width, _derived(height * target_width / width)
    if target_height:
        return _derived(width * target_height / height), target_height
    return width, height


def _derived(side: float) -> int:
    return min(max(1, round(side)), MAX_DERIVED_SIDE_PX)


def fit_to_canvas(rgba_u8: U8, width: int, height: int) -> U8:
    """The picture (h, w, 4) scaled without distortion to fit a transparent (height, width, 4) canvas, centred.

    Resampling weights colours by alpha (Porter and Duff 1984), so no fringe appears.
    """
    source_height, source_width = rgba_u8.shape[:2]
    if (source_width, source_height) == (width, height):
        return rgba_u8
    scale = min(width / source_width, height / source_height)
    inner = (
        min(width, max(1, round(source_width * scale))),
        min(height, max(1, round(source_height * scale))),
    )
    # Pillow premultiplies an RGBA picture around a resize.
    image = Image.fromarray(np.ascontiguousarray(rgba_u8)).resize(inner, Image.Resampling.LANCZOS)
    canvas = np.zeros((height, width, 4), np.uint8)
    top, left = (height - inner[1]) // 2, (width - inner[0]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = np.asarray(image)
    canvas[canvas[..., 3] == 0] = 0
    return canvas


def put_on_colour(rgba_u8: U8, colour: tuple[int, int, int]) -> U8:
    """The picture (H, W, 3) over a plain colour, mixed in sRGB bytes as picture editors do."""
    alpha_u8 = rgba_u8[..., 3]
    rgb_u8 = np.array(rgba_u8[..., :3])
    rgb_u8[alpha_u8 == 0] = colour
    at = np.nonzero((alpha_u8 > 0) & (alpha_u8 < _OPAQUE))
    alpha = alpha_u8[at].astype(np.uint32)[:, None]
    mixed = rgb_u8[at] * alpha + np.asarray(colour, np.uint32) * (255 - alpha)
    rgb_u8[at] = (mixed + 127) // 255
    return rgb_u8
