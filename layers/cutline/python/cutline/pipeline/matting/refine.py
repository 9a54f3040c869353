"""Guided upsampling: the network's small alpha at the picture's size, along the picture's own edges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from cutline.pipeline.filters import (
    F32,
    U8,
    Bool,
    Index,
    box_mean,
    fit_within,
    grow,
    resize_f32,
    resize_u8,
    sample_bilinear,
)

FLOOR, CEILING = 0.03, 0.97
_STRIP_PX = 1 << 18
# Radius of the regression's window in pixels of the small alpha: it must hold both sides of an edge blurred there.
_RADIUS_IN_ALPHA_PX = 3
_EPSILON = np.float32(3e-4)
# A fit counts from the first value of R squared on, fully from the second: below, texture explains alpha by chance.
_TRUST_FROM, _TRUST_TO = 0.55, 0.8
# Variance of alpha in a window: from the first value on its edge may be sharper than the small alpha shows, from the
# second on it is. The small alpha keeps shallower ramps unchanged.
_STEEP_FROM, _STEEP_TO = np.float32(0.065), np.float32(0.1)
# A line fitted to a blurred edge is too flat: at the colours of either side it gives .9 and .1 instead of 1 and 0.
_STEEPER = np.float32(1.3)
_HALF = np.float32(0.5)
_BYTE = np.float32(1 / 255)
# Least variance of alpha in a window that the regression explains; shallower ramps stay bicubic.
_MIN_VARIANCE = np.float32(0.01)
_SOFT_LOW, _SOFT_HIGH = 0.02, 0.98
_MAX_CORRECTION = 0.5
_MIN_TRUST = 0.02


@dataclass(frozen=True)
class EdgeModel:
    """Alpha as a local linear function of colour: alpha = gains . (rgb - 0.5) + offset, at guide size.

    coefficients: (5, h, w) float32: three gains, the offset, and the trust in [0, 1] that the fit deserves.
    soft: (h, w), where alpha may be soft.
    """

    coefficients: F32
    soft: Bool


def stretch_alpha(alpha_f32: F32) -> F32:
    """Alpha (h, w) in [0, 1] without the network's grey floor and ceiling: background becomes 0 and cloth 1."""
    stretched: F32 = np.clip((alpha_f32 - FLOOR) / np.float32(CEILING - FLOOR), 0.0, 1.0).astype(np.float32)
    return stretched


def guide_side(width: int, height: int) -> int:
    """Long side of the guide, the reduced picture for colour estimates: a quarter, at least 384, at most 1024 px.

    On known composites more pixels are not worth their cost: 384 of 1024 px give hair's colours a 7 times smaller
    error than the naive cut, twice the side 10 times at three times the cost.
    """
    return int(np.clip(max(width, height) // 4, 384, 1024))


def upsample_alpha(alpha_f32: F32, rgb_u8: U8, guide_u8: U8 | None = None) -> U8:
    """Alpha (H, W) at the picture's size from a small alpha (h, w) in [0, 1] that covers the whole picture.

    Fast guided filter with a colour guide (He, Sun and Tang 2013; He and Sun 2015, arXiv:1505.00996): the regression
    runs on a reduced picture, and its coefficients apply to the full-size colours where alpha is soft. Where colour
    does not explain alpha the result is bicubic; it differs from bicubic by at most 0.5.

    The regression runs at the small alpha's resolution: on known composites a finer guide narrows the window and adds
    no information. guide_u8: the reduced picture, if the caller has it. Memory: some 30 float planes of the small
    alpha's size and one strip of the picture.
    """
    height, width = rgb_u8.shape[:2]
    size = fit_within(width, height, max(alpha_f32.shape))
    guide_u8 = resize_u8(rgb_u8 if guide_u8 is None else guide_u8, *size, Image.Resampling.BOX)
    small_u8 = np.rint(alpha_f32 * 255).astype(np.uint8)
    alpha_u8: U8 = np.array(Image.fromarray(small_u8).resize((width, height), Image.Resampling.BICUBIC))
    model = fit_edges(alpha_f32, guide_u8)
    if model is not None:
        _apply_edges(model, rgb_u8, alpha_u8)
    return alpha_u8


def fit_edges(alpha_f32: F32, guide_u8: U8) -> EdgeModel | None:
    """Return the edge model of a small alpha (h, w) on a guide (gh, gw, 3), or None if no pixel is soft."""
    height, width = guide_u8.shape[:2]
    radius = max(2, round(_RADIUS_IN_ALPHA_PX * max(height, width) / max(alpha_f32.shape)))
    target: F32 = np.clip(resize_f32(alpha_f32, width, height, Image.Resampling.BICUBIC), 0, 1)
    soft = (target > _SOFT_LOW) & (target < _SOFT_HIGH)
    if not soft.any():
        return None
    soft = grow(soft, max(1, radius // 2))
    rows, columns = _bounds(np.flatnonzero(soft.any(1)), 3 * radius), _bounds(np.flatnonzero(soft.any(0)), 3 * radius)
    coefficients = np.zeros((5, height, width), np.float32)
    guide_f32 = guide_u8[rows, columns].transpose(2, 0, 1).astype(np.float32) / np.float32(255) - np.float32(0.5)
    coefficients[:, rows, columns] = _regress(guide_f32, target[rows, columns], radius)
    return EdgeModel(coefficients, soft & (coefficients[4] > _MIN_TRUST))


def _bounds(at: Index, margin: int) -> slice:
    """From the first to the last of some ascending positions, and a margin around them."""
    return slice(max(0, int(at[0]) - margin), int(at[-1]) + margin + 1)


def _regress(guide: F32, target: F32, radius: int) -> F32:
    """(5, h, w) smoothed coefficients of the ridge regression of `target` (h, w) on `guide` (3, h, w) per window."""
    pairs = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    planes = np.empty((14, *target.shape), np.float32)
    planes[:3], planes[3] = guide, target
    for number, (i, j) in enumerate(pairs):
        np.multiply(guide[i], guide[j], out=planes[4 + number])
    np.multiply(planes[:4], target, out=planes[10:])
    means = box_mean(planes, radius)
    mean_rgb, mean_target = means[:3], means[3]
    # S = cov(I, I) + eps E and c = cov(I, p), per pixel.
    spread = [means[4 + k] - mean_rgb[i] * mean_rgb[j] for k, (i, j) in enumerate(pairs)]
    for diagonal in (0, 3, 5):
        spread[diagonal] += _EPSILON
    shared = means[10:13] - mean_rgb * mean_target
    gains = _solve_symmetric(spread, shared)
    offset = mean_target - (gains * mean_rgb).sum(0)
    # R squared of the fit; a flat window has no variance to explain.
    variance = np.maximum(means[13] - mean_target * mean_target, 0)
    explained = (gains * shared).sum(0) / (variance + _MIN_VARIANCE)
    steep = np.clip((variance - _STEEP_FROM) / (_STEEP_TO - _STEEP_FROM), 0, 1)
    trust = steep * np.clip((explained - _TRUST_FROM) / (_TRUST_TO - _TRUST_FROM), 0, 1).astype(np.float32)
    slope = 1 + (_STEEPER - 1) * steep
    gains, offset = gains * slope, (offset - _HALF) * slope + _HALF
    return box_mean(np.concatenate((gains, offset[None], trust[None])), radius)


def _solve_symmetric(matrix: list[F32], right: F32) -> F32:
    """x (3, h, w) with M x = right, M given by its upper triangle xx, xy, xz, yy, yz, zz, by Cramer's rule."""
    xx, xy, xz, yy, yz, zz = matrix
    cxx, cxy, cxz = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
    cyy, cyz, czz = xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy
    scale = 1.0 / np.maximum(xx * cxx + xy * cxy + xz * cxz, np.float32(1e-14))
    first, second, third = right * scale
    return np.stack(
        (
            cxx * first + cxy * second + cxz * third,
            cxy * first + cyy * second + cyz * third,
            cxz * first + cyz * second + czz * third,
        )
    )


def strips(height: int, width: int) -> Iterator[slice]:
    """Slices of rows that cover the picture, of about 262,000 pixels: they bound the memory of band-wise work."""
    count = max(1, _STRIP_PX // width)
    return (slice(top, min(top + count, height)) for top in range(0, height, count))


def _apply_edges(model: EdgeModel, rgb_u8: U8, alpha_u8: U8) -> None:
    """Move `alpha_u8`, the bicubic alpha, towards the edge model in place."""
    height, width = alpha_u8.shape
    small = Image.fromarray(model.soft.view(np.uint8))
    soft = np.asarray(small.resize((width, height), Image.Resampling.NEAREST)).view(np.bool_)
    for rows in strips(height, width):
        at = np.flatnonzero(soft[rows])
        if len(at) == 0:
            continue
        *gains, offset, trust = sample_bilinear(model.coefficients, at, rows.start, (height, width))
        pixels, alphas = rgb_u8[rows].reshape(-1), alpha_u8[rows].reshape(-1)
        base = alphas[at].astype(np.float32) * _BYTE
        change, places = offset - base, 3 * at
        for gain in gains:
            change += gain * (pixels[places].astype(np.float32) * _BYTE - _HALF)
            places += 1
        alpha = base + trust * np.clip(change, -_MAX_CORRECTION, _MAX_CORRECTION, out=change)
        alphas[at] = np.rint(np.clip(alpha, 0, 1) * np.float32(255)).astype(np.uint8)
