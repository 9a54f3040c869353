"""A plane of values that spreads along colours and stops at edges: the random walker with a prior.

Minimises sum w_ij (x_i - x_j)^2 + sum p_i (x_i - t_i)^2 over the pixels of a small picture (Grady 2006, "Random walks
for image segmentation"; with a prior, Grady 2005), where w_ij is near 1 between pixels of like colours and near 0
across an edge. The system is solved by conjugate gradients, from the solution of half the size on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cutline.pipeline.filters import F32

# Steps per level; the coarser level's solution is close, and a label is decided at one half.
_STEPS, _COARSEST_STEPS = 24, 200
_COARSEST_SIDE_PX = 24
_HALF = np.float32(0.5)
_RESIDUE = 1e-9


@dataclass(frozen=True)
class Edges:
    """Weights between neighbours: across (h, w - 1) and down (h - 1, w), float32."""

    across: F32
    down: F32

    def degrees(self, shape: tuple[int, int]) -> F32:
        """The sum of the weights at each pixel (h, w)."""
        sums = np.zeros(shape, np.float32)
        sums[:, 1:] += self.across
        sums[:, :-1] += self.across
        sums[1:] += self.down
        sums[:-1] += self.down
        return sums

    def times(self, values: F32, diagonal: F32) -> F32:
        """The system's matrix times (h, w) values."""
        product = diagonal * values
        product[:, 1:] -= self.across * values[:, :-1]
        product[:, :-1] -= self.across * values[:, 1:]
        product[1:] -= self.down * values[:-1]
        product[:-1] -= self.down * values[1:]
        return product

    def halved(self) -> Edges:
        """The weights between squares of two by two pixels: half of what crosses their sides."""
        height, width = self.across.shape[0], self.down.shape[1]
        high, wide = (height + 1) // 2, (width + 1) // 2
        across, down = np.zeros((2 * high, wide - 1), np.float32), np.zeros((high - 1, 2 * wide), np.float32)
        across[:height] = self.across[:, 1::2][:, : wide - 1]
        down[:, :width] = self.down[1::2][: high - 1]
        return Edges((across[::2] + across[1::2]) * _HALF, (down[:, ::2] + down[:, 1::2]) * _HALF)


def edges_of(colours: F32, sharpness: float, floor: float) -> Edges:
    """The weights exp(-sharpness d^2 / mean d^2) + floor of a small picture (3, h, w), d its neighbours' distance."""
    across = ((colours[:, :, 1:] - colours[:, :, :-1]) ** 2).sum(0)
    down = ((colours[:, 1:] - colours[:, :-1]) ** 2).sum(0)
    mean = (float(across.sum()) + float(down.sum())) / max(1, across.size + down.size) + 1e-6
    scale, least = np.float32(-sharpness / mean), np.float32(floor)
    return Edges(np.exp(across * scale) + least, np.exp(down * scale) + least)


def random_walk(edges: Edges, pull: F32, right: F32) -> F32:
    """The values x (h, w); pull: how strongly each pixel holds to its target (h, w), right: pull times target."""
    height, width = pull.shape
    if min(height, width) > 1 and max(height, width) > _COARSEST_SIDE_PX:
        coarse = random_walk(edges.halved(), _halved(pull), _halved(right))
        start = np.repeat(np.repeat(coarse, 2, axis=0), 2, axis=1)[:height, :width].copy()
        return _descend(edges, pull, right, start, _STEPS)
    return _descend(edges, pull, right, np.full(pull.shape, _HALF), _COARSEST_STEPS)


def _halved(plane: F32) -> F32:
    """The sums (h / 2, w / 2) of two by two pixels."""
    padded = np.pad(plane, ((0, plane.shape[0] % 2), (0, plane.shape[1] % 2)))
    rows = padded[::2] + padded[1::2]
    return np.ascontiguousarray(rows[:, ::2] + rows[:, 1::2])


def _descend(edges: Edges, pull: F32, right: F32, values: F32, steps: int) -> F32:
    """Conjugate gradients with the diagonal as preconditioner, in place of `values`."""
    diagonal = edges.degrees(pull.shape) + pull
    inverse = np.reciprocal(diagonal + np.float32(1e-12))
    rest = right - edges.times(values, diagonal)
    scaled = inverse * rest
    step, size = scaled.copy(), float(np.vdot(rest, scaled))
    for _ in range(steps):
        if size < _RESIDUE:
            break
        product = edges.times(step, diagonal)
        length = np.float32(size / max(float(np.vdot(step, product)), 1e-20))
        values += length * step
        rest -= length * product
        scaled = inverse * rest
        last, size = size, float(np.vdot(rest, scaled))
        step *= np.float32(size / last)
        step += scaled
    return values
