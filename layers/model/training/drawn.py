"""Pictures drawn by chance whose alpha is known to a fraction of a pixel: holes, bars, handles, strands, soft outlines.

Photographs with such shapes come with masks that fill the holes or lose the strands, and teach just that.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

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
QUARTER_TURNS = tuple(math.pi / 4 + k * math.pi / 2 for k in range(4))
Points = list[tuple[float, float]]


class Sketch:
    """A binary drawing of `side` px that grows shape by shape; positions and lengths are shares of the side."""

    def __init__(self, rng: np.random.Generator, side: int) -> None:
        self.rng = rng
        self.side = side
        self.image = Image.new("L", (side, side), 0)
        self.pen = ImageDraw.Draw(self.image)

    def fill(self, points: Points, value: int = 255) -> None:
        """Fills a polygon, or with `value` 0 takes it away."""
        self.pen.polygon([(x * self.side, y * self.side) for x, y in points], fill=value)

    def stroke(self, points: Points, width: float) -> None:
        """Draws a line through `points`."""
        at = [(x * self.side, y * self.side) for x, y in points]
        self.pen.line(at, fill=255, width=max(1, round(width * self.side)), joint="curve")

    def outline(self, centre: tuple[float, float], radius: float) -> Points:
        """Return the corners of an ellipse, a rectangle or a lump around `centre`, at any angle."""
        stretch, turn = float(self.rng.uniform(0.5, 1.0)), float(self.rng.uniform(0, math.tau))
        kind = self.rng.random()
        waves = self.rng.normal(0, 0.16, 4) if kind > 2 / 3 else np.zeros(4)
        phases = self.rng.uniform(0, math.tau, 4)
        points = []
        for angle in np.linspace(0, math.tau, 120, endpoint=False):
            reach = radius * (1 + sum(w * math.cos((k + 2) * angle + phases[k]) for k, w in enumerate(waves)))
            if kind < 1 / 3:
                # A rectangle in polar form.
                reach *= 0.75 / max(abs(math.cos(angle)), abs(math.sin(angle)))
            x, y = reach * math.cos(angle), reach * stretch * math.sin(angle)
            points.append(
                (
                    centre[0] + x * math.cos(turn) - y * math.sin(turn),
                    centre[1] + x * math.sin(turn) + y * math.cos(turn),
                )
            )
        return points

    def somewhere(self, margin: float) -> tuple[float, float]:
        """Return a point at least `margin` from every side."""
        x, y = self.rng.uniform(margin, 1 - margin, 2)
        return float(x), float(y)


def shrunk(points: Points, centre: tuple[float, float], share: float) -> Points:
    """Move `points` towards `centre`."""
    return [(centre[0] + (x - centre[0]) * share, centre[1] + (y - centre[1]) * share) for x, y in points]


def lump(sketch: Sketch) -> None:
    """Draw one thing, with up to three holes in it."""
    centre, radius = sketch.somewhere(0.35), float(sketch.rng.uniform(0.15, 0.36))
    sketch.fill(sketch.outline(centre, radius))
    for _ in range(int(sketch.rng.integers(0, 4))):
        angle, away = sketch.rng.uniform(0, math.tau), sketch.rng.uniform(0.2, 0.6) * radius
        hole = (centre[0] + float(away * math.cos(angle)), centre[1] + float(away * math.sin(angle)))
        sketch.fill(sketch.outline(hole, float(sketch.rng.uniform(0.08, 0.25)) * radius), 0)


def ring(sketch: Sketch) -> None:
    """Draw a ring or frame, thick or thin."""
    centre = sketch.somewhere(0.4)
    points = sketch.outline(centre, float(sketch.rng.uniform(0.2, 0.42)))
    sketch.fill(points)
    sketch.fill(shrunk(points, centre, float(sketch.rng.uniform(0.3, 0.92))), 0)


def handled(sketch: Sketch) -> None:
    """Draw a body with one or two handles, as of a cup or a bag."""
    centre, radius = sketch.somewhere(0.4), float(sketch.rng.uniform(0.15, 0.25))
    for _ in range(int(sketch.rng.integers(1, 3))):
        angle = float(sketch.rng.uniform(0, math.tau))
        at = (centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle))
        handle = sketch.outline(at, radius * float(sketch.rng.uniform(0.5, 0.95)))
        sketch.stroke([*handle, *handle[:2]], float(sketch.rng.uniform(0.006, 0.04)))
    sketch.fill(sketch.outline(centre, radius))


def bars(sketch: Sketch) -> None:
    """Draw parallel bars, some crossed by others, some held by a frame."""
    angle, gap = float(sketch.rng.uniform(0, math.tau)), float(sketch.rng.uniform(0.05, 0.16))
    width, reach = gap * float(sketch.rng.uniform(0.08, 0.5)), float(sketch.rng.uniform(0.2, 0.42))
    middle = sketch.somewhere(0.45)
    for turn in (angle, angle + math.pi / 2)[: int(sketch.rng.integers(1, 3))]:
        along, across = (math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))
        for offset in np.arange(-reach, reach + 1e-6, gap):
            foot = (middle[0] + offset * across[0], middle[1] + offset * across[1])
            ends = [(foot[0] + sign * reach * along[0], foot[1] + sign * reach * along[1]) for sign in (-1, 1)]
            sketch.stroke(ends, width)
    if sketch.rng.random() < 1 / 3:
        half = reach + width
        corners = [(math.cos(angle + q) * half * 2**0.5, math.sin(angle + q) * half * 2**0.5) for q in QUARTER_TURNS]
        frame = [(middle[0] + x, middle[1] + y) for x, y in corners]
        sketch.stroke([*frame, frame[0]], width * 1.5)


def limbs(sketch: Sketch) -> None:
    """Draw a body on legs with arms, or a tree of sticks: segments of all widths that hang together."""
    ends = [sketch.somewhere(0.3)]
    for _ in range(int(sketch.rng.integers(4, 14))):
        foot = ends[int(sketch.rng.integers(len(ends)))]
        angle, reach = sketch.rng.uniform(0, math.tau), sketch.rng.uniform(0.1, 0.4)
        tip = (foot[0] + float(reach * math.cos(angle)), foot[1] + float(reach * math.sin(angle)))
        sketch.stroke([foot, tip], float(np.exp(sketch.rng.uniform(math.log(0.005), math.log(0.07)))))
        ends.append(tip)


def strands(sketch: Sketch) -> None:
    """Draw a head of hair: a lump with bent strands that leave it."""
    centre, radius = sketch.somewhere(0.4), float(sketch.rng.uniform(0.14, 0.28))
    sketch.fill(sketch.outline(centre, radius))
    length, bend = sketch.rng.uniform(0.2, 0.9) * radius, sketch.rng.normal(0, 0.8)
    for angle in sketch.rng.uniform(0, math.tau, int(sketch.rng.integers(40, 260))):
        reach, lean = length * sketch.rng.uniform(0.3, 1.0), bend + sketch.rng.normal(0, 0.3)
        points = []
        for share in (0.0, 0.5, 1.0):
            # Begun inside the lump, whatever its form.
            away, direction = 0.6 * radius + (0.4 * radius + reach) * share, angle + lean * share**2
            across, down = float(away * math.cos(direction)), float(away * math.sin(direction))
            points.append((centre[0] + across, centre[1] + down))
        sketch.stroke(points, float(sketch.rng.uniform(0.0012, 0.006)))


def rosette(sketch: Sketch) -> None:
    """Draw a sun, a flower or a cog: a solid body with rays, petals or teeth all round."""
    centre, radius = sketch.somewhere(0.42), float(sketch.rng.uniform(0.1, 0.24))
    reach, width = radius * float(sketch.rng.uniform(1.15, 1.7)), float(np.exp(sketch.rng.uniform(-5.8, -3)))
    count = int(sketch.rng.integers(6, 120))
    for angle in np.arange(count) * math.tau / count + sketch.rng.normal(0, 0.2 / count, count):
        tip = reach * float(sketch.rng.uniform(0.9, 1))
        across, down = math.cos(angle), math.sin(angle)
        sketch.stroke([centre, (centre[0] + tip * across, centre[1] + tip * down)], width)
    round_points = [(radius * math.cos(angle), radius * math.sin(angle)) for angle in np.linspace(0, math.tau, 90)]
    sketch.fill([(centre[0] + x, centre[1] + y) for x, y in round_points])


# Photographs' masks fill holes more often than they lose anything else.
SHAPES: tuple[Callable[[Sketch], None], ...] = (lump, ring, ring, ring, handled, handled, bars, limbs, strands, rosette)


def draw_alpha(rng: np.random.Generator, size: int) -> Tensor:
    """Draw the alpha (1, size, size) float32 of one shape, in [0, 1]; some are out of focus."""
    sketch = Sketch(rng, size * OVERSAMPLING)
    SHAPES[int(rng.integers(len(SHAPES)))](sketch)
    image = sketch.image
    if rng.random() < SOFT_SHARE:
        coarse = max(16, round(size / float(rng.uniform(4, 24))))
        image = image.resize((coarse, coarse), Image.Resampling.BOX).resize((size, size), Image.Resampling.BICUBIC)
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
    return torch.from_numpy(np.asarray(sketch.image.resize((size, size), Image.Resampling.BOX), np.float32)[None] / 255)


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
    alpha, colour = draw_alpha(rng, size), rng.random(3)
    if rng.random() < ALIKE_SHARE:
        # Half of them near black or near white, as products on a studio's background are.
        colour = rng.choice([colour, rng.uniform(0, 0.15, 3), rng.uniform(0.85, 1, 3)], p=[0.5, 0.25, 0.25])
        step = rng.choice([-1, 1]) * rng.uniform(0.06, 0.16)
        background = surface(rng, np.clip(colour + step + rng.normal(0, 0.02, 3), 0, 1), size)
        return _over(surface(rng, colour, size), background, alpha), alpha
    front = piece(rng, photographs, size) if rng.random() < PHOTOGRAPH_SHARE else surface(rng, colour, size)
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
