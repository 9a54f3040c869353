"""Holes that the network tore into a subject, told from those through which one sees the ground by their colours."""

from __future__ import annotations

import numpy as np
from PIL import Image

from cutline.pipeline.components import Labels, label_blobs
from cutline.pipeline.filters import F32, U8, Bool, fit_within, grow, resize_f32, resize_u8

# Colours are compared as distances in the RGB cube of side 1, each pixel with the nearest of so many of either side.
_SAMPLES = 128
# A torn hole's pixel lies this far from every colour of the ground, and that much nearer to one of its rim's.
_LEAST_DISTANCE, _MOST_RATIO = 0.08, 0.5
_TORN_SHARE = 0.8
_SUBJECT, _GROUND, _BELIEF, _WHOLE = 0.9, 0.05, 0.5, 0.98
_LEVELS = (0.9, 0.7, 0.5)
# Looked for at this size, which is enough to tell colours by.
_SIDE_PX = 192
_LEAST_PX, _LEAST_RIM_PX, _MOST_SHARE = 4, 6, 0.3
_RIM_PX, _REACH_PX, _OUTER_PX = 3, 6, 1
_TORN = 2.0
_MOST_HOLES = 16


def close_torn_holes(alpha_f32: F32, rgb_u8: U8) -> F32:
    """Alpha (h, w) in [0, 1] without the holes that do not show the ground; rgb_u8 (H, W, 3) may have another size.

    A hole is an enclosed patch of less than full alpha. Where its colours are far from all that lies around the
    subject, and like the subject's around it, it is closed, and so is the half-transparency around it. Of 342
    pictures of objects and people with ground truth this changed 75: in 67 the mean absolute error fell, in none IoU.
    """
    height, width = alpha_f32.shape
    size = fit_within(width, height, _SIDE_PX)
    small_f32 = resize_f32(alpha_f32, *size, Image.Resampling.BOX)
    torn_f32 = _torn(small_f32, resize_u8(rgb_u8, *size, Image.Resampling.BOX))
    if torn_f32 is None:
        return alpha_f32
    return np.maximum(alpha_f32, resize_f32(torn_f32, width, height, Image.Resampling.BILINEAR))


def _torn(alpha_f32: F32, rgb_u8: U8) -> F32 | None:
    """1 where alpha (h, w) is to be closed, else 0; None where it is nowhere. rgb_u8: (h, w, 3)."""
    outer = _of_border(alpha_f32 < _BELIEF)
    inner = ~grow(outer, _OUTER_PX)
    ground_at = outer & (alpha_f32 < _GROUND)
    if not ground_at.any() or not (inner & (alpha_f32 < _LEVELS[0])).any():
        return None
    colours: F32 = rgb_u8.astype(np.float32) / np.float32(255)
    ground = _some(colours, ground_at)
    closed = alpha_f32.copy()
    for level in _LEVELS:
        # Fog may join a torn hole to one that shows the ground; at a lower level they come apart.
        labels, areas = label_blobs(closed < level)
        fitting = (areas >= _LEAST_PX) & (areas <= _MOST_SHARE * (alpha_f32 >= _BELIEF).sum())
        fitting[labels[outer] - 1] = False  # the subject's own soft edge, however wide
        largest = np.argsort(-areas)
        names = largest[fitting[largest]][:_MOST_HOLES] + 1
        for name, window in zip(names, _windows(labels, names), strict=True):
            hole, alpha, around = labels[window] == name, closed[window], colours[window]
            rim = _some(around, grow(hole, _RIM_PX) & (alpha_f32[window] > _SUBJECT))
            if len(rim) >= _LEAST_RIM_PX and _is_torn(_some(around, hole), rim, ground).mean() > _TORN_SHARE:
                fog = grow(hole, _REACH_PX) & (alpha < _WHOLE) & inner[window]
                fog[fog] = _is_torn(around[fog], rim, ground)
                alpha[fog | hole] = _TORN
    return (closed == _TORN).astype(np.float32) if (closed == _TORN).any() else None


def _of_border(mask: Bool) -> Bool:
    """The blobs of a mask (h, w) that touch its border."""
    labels, areas = label_blobs(mask)
    touching = np.zeros(len(areas) + 1, bool)
    touching[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = True
    touching[0] = False
    blobs: Bool = touching[labels]
    return blobs


def _windows(labels: Labels, names: Labels) -> list[tuple[slice, slice]]:
    """Rows and columns of each of the named blobs of labels (h, w) and of what lies within reach of it."""
    order = np.full(labels.max() + 1, -1)
    order[names] = np.arange(len(names))
    ranks = order[labels]
    flat = np.flatnonzero(ranks >= 0)
    found, sides = ranks.ravel()[flat], []
    for places in np.divmod(flat, labels.shape[1]):
        first, last = np.full(len(names), labels.size), np.full(len(names), -1)
        np.minimum.at(first, found, places)
        np.maximum.at(last, found, places)
        sides.append([slice(max(a - _REACH_PX, 0), b + _REACH_PX + 1) for a, b in zip(first, last, strict=True)])
    return list(zip(*sides, strict=True))


def _is_torn(pixels: F32, rim: F32, ground: F32) -> Bool:
    """Of pixels (n, 3), which are the subject's by colour (n,)."""
    apart = _distance(pixels, ground)
    torn: Bool = (apart > _LEAST_DISTANCE) & (_distance(pixels, rim) < _MOST_RATIO * apart)
    return torn


def _distance(pixels: F32, others: F32) -> F32:
    """Of each pixel (n, 3) to the nearest of others (m, 3)."""
    # Not by a matrix product: NumPy's starts threads, which cost more than three columns are worth.
    squares = sum((pixels[:, c, None] - others[None, :, c]) ** 2 for c in range(3))
    nearest: F32 = np.sqrt(np.min(squares, axis=1))
    return nearest


def _some(colours: F32, mask: Bool) -> F32:
    """Evenly chosen ones (n, 3) of colours (h, w, 3) under a mask (h, w), as many as are compared."""
    at = np.flatnonzero(mask)
    return colours[np.unravel_index(at[:: max(1, -(-len(at) // _SAMPLES))], mask.shape)]
