"""Pictures drawn by chance whose alpha is known to a fraction of a pixel: holes, bars, handles, strands, soft outlines.

Photographs with such shapes come with masks that fill the holes or lose the strands, and teach just that.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from training.sketch import SHAPES, Sketch

OVERSAMPLING = 2
SOFT_SHARE = 0.15
# How often subject and background have nearly one colour, and how often each shows a piece of a photograph.
ALIKE_SHARE = 0.35
PHOTOGRAPH_SHARE = 0.35
CELLS_SHARE = 0.12
# Renderings and retouched products have no grain at all.
GRAINLESS_SHARE = 0.4
# How often a piece of the subject looks otherwise: a plate's middle, a badge, a print. It is no hole.
INLAID_SHARE = 0.2
# How often there is only background, half of it with print: a page is no subject.
EMPTY_SHARE = 0.05
MAX_CELLS = 24


def draw_alpha(rng: np.random.Generator, size: int) -> tuple[Tensor, Tensor]:
    """Draw the alpha (1, size, size) float32 of one shape, in [0, 1], and of its part of another material.

    Some shapes are out of focus; they have no parts.
    """
    sketch = Sketch(rng, size * OVERSAMPLING)
    SHAPES[int(rng.integers(len(SHAPES)))](sketch)
    image = sketch.image
    if rng.random() < SOFT_SHARE:
        coarse = max(16, round(size / float(rng.uniform(4, 24))))
        image = image.resize((coarse, coarse), Image.Resampling.BOX).resize((size, size), Image.Resampling.BICUBIC)
        return _reduced(image, size), torch.zeros(1, size, size)
    return _reduced(image, size), _reduced(sketch.part, size)


def _reduced(image: Image.Image, size: int) -> Tensor:
    return torch.from_numpy(np.asarray(image.resize((size, size), Image.Resampling.BOX), np.float32)[None] / 255)


def surface(rng: np.random.Generator, colour: np.ndarray, size: int) -> Tensor:
    """Return (3, size, size) float32 in [0, 1]: `colour` (3,) with a slope of light and some texture."""
    coarse = 0.0 if rng.random() < GRAINLESS_SHARE else rng.uniform(0, 0.035)
    grain = rng.normal(0, coarse, (3, *rng.integers(8, 120, 2))).astype(np.float32)
    texture = torch.nn.functional.interpolate(torch.from_numpy(grain)[None], (size, size), mode="bilinear")[0]
    down, across = rng.normal(0, 0.08, 2)
    at = torch.linspace(-0.5, 0.5, size)
    light = float(down) * at.view(1, -1, 1) + float(across) * at.view(1, 1, -1)
    return (torch.from_numpy(colour.astype(np.float32)).view(3, 1, 1) + light + texture).clamp(0, 1)


def piece(rng: np.random.Generator, photographs: Tensor, size: int) -> Tensor:
    """Return (3, size, size) float32: a crop of one of `photographs` (R, 3, S, S) uint8."""
    whole = photographs[int(rng.integers(len(photographs)))]
    side = int(rng.integers(size // 4, size + 1))
    top, left = rng.integers(0, whole.shape[-1] - side + 1, 2)
    cut = whole[None, :, top : top + side, left : left + side].float() / 255
    return torch.nn.functional.interpolate(cut, (size, size), mode="bilinear")[0]


def cells(rng: np.random.Generator, size: int) -> Tensor:
    """Return (3, size, size) float32 of coloured patches: a background of many colours."""
    small = torch.from_numpy(rng.random((1, 3, *rng.integers(3, MAX_CELLS, 2))).astype(np.float32))
    mode = "nearest" if rng.random() < 1 / 2 else "bilinear"
    return torch.nn.functional.interpolate(small, (size, size), mode=mode)[0]


def written(rng: np.random.Generator, size: int) -> Tensor:
    """Draw the alpha (1, size, size) float32 of ink: rows of short strokes, as of print."""
    sketch = Sketch(rng, size * OVERSAMPLING)
    height, left = float(rng.uniform(0.015, 0.06)), float(rng.uniform(0.0, 0.2))
    for row in np.arange(rng.uniform(0, 0.2), rng.uniform(0.8, 1), height * float(rng.uniform(1.4, 3))):
        at = left
        while at < 1 - left:
            long = height * float(rng.uniform(0.3, 4))
            sketch.stroke([(at, float(row)), (at + long, float(row))], height * float(rng.uniform(0.2, 0.9)))
            at += long + height * float(rng.uniform(0.3, 1))
    return _reduced(sketch.image, size)


def inlaid(rng: np.random.Generator, front: Tensor, alpha: Tensor) -> Tensor:
    """Return `front` (3, S, S) with a patch of another colour somewhere on the subject."""
    size = alpha.shape[-1]
    inside = np.argwhere(alpha[0].numpy() > 1 / 2)
    if not len(inside):
        return front
    row, column = inside[int(rng.integers(len(inside)))] / size
    sketch = Sketch(rng, size)
    sketch.fill(sketch.outline((float(column), float(row)), float(rng.uniform(0.03, 0.2))))
    patch = torch.from_numpy(np.asarray(sketch.image, np.float32)[None] / 255)
    return _over(surface(rng, rng.random(3), size), front, patch)


def draw_empty(rng: np.random.Generator, size: int) -> Tensor:
    """Draw a picture (3, size, size) float32 without a subject: a plain, patched or printed background."""
    kind = rng.random()
    background = cells(rng, size) if kind < CELLS_SHARE else surface(rng, rng.random(3), size)
    return background if kind < 1 / 2 else _over(surface(rng, rng.random(3), size), background, written(rng, size))


def draw_picture(rng: np.random.Generator, photographs: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Draw one picture (3, size, size) and its alpha (1, size, size), both float32 in [0, 1].

    photographs: (R, 3, S, S) uint8, S of at least `size`, for surfaces and backgrounds.
    """
    if rng.random() < EMPTY_SHARE:
        return draw_empty(rng, size), torch.zeros(1, size, size)
    (alpha, part), colour = draw_alpha(rng, size), rng.random(3)
    if rng.random() < ALIKE_SHARE:
        # Half of them near black or near white, as products on a studio's background are.
        colour = rng.choice([colour, rng.uniform(0, 0.15, 3), rng.uniform(0.85, 1, 3)], p=[0.5, 0.25, 0.25])
        step = rng.choice([-1, 1]) * rng.uniform(0.06, 0.16)
        background = surface(rng, np.clip(colour + step + rng.normal(0, 0.02, 3), 0, 1), size)
        return _over(surface(rng, colour, size), background, alpha), alpha
    front = piece(rng, photographs, size) if rng.random() < PHOTOGRAPH_SHARE else surface(rng, colour, size)
    front = _over(surface(rng, rng.random(3), size), front, part)
    if rng.random() < INLAID_SHARE:
        front = inlaid(rng, front, alpha)
    kind = rng.random()
    if kind < PHOTOGRAPH_SHARE:
        background = piece(rng, photographs, size)
    elif kind < PHOTOGRAPH_SHARE + CELLS_SHARE:
        background = cells(rng, size)
    else:
        background = surface(rng, rng.random(3), size)
    return _over(front, background, alpha), alpha


def _over(front: Tensor, background: Tensor, alpha: Tensor) -> Tensor:
    return front * alpha + background * (1 - alpha)
