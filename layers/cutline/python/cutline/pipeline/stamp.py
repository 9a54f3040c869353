"""The ink of a seal or stamp, taken off its paper without a network.

Everything is measured in what the paper swallows: `1 - picture / paper`, so that a shadow over the page changes
nothing. How dark a pixel is tells how much ink it holds, sharply. Whether that is the stamp's ink or black print is
told by its colour, which JPEG keeps at half the size and noisily: it is judged smoothed, and in proportion to the
darkness, because faded ink has little of both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from cutline.pipeline.filters import F32, U8, box_mean, fit_within, grow, resize_u8
from cutline.pipeline.page_background import is_page, paper_map, stretch
from cutline.pipeline.refine import strips

LEAST_SHARE, MOST_SHARE = 0.0005, 0.40
_ANALYSIS_SIDE_PX = 1024
# Chroma in YCbCr bytes, smoothed, below which nothing is called coloured, and in units of the paper's own noise.
_LEAST_CHROMA, _LEAST_SIGMAS, _LEAST_NOISE = 3.0, 4.0, 0.1
_HUE_BINS, _HUE_REACH = 72, 3
# Chroma direction (Cb, Cr) of vermilion; red wins over blue pen where it has at least this share of its colour.
_RED = np.array([-0.35, 0.94], np.float32)
_RED_CONE, _RED_SHARE = 0.75, 0.25
# Colour in proportion to darkness, as a share of the ink's own: up to the first it is print, from the second on ink.
_PRINT, _INK = 0.20, 0.45
# Less colour than this, in proportion to darkness, is a fringe of black print and no coloured ink.
_LEAST_SATURATION = 0.08
# How much of the paper's light a full ink swallows at least, and how much the paper's grain may take for ink.
_LEAST_DARKNESS, _MOST_GRAIN = 0.12, 0.10
# How far around a pixel its colour is looked for, and how much darker than the full ink print is.
_NEAR_PX, _WIDE_PX = 1, 5
_DARKER_THAN_INK = 1.1
_DARK, _HALF = 0.15, 0.5
# ITU-R BT.601, full range: Cb and Cr from RGB bytes.
_CHROMA = np.array([[-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)


@dataclass(frozen=True)
class Ink:
    """What is needed to lift the ink off.

    swallowed: (3,) share of the paper's light that the full ink takes; floor: alpha up to which a pixel is paper;
    paper: (c, c, 3) in 0..255; gate: (h, w) in [0, 1], where what is dark is this ink. Both maps cover the picture.
    """

    swallowed: F32
    floor: float
    paper: F32
    gate: F32

    def alpha(self, swallowed: F32) -> F32:
        """Ink (h, w) in [0, 1] on paper that swallows (h, w, 3), before the gate."""
        share = swallowed @ self.swallowed / np.float32(self.swallowed @ self.swallowed)
        alpha: F32 = np.clip((share - self.floor) / (1 - self.floor), 0, 1)
        return alpha


def extract_stamp(rgb_u8: U8) -> tuple[U8, U8] | None:
    """Colours (H, W, 3) and alpha (H, W) of the ink of a stamp, or None where there is no stamp to find.

    Alpha is the pixel's place on the line from paper to ink, `<1 - I/P, v> / |v|^2` with v what the ink swallows, times
    the gate that keeps black print out. None where ink covers less than 0.05 % or more than 40 % of the picture.
    Memory: one strip of float planes beside the result.
    """
    ink = find_ink(rgb_u8)
    if ink is None:
        return None
    height, width = rgb_u8.shape[:2]
    alpha_u8 = np.empty((height, width), np.uint8)
    colour_u8 = np.zeros_like(rgb_u8)
    for rows in strips(height):
        paper = stretch(ink.paper, width, height, rows)
        seen = rgb_u8[rows].astype(np.float32)
        alpha = ink.alpha(1 - seen / paper) * stretch(ink.gate, width, height, rows)
        alpha_u8[rows] = np.rint(alpha * 255).astype(np.uint8)
        at = np.nonzero(alpha_u8[rows])
        a = alpha[at][:, None]
        # Below a quarter the division would amplify paper noise into colour; faint ink leans on the ink's own colour.
        lifted = (seen[at] - (1 - a) * paper[at]) / np.maximum(a, np.float32(0.05))
        weight = np.clip(a * 4, 0, 1)
        own = paper[at] * (1 - ink.swallowed)
        colour_u8[rows][at] = np.rint(np.clip(weight * lifted + (1 - weight) * own, 0, 255)).astype(np.uint8)
    return colour_u8, alpha_u8


def find_ink(rgb_u8: U8) -> Ink | None:
    """The dominant coloured ink of a page (red before any other), else its black ink, or None."""
    size = fit_within(rgb_u8.shape[1], rgb_u8.shape[0], _ANALYSIS_SIDE_PX)
    small = resize_u8(rgb_u8, *size, Image.Resampling.BOX).astype(np.float32)
    paper = np.maximum(paper_map(small), 1)
    swallowed = 1 - small / stretch(paper, *size)
    return _coloured_ink(swallowed, paper) or _black_ink(swallowed, paper)


def _coloured_ink(swallowed: F32, paper: F32) -> Ink | None:
    """The coloured ink on paper that swallows (h, w, 3), or None where what is dark has no colour."""
    chroma = _chroma(_smooth(swallowed, _NEAR_PX))
    threshold = max(_LEAST_CHROMA, _LEAST_SIGMAS * _noise(chroma))
    axis = _dominant_axis(chroma, threshold)
    if axis is None:
        return None
    along = _along(chroma, axis)
    inked = along > threshold
    if inked.mean() < LEAST_SHARE:
        return None
    core = along >= np.quantile(along[inked], 0.8)
    full = np.quantile(swallowed[core], 0.7, axis=0).astype(np.float32)
    darkness = float(full.max())
    if darkness < _LEAST_DARKNESS or float(_along(_chroma(full), axis)) < _LEAST_SATURATION * 255 * darkness:
        return None
    gate = _gate(swallowed, full, axis)
    return _judged(Ink(full, _floor(swallowed, full), paper, gate), swallowed)


def _gate(swallowed: F32, full: F32, axis: F32) -> F32:
    """Where (h, w) in [0, 1] what is dark has the ink's colour: looked at closely, and from further off as well.

    JPEG drops the colour of thin faint strokes, and the other dark pixels around tell it. Only around print, which is
    darker than the ink, that would be a guess.
    """
    own = float(_along(_chroma(full), axis)) / (255 * float(full.max()))
    low, high = _PRINT * own, _INK * own
    near = _smooth(swallowed, _NEAR_PX)
    along = _along(_chroma(near), axis)
    noise = _noise(_chroma(near))
    sure = _ramp(_saturation(along, near.max(axis=2)), low, high) * _ramp(along, noise, 2.5 * noise)
    darkness = swallowed @ full / np.float32(full @ full)
    dark = (darkness > _DARK).astype(np.float32)[..., None]
    wide = _smooth(np.concatenate([_chroma(swallowed), swallowed], axis=2) * dark, _WIDE_PX)
    likely = _ramp(_saturation(_along(wide[..., :2], axis), wide[..., 2:].max(axis=2)), low, high)
    printed = grow((darkness > _DARKER_THAN_INK) & (sure < _HALF), 2)
    gate: F32 = np.where(printed, sure, np.maximum(sure, likely))
    return gate


def _saturation(along: F32, darkness: F32) -> F32:
    """Colour in proportion to darkness (h, w)."""
    saturation: F32 = along / np.maximum(np.float32(255) * darkness, np.float32(1e-3))
    return saturation


def _black_ink(swallowed: F32, paper: F32) -> Ink | None:
    """All that is dark on a page without coloured ink: a black stamp cannot be told from black print."""
    if not is_page(paper):
        return None
    darkness = swallowed.mean(axis=2)
    dark = darkness[darkness > _LEAST_DARKNESS]
    if dark.size < LEAST_SHARE * darkness.size:
        return None
    core = darkness >= np.quantile(dark, 0.6)
    full = np.median(swallowed[core], axis=0).astype(np.float32)
    gate = np.ones_like(darkness)
    return _judged(Ink(full, _floor(swallowed, full), paper, gate), swallowed)


def _judged(ink: Ink, swallowed: F32) -> Ink | None:
    """The ink, unless it covers so little that it is dirt or so much that it is no stamp."""
    share = float((ink.alpha(swallowed) * ink.gate > _HALF).mean())
    return ink if LEAST_SHARE <= share <= MOST_SHARE else None


def _smooth(values: F32, radius: int) -> F32:
    """(h, w, c) averaged over what JPEG's halved colour blurs anyway, or more."""
    return np.moveaxis(box_mean(np.ascontiguousarray(np.moveaxis(values, 2, 0)), radius), 0, 2)


def _floor(swallowed: F32, full: F32) -> float:
    """The alpha that the paper's own grain reaches: one and a half standard deviations of its lighter half."""
    share = swallowed @ full / np.float32(full @ full)
    grain = share[share < 0]
    return 0.0 if grain.size == 0 else min(_MOST_GRAIN, 1.5 * float(np.sqrt(np.mean(grain**2))))


def _noise(chroma: F32) -> float:
    """The standard deviation of the paper's chroma, from its median: ink is the smaller part of a page."""
    return max(_LEAST_NOISE, 1.4826 * float(np.median(np.abs(chroma))))


def _dominant_axis(chroma: F32, threshold: float) -> F32 | None:
    """Unit chroma direction (Cb, Cr) of the ink, or None where all is grey."""
    strength = np.hypot(chroma[..., 0], chroma[..., 1])
    coloured = strength > threshold
    if coloured.mean() < LEAST_SHARE:
        return None
    vectors, weights = chroma[coloured], strength[coloured]
    red = (vectors @ _RED) > _RED_CONE * weights
    if red.sum() >= LEAST_SHARE * strength.size and weights[red].sum() > _RED_SHARE * weights.sum():
        vectors, weights = vectors[red], weights[red]
    hue = np.arctan2(vectors[:, 1], vectors[:, 0])
    bins = ((hue + np.pi) * (_HUE_BINS / (2 * np.pi))).astype(np.intp) % _HUE_BINS
    histogram = np.bincount(bins, weights=weights, minlength=_HUE_BINS)
    summed = sum(np.roll(histogram, shift) for shift in (-1, 0, 1))
    distance = np.abs((bins - int(np.argmax(summed)) + _HUE_BINS // 2) % _HUE_BINS - _HUE_BINS // 2)
    mean = vectors[distance <= _HUE_REACH].mean(axis=0)
    axis: F32 = (mean / max(float(np.hypot(*mean)), 1e-6)).astype(np.float32)
    return axis


def _chroma(swallowed: F32) -> F32:
    """(..., 2) Cb and Cr, in bytes, of what (..., 3) leaves of white light."""
    chroma: F32 = np.matmul(swallowed * np.float32(-255), _CHROMA.T, dtype=np.float32)
    return chroma


def _along(chroma: F32, axis: F32) -> F32:
    """Chroma along the ink's axis, less what lies across it, so that other inks do not count."""
    along = chroma @ axis
    across = np.abs(chroma[..., 0] * axis[1] - chroma[..., 1] * axis[0])
    kept: F32 = along - np.maximum(across - np.abs(along), 0)
    return kept


def _ramp(values: F32, low: float, high: float) -> F32:
    ramp: F32 = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    return ramp
