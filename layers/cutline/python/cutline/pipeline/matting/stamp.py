"""Extracts the ink of a seal or stamp from its page, without a network.

All measurements use the absorbed light, `1 - picture / page background`, so a shadow over the page changes nothing.
A pixel's darkness gives its amount of ink, at full resolution. Its colour tells the stamp's ink from black print. JPEG
stores colour at half the size and with noise, so colour is smoothed and taken in proportion to darkness, because faded
ink has little of both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from cutline.pipeline.filters import F32, U8, box_mean, fit_within, grow, resize_u8
from cutline.pipeline.matting.page_background import estimate_page_background, is_page, stretch
from cutline.pipeline.matting.refine import strips

MIN_SHARE, MAX_SHARE = 0.0005, 0.40
_ANALYSIS_SIDE_PX = 1024
# Least smoothed chroma of coloured ink: in YCbCr bytes, in standard deviations of the paper's noise, and least noise.
_MIN_CHROMA, _MIN_SIGMAS, _MIN_NOISE = 3.0, 4.0, 0.1
_HUE_BINS, _HUE_REACH = 72, 3
# Chroma direction (Cb, Cr) of vermilion; red wins over blue pen if it holds at least this share of the page's colour.
_RED = np.array([-0.35, 0.94], np.float32)
_RED_CONE, _RED_SHARE = 0.75, 0.25
# Saturation as a share of the ink's own: up to the first value it is print, from the second on ink.
_PRINT, _INK = 0.20, 0.45
# Least saturation of coloured ink; less is the fringe of black print.
_MIN_SATURATION = 0.08
# Least share of light that full ink absorbs, coloured or black, and the most alpha that the paper's grain may get.
_MIN_COLOURED_DARKNESS, _MIN_DARKNESS, _MAX_GRAIN = 0.045, 0.12, 0.10
# Radii of the windows that average a pixel's colour; and how much darker than full ink print is.
_NEAR_PX, _WIDE_PX = 1, 5
_DARKER_THAN_INK = 1.1
_DARK, _HALF = 0.15, 0.5
# ITU-R BT.601, full range: Cb and Cr from RGB bytes.
_CHROMA = np.array([[-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)


@dataclass(frozen=True)
class Ink:
    """An ink and where it is.

    absorbed: (3,) share of light that full ink absorbs; floor: alpha up to which a pixel is paper; page_background:
    (c, c, 3) in 0..255; ink_mask: (h, w) in [0, 1], 1 where a dark pixel is this ink. Both cover the whole picture.
    """

    absorbed: F32
    floor: float
    page_background: F32
    ink_mask: F32

    def alpha(self, absorbed: F32) -> F32:
        """Ink (h, w) in [0, 1] for absorbed light (h, w, 3), before the ink mask."""
        share = absorbed @ self.absorbed / np.float32(self.absorbed @ self.absorbed)
        alpha: F32 = np.clip((share - self.floor) / (1 - self.floor), 0, 1)
        return alpha


def extract_stamp(rgb_u8: U8) -> tuple[U8, U8] | None:
    """Colours (H, W, 3) and alpha (H, W) of a stamp's ink, or None if the picture holds no stamp.

    Alpha is the pixel's place on the line from paper to ink, `<1 - I/P, v> / |v|^2` with P the page background and v
    the light that the ink absorbs, times the ink mask, which excludes black print. None if ink covers less than 0.05 %
    or more than 40 % of the picture. Memory: the result and one strip of float planes.
    """
    ink = find_ink(rgb_u8)
    if ink is None:
        return None
    height, width = rgb_u8.shape[:2]
    alpha_u8 = np.empty((height, width), np.uint8)
    colour_u8 = np.zeros_like(rgb_u8)
    for rows in strips(height, width):
        page = stretch(ink.page_background, width, height, rows)
        seen = rgb_u8[rows].astype(np.float32)
        alpha = ink.alpha(1 - seen / page) * stretch(ink.ink_mask, width, height, rows)
        alpha_u8[rows] = np.rint(alpha * 255).astype(np.uint8)
        at = np.nonzero(alpha_u8[rows])
        a = alpha[at][:, None]
        # Below a quarter the division would turn the paper's noise into colour; faint ink takes the ink's own colour.
        unmixed = (seen[at] - (1 - a) * page[at]) / np.maximum(a, np.float32(0.05))
        weight = np.clip(a * 4, 0, 1)
        own = page[at] * (1 - ink.absorbed)
        colour_u8[rows][at] = np.rint(np.clip(weight * unmixed + (1 - weight) * own, 0, 255)).astype(np.uint8)
    return colour_u8, alpha_u8


def find_ink(rgb_u8: U8) -> Ink | None:
    """Return the dominant coloured ink of a page, red first, else its black ink, or None."""
    size = fit_within(rgb_u8.shape[1], rgb_u8.shape[0], _ANALYSIS_SIDE_PX)
    small = resize_u8(rgb_u8, *size, Image.Resampling.BOX).astype(np.float32)
    page = np.maximum(estimate_page_background(small), 1)
    absorbed = 1 - small / stretch(page, *size)
    return _coloured_ink(absorbed, page) or _black_ink(absorbed, page)


def _coloured_ink(absorbed: F32, page: F32) -> Ink | None:
    """Return the coloured ink in absorbed light (h, w, 3), or None if the dark pixels have no colour."""
    chroma = _chroma(_smooth(absorbed, _NEAR_PX))
    threshold = max(_MIN_CHROMA, _MIN_SIGMAS * _noise(chroma))
    axis = _dominant_axis(chroma, threshold)
    if axis is None:
        return None
    along = _along(chroma, axis)
    inked = along > threshold
    if inked.mean() < MIN_SHARE:
        return None
    core = along >= np.quantile(along[inked], 0.8)
    full = np.quantile(absorbed[core], 0.7, axis=0).astype(np.float32)
    darkness = float(full.max())
    if darkness < _MIN_COLOURED_DARKNESS or float(_along(_chroma(full), axis)) < _MIN_SATURATION * 255 * darkness:
        return None
    ink_mask = _ink_mask(absorbed, full, axis)
    return _unless_implausible(Ink(full, _floor(absorbed, full), page, ink_mask), absorbed)


def _ink_mask(absorbed: F32, full: F32, axis: F32) -> F32:
    """Return the ink mask (h, w) in [0, 1]: 1 where dark pixels nearby, or in a wider window, have the ink's colour.

    JPEG drops the colour of thin faint strokes, so the wider window restores it. It is not used next to print, which
    is darker than the ink, because there it would mix both.
    """
    own = float(_along(_chroma(full), axis)) / (255 * float(full.max()))
    low, high = _PRINT * own, _INK * own
    near = _smooth(absorbed, _NEAR_PX)
    along = _along(_chroma(near), axis)
    noise = _noise(_chroma(near))
    sure = _ramp(_saturation(along, near.max(axis=2)), low, high) * _ramp(along, noise, 2.5 * noise)
    darkness = absorbed @ full / np.float32(full @ full)
    dark = (darkness > _DARK).astype(np.float32)[..., None]
    wide = _smooth(np.concatenate([_chroma(absorbed), absorbed], axis=2) * dark, _WIDE_PX)
    likely = _ramp(_saturation(_along(wide[..., :2], axis), wide[..., 2:].max(axis=2)), low, high)
    printed = grow((darkness > _DARKER_THAN_INK) & (sure < _HALF), 2)
    ink_mask: F32 = np.where(printed, sure, np.maximum(sure, likely))
    return ink_mask


def _saturation(along: F32, darkness: F32) -> F32:
    """Colour in proportion to darkness (h, w)."""
    saturation: F32 = along / np.maximum(np.float32(255) * darkness, np.float32(1e-3))
    return saturation


def _black_ink(absorbed: F32, page: F32) -> Ink | None:
    """Return all dark pixels of a page without coloured ink, because black stamps and black print look alike."""
    if not is_page(page):
        return None
    darkness = absorbed.mean(axis=2)
    dark = darkness[darkness > _MIN_DARKNESS]
    if dark.size < MIN_SHARE * darkness.size:
        return None
    core = darkness >= np.quantile(dark, 0.6)
    full = np.median(absorbed[core], axis=0).astype(np.float32)
    ink_mask = np.ones_like(darkness)
    return _unless_implausible(Ink(full, _floor(absorbed, full), page, ink_mask), absorbed)


def _unless_implausible(ink: Ink, absorbed: F32) -> Ink | None:
    """Return the ink, or None if it covers too little of the page (dirt) or too much (no stamp)."""
    share = float((ink.alpha(absorbed) * ink.ink_mask > _HALF).mean())
    return ink if MIN_SHARE <= share <= MAX_SHARE else None


def _smooth(values: F32, radius: int) -> F32:
    """(h, w, c) averaged over a window of `radius`."""
    return np.moveaxis(box_mean(np.ascontiguousarray(np.moveaxis(values, 2, 0)), radius), 0, 2)


def _floor(absorbed: F32, full: F32) -> float:
    """Return the alpha that the paper's own grain reaches: one and a half standard deviations of its lighter half."""
    share = absorbed @ full / np.float32(full @ full)
    grain = share[share < 0]
    return 0.0 if grain.size == 0 else min(_MAX_GRAIN, 1.5 * float(np.sqrt(np.mean(grain**2))))


def _noise(chroma: F32) -> float:
    """Return the standard deviation of the paper's chroma, from its median: ink is the smaller part of a page."""
    return max(_MIN_NOISE, 1.4826 * float(np.median(np.abs(chroma))))


def _dominant_axis(chroma: F32, threshold: float) -> F32 | None:
    """Unit chroma direction (Cb, Cr) of the ink, or None if the page is grey."""
    strength = np.hypot(chroma[..., 0], chroma[..., 1])
    coloured = strength > threshold
    if coloured.mean() < MIN_SHARE:
        return None
    vectors, weights = chroma[coloured], strength[coloured]
    red = (vectors @ _RED) > _RED_CONE * weights
    if red.sum() >= MIN_SHARE * strength.size and weights[red].sum() > _RED_SHARE * weights.sum():
        vectors, weights = vectors[red], weights[red]
    hue = np.arctan2(vectors[:, 1], vectors[:, 0])
    bins = ((hue + np.pi) * (_HUE_BINS / (2 * np.pi))).astype(np.intp) % _HUE_BINS
    histogram = np.bincount(bins, weights=weights, minlength=_HUE_BINS)
    summed = sum(np.roll(histogram, shift) for shift in (-1, 0, 1))
    distance = np.abs((bins - int(np.argmax(summed)) + _HUE_BINS // 2) % _HUE_BINS - _HUE_BINS // 2)
    mean = vectors[distance <= _HUE_REACH].mean(axis=0)
    axis: F32 = (mean / max(float(np.hypot(*mean)), 1e-6)).astype(np.float32)
    return axis


def _chroma(absorbed: F32) -> F32:
    """Cb and Cr (..., 2), in bytes, of white light after absorption (..., 3)."""
    chroma: F32 = np.matmul(absorbed * np.float32(-255), _CHROMA.T, dtype=np.float32)
    return chroma


def _along(chroma: F32, axis: F32) -> F32:
    """Chroma along the ink's axis minus chroma across it, which excludes other inks."""
    along = chroma @ axis
    across = np.abs(chroma[..., 0] * axis[1] - chroma[..., 1] * axis[0])
    kept: F32 = along - np.maximum(across - np.abs(along), 0)
    return kept


def _ramp(values: F32, low: float, high: float) -> F32:
    ramp: F32 = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    return ramp
