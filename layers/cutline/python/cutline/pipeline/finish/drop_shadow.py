"""A contact shadow drawn from the subject's lower edge."""

from __future__ import annotations

from math import ceil, radians, tan

import numpy as np
from PIL import Image

from cutline.pipeline.filters import F32, U8, Bool, box_mean, fit_within, resize_f32, resize_u8
from cutline.pipeline.finish.options import Shadow

OPACITY = 0.55
# It is drawn at this size: all of it is soft.
SIDE_PX, _AROUND = 384, 0.1
_VISIBLE = np.float32(0.5)
# In units of the subject's size: how far above the floor an edge still throws a contact shadow, and the blur of both
# layers at a softness of 0.5.
_REACH, _CONTACT_BLUR, _CAST_BLUR = 0.3, 0.018, 0.07
# The cast layer is the lower half of the silhouette laid on the floor, of whose height this share is seen.
_LAID, _SEEN, _CAST = np.float32(0.5), 0.16, np.float32(0.6)
# What both may take around the subject's box, as a share of its longer side, without the shear.
_REACHED = 0.25


def draw_shadow(alpha_u8: U8, shadow: Shadow) -> U8:
    """The density (H, W) of a shadow for a subject with this alpha (H, W) on its canvas: 255 lets no light through.

    Two layers: a narrow dark one along the lowest edge of each column, and the silhouette laid on the floor, sheared
    by `angle`. What falls beyond the canvas is cut.
    """
    height, width = alpha_u8.shape
    small_u8 = resize_u8(alpha_u8, *fit_within(width, height, SIDE_PX), Image.Resampling.BOX)
    # A box mean's window shrinks at the border, and would leave more there than beyond it.
    around = max(1, round(_AROUND * max(small_u8.shape)))
    alpha = np.pad(small_u8, around).astype(np.float32) / np.float32(255)
    solid = alpha > _VISIBLE
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if len(rows) == 0:
        return np.zeros((height, width), np.uint8)
    floor = int(rows[-1]) + 1
    # A bottle is no wider a thing for being tall, nor a car a taller one for being long.
    unit = min(len(rows), len(columns) + len(rows) // 4, 2 * len(columns))
    blur = 0.3 + 1.4 * shadow.softness
    contact = np.minimum(_blurred(_contact(solid, floor, _REACH * unit), _CONTACT_BLUR * unit * blur), 1)
    cast = _blurred(_laid(alpha, floor, len(rows), shadow.angle), _CAST_BLUR * unit * blur)
    density = 1 - (1 - contact) * (1 - _CAST * cast)
    density *= 255 * (OPACITY if shadow.opacity is None else shadow.opacity)
    density = density[around:-around, around:-around]
    full = resize_f32(density.astype(np.float32), width, height, Image.Resampling.BILINEAR)
    return np.rint(np.clip(full, 0, 255)).astype(np.uint8)


def reach_of(width: int, height: int, shadow: Shadow) -> tuple[int, int]:
    """Return how far beyond a subject of this size its shadow may reach: above and below, and at either side."""
    around = max(1, round(_REACHED * max(width, height)))
    return around, around + ceil(float(_LAID) * height * tan(radians(abs(shadow.angle))))


def _contact(solid: Bool, floor: int, reach: float) -> F32:
    """A line (h, w) along the lowest edge of each column: 1 at the floor, 0 from `reach` pixels above it."""
    height, width = solid.shape
    lowest = height - 1 - np.argmax(solid[::-1], axis=0)
    near = np.clip(1 - (floor - 1 - lowest) / max(1.0, reach), 0, 1)
    weight = np.where(solid.any(axis=0), near * near, 0).astype(np.float32)
    line, columns = np.zeros(solid.shape, np.float32), np.arange(width)
    thick = max(1, round(0.05 * reach))
    for step in range(-thick, thick + 1):
        rows = np.clip(lowest + step, 0, height - 1)
        line[rows, columns] = np.maximum(line[rows, columns], weight)
    return line


def _laid(alpha: F32, floor: int, length: int, angle: float) -> F32:
    """The lower part of a silhouette `length` px high laid on the floor (h, w), half as deep before it as behind."""
    height, width = alpha.shape
    above = floor - np.float32(0.5) - np.arange(height, dtype=np.float32)
    up = np.where(above >= 0, above, -2 * above) / np.float32(_SEEN)
    rows = np.clip(np.rint(floor - 1 - up), 0, height - 1).astype(np.intp)
    shift = np.rint(np.maximum(above, 0) * tan(radians(angle)) / _SEEN).astype(np.intp)
    columns = np.arange(width) - shift[:, None]
    fades = np.clip(1 - up / np.maximum(1, _LAID * length), 0, 1)[:, None]
    inside = (columns >= 0) & (columns < width)
    laid = alpha[rows[:, None], np.clip(columns, 0, width - 1)] * fades
    return np.where(inside, laid, 0).astype(np.float32)


def _blurred(plane: F32, radius: float) -> F32:
    """Three box means, which come near a Gaussian."""
    whole = max(1, round(radius))
    return box_mean(box_mean(box_mean(plane, whole), whole), max(1, whole // 2))
