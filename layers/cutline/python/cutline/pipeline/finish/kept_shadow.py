"""The photograph's own shadow, as a layer that darkens what is under it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from cutline.pipeline.filters import F32, U8, Bool, box_mean, fit_within, grow, resize_u8
from cutline.pipeline.finish.surface import Surface, fit_surface
from cutline.pipeline.matting.components import label_components

# Shadows are found at this size; their edges are refined at the picture's.
_SIDE_PX = 320
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_VISIBLE = 4
# Pixels next to the subject show some of it; this share of the longer side is left out.
_RIM = 0.005
# Standard deviations of the background's noise at which a shadow begins and from which it is one, and the least of
# the latter as a share of the light.
_BEGINS, _CERTAIN, _MIN_CERTAIN = 2.0, 4.5, 0.025
# How far the channels' shares of light may differ: coloured light and reflections. Of a dark shadow by more.
_MAX_SPREAD, _SPREAD_OF_DENSITY = 0.10, 0.25
# A background with more noise has a texture, and so has one of which this share is neither surface nor shadow.
_MAX_NOISE, _MAX_ROUGH, _ROUGH_FROM, _ROUGH_NOISE = 0.02, 0.02, 0.05, 4.0
# The light that a shadow takes away in all, in pixels of the subject, and at its darkest: less is none.
_MIN_MASS, _MIN_PEAK = 0.002, 0.04
# Distance from the subject's box, in its longer side, at which a shadow begins to fade, and where it ends.
_FADES, _ENDS = 0.4, 1.1
# Of the guided filter at the reduced size, and how much darker than the filtered shadow its sharpened form may be.
_GUIDE_RADIUS, _SHARPER, _SLACK = 2, np.float32(2), np.float32(5)
_WHITE, _BAND_PX = np.float32(255), 1 << 20


def keep_shadow(rgb_u8: U8, alpha_u8: U8, covered_u8: U8) -> U8 | None:
    """The density (H, W) of the subject's shadow, 255 where it takes all light; None where none can be kept.

    rgb_u8: (H, W, 3), the photograph at least where alpha_u8 (H, W) is 0; covered_u8: alpha of all that is not
    background. A smooth surface is fitted to the background; a shadow is what is darker than it by the same share in
    all channels and connected to the subject. A background with a texture keeps none. Reflections count as far as
    they are darker than the surface.
    """
    height, width = alpha_u8.shape
    size = fit_within(width, height, _SIDE_PX)
    photo = resize_u8(rgb_u8, *size, Image.Resampling.BOX).astype(np.float32).transpose(2, 0, 1) / np.float32(255)
    subject = resize_u8(alpha_u8, *size, Image.Resampling.BOX) > _VISIBLE
    covered = resize_u8(covered_u8, *size, Image.Resampling.BOX) > _VISIBLE
    if not subject.any():
        return None
    rim = max(1, round(_RIM * max(size)))
    free = ~grow(covered, rim)
    surface = fit_surface(photo, free)
    if surface is None or surface.noise > _MAX_NOISE:
        return None
    density = _density(photo, surface, free, grow(subject, rim + 1))
    if density is None:
        return None
    density *= _near(subject)
    if density.max() < _MIN_PEAK or density.sum() < _MIN_MASS * subject.sum():
        return None
    return _refined(rgb_u8, alpha_u8, density, _luma(photo), free, surface.noise)


def _luma(planes: F32) -> F32:
    """Rec. 601 luma (h, w), which Pillow's "L" is too."""
    return np.tensordot(_LUMA, planes, 1).astype(np.float32)


def _density(photo: F32, surface: Surface, free: Bool, start: Bool) -> F32 | None:
    """The share of light that is missing (h, w), where that is a shadow connected to `start`; None on a texture."""
    weight = np.maximum(box_mean(free.astype(np.float32), 1), np.float32(1e-3))
    missing = np.where(free, 1 - _luma(photo) / _luma(surface.planes), 0).astype(np.float32)
    missing = (box_mean(missing, 1) / weight).astype(np.float32)
    shares = photo / surface.planes
    spread = shares.max(axis=0) - shares.min(axis=0)
    neutral = spread < _MAX_SPREAD + _SPREAD_OF_DENSITY * np.maximum(missing, 0)
    begins, certain = _BEGINS * surface.noise, max(_MIN_CERTAIN, _CERTAIN * surface.noise)
    dark = free & neutral & (missing > begins)
    labels, areas = label_components(dark | start)
    joined = np.zeros(len(areas) + 1, np.bool_)
    joined[labels[start]] = True
    shadow = dark & joined[labels]
    beyond = free & ~grow(shadow, 2)
    rough = beyond & ((np.abs(missing) > max(_ROUGH_FROM, _ROUGH_NOISE * surface.noise)) | ~neutral)
    if rough.sum() > _MAX_ROUGH * free.sum():
        return None
    return np.where(shadow, missing * _ramp(missing, begins, certain), 0).clip(0, 1).astype(np.float32)


def _near(subject: Bool) -> F32:
    """1 (h, w) near the box of the subject, falling to 0."""
    rows, columns = np.flatnonzero(subject.any(axis=1)), np.flatnonzero(subject.any(axis=0))
    away = [
        np.maximum(0, np.maximum(at[0] - np.arange(side), np.arange(side) - at[-1]))
        for at, side in zip((rows, columns), subject.shape, strict=True)
    ]
    longer = max(len(rows), len(columns))
    return _ramp(-np.hypot(away[0][:, None], away[1][None, :]), -_ENDS * longer, -_FADES * longer)


def _ramp(values: npt.NDArray[Any], low: float, high: float) -> F32:
    """A smooth step from 0 at `low` to 1 at `high`."""
    share = np.clip((values - low) / (high - low), 0, 1).astype(np.float32)
    return share * share * (3 - 2 * share)


def _refined(rgb_u8: U8, alpha_u8: U8, density: F32, luma: F32, free: Bool, noise: float) -> U8:
    """The density (H, W) at the picture's size, by a fast guided filter (He and Sun 2015, arXiv:1505.00996).

    `density = a luma + b` around each free pixel of the reduced picture; the coefficients are enlarged and applied to
    the picture's own luma, in bands of rows. Under soft alpha, whose colours are the subject's, the density stays
    smooth.
    """
    height, width = alpha_u8.shape
    a, b, smooth = _coefficients(density, luma, free, noise)
    reached = np.flatnonzero((smooth > 1).any(axis=1))
    scale = height / len(smooth)
    first, last = int(max(0, reached[0] - 1) * scale), min(height, int((reached[-1] + 2) * scale) + 1)
    full = np.zeros(alpha_u8.shape, np.uint8)
    rows = max(1, _BAND_PX // width)
    for top in range(first, last, rows):
        band = slice(top, min(top + rows, last))
        light = np.asarray(Image.fromarray(rgb_u8[band]).convert("L"), np.float32)
        enlarged = _enlarged(smooth, band, alpha_u8.shape)
        sharp = _enlarged(a, band, alpha_u8.shape)
        sharp *= light
        sharp += _enlarged(b, band, alpha_u8.shape)
        np.minimum(sharp, enlarged * _SHARPER + _SLACK, out=sharp)
        np.copyto(sharp, enlarged, where=alpha_u8[band] > 0)
        np.clip(sharp, 0, _WHITE, out=sharp)
        full[band] = np.rint(sharp, out=sharp)
    return full


def _coefficients(density: F32, luma: F32, free: Bool, noise: float) -> tuple[F32, F32, F32]:
    """a, b and the mean density, each (h, w) and for bytes, from the free pixels around each pixel."""
    weight = free.astype(np.float32)
    count = np.maximum(box_mean(weight, _GUIDE_RADIUS), np.float32(1e-6))
    of_luma, of_density, of_both, of_square = (
        (box_mean(plane * weight, _GUIDE_RADIUS) / count).astype(np.float32)
        for plane in (luma, density, luma * density, luma * luma)
    )
    variance = np.maximum(of_square - of_luma * of_luma, 0) + np.float32((2 * noise) ** 2)
    slope = ((of_both - of_luma * of_density) / variance).astype(np.float32)
    offset = of_density - slope * of_luma
    known = (count > np.float32(1e-4)).astype(np.float32)
    count = np.maximum(box_mean(known, _GUIDE_RADIUS), np.float32(1e-6))
    a, b, smooth = (
        (box_mean(plane * known, _GUIDE_RADIUS) / count).astype(np.float32) for plane in (slope, offset, of_density)
    )
    return a, b * _WHITE, smooth * _WHITE


def _enlarged(plane: F32, band: slice, shape: tuple[int, int]) -> F32:
    """The rows `band` of a plane (h, w) enlarged to `shape`."""
    height, width = shape
    scale = plane.shape[0] / height
    box = (0, band.start * scale, plane.shape[1], band.stop * scale)
    size = width, band.stop - band.start
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.array(image.resize(size, Image.Resampling.BILINEAR, box=box), np.float32)
