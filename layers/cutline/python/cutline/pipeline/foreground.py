"""The subject's own colours along soft edges, without the old background shining through."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, log2

import numpy as np
import numpy.typing as npt
from PIL import Image

from cutline.pipeline.grids import F32, U8, Index, fit_within, resize_f32, resize_u8, sample_bilinear
from cutline.pipeline.refine import guide_side, strips

# Alpha bytes from here up count as opaque: their pixels keep the original bytes.
OPAQUE_FROM = 253
_EPSILON = np.float32(1e-5)
_STEP_DAMPING = np.float32(0.01)
_SMALL_SIDE_PX = 32
_SMALL_SWEEPS, _LARGE_SWEEPS = 10, 2
# Up to this side every pixel is solved; above it only soft ones, the rest keeps the coarser level's colours.
_DENSE_SIDE_PX = 64


def recover_foreground(rgb_u8: U8, alpha_u8: U8, guide_u8: U8 | None = None) -> None:
    """Replace, in place, the colours of soft pixels of `rgb_u8` (H, W, 3) by the subject's under `alpha_u8` (H, W).

    Multi-level estimation (Germer et al. 2020, arXiv:2006.14970) at the guide's size gives F and B; at full size each
    soft pixel takes one regularised least-squares step towards I = a F + (1 - a) B, so that its texture survives.
    Opaque pixels are not touched. Work and memory grow with the soft band, not with the picture.
    """
    height, width = alpha_u8.shape
    if not bool(((alpha_u8 > 0) & (alpha_u8 < OPAQUE_FROM)).any()):
        return
    if guide_u8 is None:
        guide_u8 = resize_u8(rgb_u8, *fit_within(width, height, guide_side(width, height)), Image.Resampling.BOX)
    small = resize_u8(alpha_u8, guide_u8.shape[1], guide_u8.shape[0], Image.Resampling.BOX)
    colours = estimate_colours(guide_u8.astype(np.float32) / 255, small.astype(np.float32) / 255)
    for rows in strips(height):
        strip_alpha = alpha_u8[rows]
        at: tuple[Index, Index] = np.nonzero((strip_alpha > 0) & (strip_alpha < OPAQUE_FROM))
        if len(at[0]) == 0:
            continue
        around = sample_bilinear(colours, at[0] + rows.start, at[1], (height, width))
        rgb_u8[rows][at] = _correct(rgb_u8[rows][at], strip_alpha[at], around)


def _correct(seen_u8: U8, alpha_u8: U8, around: F32) -> U8:
    """(N, 3) subject colours from the seen ones and the (N, 6) estimates of F and B around them."""
    alpha = (alpha_u8.astype(np.float32) / 255)[:, None]
    rest = 1 - alpha
    subject, behind = around[:, :3], around[:, 3:]
    residual = seen_u8.astype(np.float32) / 255 - alpha * subject - rest * behind
    subject = subject + residual * (alpha / (alpha * alpha + rest * rest + _STEP_DAMPING))
    return np.rint(np.clip(subject, 0, 1) * 255).astype(np.uint8)


def estimate_colours(rgb_f32: F32, alpha_f32: F32) -> F32:
    """F and B as (h, w, 6) in [0, 1], from colours (h, w, 3) and alpha (h, w), coarse to fine."""
    height, width = alpha_f32.shape
    pyramid = list(_pyramid(rgb_f32, alpha_f32))
    colours = np.zeros((1, 1, 6), np.float32)
    colours[0, 0, :3] = _weighted_mean(rgb_f32, alpha_f32)
    colours[0, 0, 3:] = _weighted_mean(rgb_f32, 1 - alpha_f32)
    for rgb, alpha in pyramid:
        colours = _stretch_nearest(colours, alpha.shape)
        sweeps = _SMALL_SWEEPS if max(alpha.shape) <= _SMALL_SIDE_PX else _LARGE_SWEEPS
        _sweep_level(colours, rgb, alpha, sweeps)
    return colours.reshape(height, width, 6)


def _weighted_mean(rgb: F32, weight: F32) -> F32:
    total = max(float(weight.sum()), 1e-6)
    mean: F32 = np.einsum("hwc,hw->c", rgb, weight) / np.float32(total)
    return mean


def _pyramid(rgb: F32, alpha: F32) -> Iterator[tuple[F32, F32]]:
    """Levels of round(w^(l/L)) by round(h^(l/L)), L = ceil(log2 max(w, h)), the last one being the input."""
    height, width = alpha.shape
    levels = max(1, ceil(log2(max(height, width, 2))))
    chain = [(rgb, alpha)]
    # Finest first, so that each level is averaged from the next finer one and not from the input.
    for level in range(levels - 1, -1, -1):
        h, w = round(height ** (level / levels)), round(width ** (level / levels))
        finer_rgb, finer_alpha = chain[-1]
        planes = [resize_f32(finer_rgb[..., c], w, h, Image.Resampling.BOX) for c in range(3)]
        chain.append((np.stack(planes, -1), resize_f32(finer_alpha, w, h, Image.Resampling.BOX)))
    return reversed(chain)


def _stretch_nearest(colours: F32, shape: tuple[int, ...]) -> F32:
    rows = np.arange(shape[0]) * colours.shape[0] // shape[0]
    columns = np.arange(shape[1]) * colours.shape[1] // shape[1]
    return np.ascontiguousarray(colours[rows[:, None], columns])


def _sweep_level(colours: F32, rgb: F32, alpha: F32, sweeps: int) -> None:
    """Jacobi sweeps of the per-pixel 2x2 systems on `colours` (h, w, 6), in place.

    [a^2 + S, a(1-a); a(1-a), (1-a)^2 + S] [F; B] = [a I + sum d_j F_j; (1-a) I + sum d_j B_j],
    d_j = eps + |a - a_j| over the four neighbours, S = sum d_j.
    """
    height, width = alpha.shape
    flat_alpha, flat_rgb, flat = alpha.reshape(-1), rgb.reshape(-1, 3), colours.reshape(-1, 6)
    if max(height, width) > _DENSE_SIDE_PX:
        known_front, known_back = flat_alpha > 0.99, flat_alpha < 0.01
        flat[known_front, :3] = flat_rgb[known_front]
        flat[known_back, 3:] = flat_rgb[known_back]
        active: Index = np.flatnonzero(~(known_front | known_back))
    else:
        active = np.arange(flat_alpha.size)
    if len(active) == 0:
        return
    neighbours = _neighbours(active, height, width)
    a = flat_alpha[active]
    pulls = [_EPSILON + np.abs(a - flat_alpha[at]) for at in neighbours]
    strength = np.add.reduce(pulls)
    rest = 1 - a
    own = np.concatenate((a[:, None] * flat_rgb[active], rest[:, None] * flat_rgb[active]), axis=1)
    front, back, cross = a * a + strength, rest * rest + strength, a * rest
    scale = 1 / (front * back - cross * cross)
    front, back, cross = (front * scale)[:, None], (back * scale)[:, None], (cross * scale)[:, None]
    for _ in range(sweeps):
        right = own.copy()
        for pull, at in zip(pulls, neighbours, strict=True):
            right += pull[:, None] * flat[at]
        solved = np.concatenate(
            (back * right[:, :3] - cross * right[:, 3:], front * right[:, 3:] - cross * right[:, :3]), axis=1
        )
        flat[active] = np.clip(solved, 0, 1, out=solved)


def _neighbours(at: Index, height: int, width: int) -> tuple[npt.NDArray[np.intp], ...]:
    """Flat positions left, right, above and below; a pixel at the border is its own neighbour there."""
    column, row = at % width, at // width
    return (
        at - (column > 0),
        at + (column < width - 1),
        at - width * (row > 0),
        at + width * (row < height - 1),
    )
