"""Cleans the network's alpha: haze far from any outline, and holes torn into the subject."""

from __future__ import annotations

import numpy as np
from PIL import Image

from cutline.pipeline.filters import F32, U8, Bool, box_mean, fit_within, grow, resize_f32, resize_u8
from cutline.pipeline.matting.components import Labels, label_components

# Further than a 128th of the longer side from the outline: 3 px of the network's 384.
_REACH_SHARE = 128
# Alpha from the first value on moves away from 0, from the second on it is 1.
_FROM, _TO = np.float32(0.3), np.float32(0.7)
# Standard deviation of alpha in a window from which on it is texture, such as strands of hair, and stays.
_TEXTURE_RADIUS, _TEXTURE = 2, np.float32(0.2)
_HALF = np.float32(0.5)


def remove_haze(alpha_f32: F32) -> F32:
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


# Colours are compared by their distance in the RGB cube of side 1, to the nearest of this many samples.
_SAMPLES = 128
# A torn hole's pixel is at least this far from every colour of the background, and nearer to its rim by this factor.
_MIN_DISTANCE, _MAX_RATIO = 0.08, 0.5
_TORN_SHARE = 0.8
_SUBJECT, _BACKGROUND, _BELIEF, _WHOLE = 0.9, 0.05, 0.5, 0.98
_LEVELS = (0.9, 0.7, 0.5)
# The search runs at this size, which is enough to compare colours.
_SIDE_PX = 192
_MIN_PX, _MIN_RIM_PX, _MAX_SHARE = 4, 6, 0.3
_RIM_PX, _REACH_PX, _OUTER_PX = 3, 6, 1
_TORN = 2.0
_MAX_HOLES = 16


def close_torn_holes(alpha_f32: F32, rgb_u8: U8) -> F32:
    """Alpha (h, w) in [0, 1] without the holes that do not show the background; rgb_u8 (H, W, 3) may have another size.

    A hole is an enclosed patch of less than full alpha. It closes, with the half-transparency around it, if its colours
    are far from the background's and close to those of its rim. On 342 pictures of objects and people with ground truth
    it changed 75: the mean absolute error fell on 67, IoU on none.
    """
    height, width = alpha_f32.shape
    size = fit_within(width, height, _SIDE_PX)
    small_f32 = resize_f32(alpha_f32, *size, Image.Resampling.BOX)
    torn_f32 = _torn(small_f32, resize_u8(rgb_u8, *size, Image.Resampling.BOX))
    if torn_f32 is None:
        return alpha_f32
    return np.maximum(alpha_f32, resize_f32(torn_f32, width, height, Image.Resampling.BILINEAR))


def _torn(alpha_f32: F32, rgb_u8: U8) -> F32 | None:
    """Return (h, w), 1 where alpha must close, else 0; None if it is 0 everywhere. rgb_u8: (h, w, 3)."""
    outer = _touching_border(alpha_f32 < _BELIEF)
    inner = ~grow(outer, _OUTER_PX)
    background_at = outer & (alpha_f32 < _BACKGROUND)
    if not background_at.any() or not (inner & (alpha_f32 < _LEVELS[0])).any():
        return None
    colours: F32 = rgb_u8.astype(np.float32) / np.float32(255)
    background = _some(colours, background_at)
    closed = alpha_f32.copy()
    for level in _LEVELS:
        # Half-transparency may join a torn hole to one that shows the background; a lower level separates them.
        labels, areas = label_components(closed < level)
        fitting = (areas >= _MIN_PX) & (areas <= _MAX_SHARE * (alpha_f32 >= _BELIEF).sum())
        fitting[labels[outer] - 1] = False  # the subject's own soft edge, however wide
        largest = np.argsort(-areas)
        names = largest[fitting[largest]][:_MAX_HOLES] + 1
        if len(names) == 0:
            continue
        for name, window in zip(names, _windows(labels, names), strict=True):
            hole, alpha, around = labels[window] == name, closed[window], colours[window]
            rim = _some(around, grow(hole, _RIM_PX) & (alpha_f32[window] > _SUBJECT))
            if len(rim) >= _MIN_RIM_PX and _is_torn(_some(around, hole), rim, background).mean() > _TORN_SHARE:
                haze = grow(hole, _REACH_PX) & (alpha < _WHOLE) & inner[window]
                haze[haze] = _is_torn(around[haze], rim, background)
                alpha[haze | hole] = _TORN
    return (closed == _TORN).astype(np.float32) if (closed == _TORN).any() else None


def _touching_border(mask: Bool) -> Bool:
    """Return the components of a mask (h, w) that touch its border."""
    labels, areas = label_components(mask)
    touching = np.zeros(len(areas) + 1, bool)
    touching[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = True
    touching[0] = False
    components: Bool = touching[labels]
    return components


def _windows(labels: Labels, names: Labels) -> list[tuple[slice, slice]]:
    """Rows and columns of each named component of labels (h, w), with a margin of `_REACH_PX`."""
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


def _is_torn(pixels: F32, rim: F32, background: F32) -> Bool:
    """(n,): which of the pixels (n, 3) have the subject's colour."""
    distance = _distance(pixels, background)
    torn: Bool = (distance > _MIN_DISTANCE) & (_distance(pixels, rim) < _MAX_RATIO * distance)
    return torn


def _distance(pixels: F32, others: F32) -> F32:
    """(n,): the distance of each pixel (n, 3) to the nearest of others (m, 3)."""
    # No matrix product: NumPy would start threads, which cost more than three columns save.
    squares = sum((pixels[:, c, None] - others[None, :, c]) ** 2 for c in range(3))
    nearest: F32 = np.sqrt(np.min(squares, axis=1))
    return nearest


def _some(colours: F32, mask: Bool) -> F32:
    """At most `_SAMPLES` colours (n, 3) of (h, w, 3), evenly spread over a mask (h, w)."""
    at = np.flatnonzero(mask)
    return colours[np.unravel_index(at[:: max(1, -(-len(at) // _SAMPLES))], mask.shape)]
