"""The photographed background as a smooth surface, and how much it varies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from cutline.pipeline.filters import F32, Bool, box_mean, resize_f32

# The fit runs on a copy of about this many pixels a side, with powers of x and y up to this degree in all.
_FIT_SIDE_PX, _DEGREE, _ROUNDS = 80, 3, 12
# Where less of the picture is background, a surface is not known.
_MIN_FREE = 0.05
_WHOLLY = np.float32(0.98)
# Bytes are steps of 1/255, and JPEG adds as much: less is not measured.
_MIN_NOISE = 1.0 / 255
_MAD_TO_SIGMA = 1.4826
# How much faster the weight of a darker pixel falls.
_DARKER = np.float32(2.5)
# What the polynomial leaves over is followed within this share of the longer side, where it is within the noise.
_FOLLOWED, _WITHIN = 0.08, 3.0
_DARKEST = np.float32(0.02)


@dataclass(frozen=True)
class Surface:
    """planes: the background without what stands on it, (3, h, w) in 0..1; noise: the deviation of photograph / planes
    from 1, as a standard deviation, measured on the brighter side, where no shadow is."""

    planes: F32
    noise: float


def fit_surface(photo: F32, free: Bool) -> Surface | None:
    """Fit a smooth surface to a photograph (3, h, w) in 0..1 where `free` (h, w), or None where too little is free.

    A polynomial per channel by iteratively reweighted least squares (Holland and Welsch 1977), with Cauchy weights
    that fall faster for darker pixels: a shadow is always on that side. Then the local mean of what is left, of pixels
    near the polynomial only.
    """
    height, width = free.shape
    scale = min(1.0, _FIT_SIDE_PX / max(height, width))
    size = max(4, round(width * scale)), max(4, round(height * scale))
    used = resize_f32(free.astype(np.float32), *size, Image.Resampling.BOX) > _WHOLLY
    if used.mean() < _MIN_FREE:
        return None
    small = np.stack([resize_f32(plane, *size, Image.Resampling.BOX) for plane in photo])
    fitted = np.tensordot(_fit(small[:, used], _powers(*size)[:, used]), _powers(*size), 1)
    planes = np.stack([resize_f32(plane, width, height, Image.Resampling.BICUBIC) for plane in fitted])
    np.clip(planes, _DARKEST, 1, out=planes)
    ratio = photo.mean(axis=0) / planes.mean(axis=0)
    noise = _noise_of(ratio[free])
    near = free & (np.abs(ratio - 1) < _WITHIN * noise)
    radius = max(1, round(_FOLLOWED * max(height, width)))
    rest = box_mean(np.where(near, photo / planes - 1, 0).astype(np.float32), radius)
    planes *= 1 + rest / (box_mean(near.astype(np.float32), radius) + np.float32(0.1))
    return Surface(np.clip(planes, _DARKEST, 1), noise)


def _fit(values: F32, powers: F32) -> F32:
    """Coefficients (3, n) for values (3, N) at powers (n, N)."""
    count = len(powers)
    weights = np.ones(powers.shape[1], np.float32)
    coefficients = np.zeros((count, 3), np.float32)
    for turn in range(_ROUNDS):
        weighted = powers * weights
        normal = weighted @ powers.T + np.float32(1e-4) * np.eye(count, dtype=np.float32)
        coefficients = np.linalg.solve(normal, weighted @ values.T)
        rest = (values - coefficients.T @ powers).mean(axis=0)
        scale = max(_MIN_NOISE, _MAD_TO_SIGMA * float(np.median(np.abs(rest))))
        # Wider in the first round, so that a large shadow does not carry the fit along.
        scale *= 2 if turn == 0 else 1
        weights = 1 / (1 + np.square(np.where(rest < 0, _DARKER, 1) * rest / np.float32(scale)))
    return np.asarray(coefficients.T, np.float32)


def _powers(width: int, height: int) -> F32:
    """x^i y^j (n, height, width) for i + j up to the degree, x and y in -1..1."""
    x, y = (np.linspace(-1, 1, side, dtype=np.float32) for side in (width, height))
    pairs = [(i, j) for i in range(_DEGREE + 1) for j in range(_DEGREE + 1 - i)]
    return np.stack([np.outer(y**j, x**i) for i, j in pairs]).astype(np.float32)


def _noise_of(ratio: F32) -> float:
    """The standard deviation of the upper half around the median, each value counted up to 0.1."""
    middle = np.median(ratio)
    above = np.minimum(ratio[ratio >= middle] - middle, np.float32(0.1))
    return max(_MIN_NOISE, float(np.sqrt(np.mean(np.square(above)))))
