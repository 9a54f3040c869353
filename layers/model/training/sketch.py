"""Shapes drawn by chance, binary and without colour: holes, bars, handles, strands. Needs no PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

QUARTER_TURNS = tuple(math.pi / 4 + k * math.pi / 2 for k in range(4))
Points = list[tuple[float, float]]
# How often a shackle is open, a mug's handle above it, a chair's legs tied by a rung; lower backs are none.
OPEN_SHARE = 0.15
ABOVE_SHARE = 0.3
RUNG_SHARE = 0.4
MIN_BACK = 0.08


class Sketch:
    """A binary drawing of `side` px that grows shape by shape; positions and lengths are shares of the side."""

    def __init__(self, rng: np.random.Generator, side: int) -> None:
        self.rng = rng
        self.side = side
        self.image = Image.new("L", (side, side), 0)
        self.pen = ImageDraw.Draw(self.image)
        # The part that is of another material: a shackle of steel, a seat of cloth.
        self.part = Image.new("L", (side, side), 0)

    def fill(self, points: Points, value: int = 255) -> None:
        """Fills a polygon, or with `value` 0 takes it away."""
        self.pen.polygon([(x * self.side, y * self.side) for x, y in points], fill=value)

    def stroke(self, points: Points, width: float) -> None:
        """Draws a line through `points`."""
        at = [(x * self.side, y * self.side) for x, y in points]
        self.pen.line(at, fill=255, width=max(1, round(width * self.side)), joint="curve")

    def begin_part(self) -> None:
        """Counts what is drawn so far as a part of another material than what follows."""
        self.part = self.image.copy()

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


def _turned(points: Points, centre: tuple[float, float], turn: float) -> Points:
    """Return `points`, relative to `centre`, turned and moved there."""
    cosine, sine = math.cos(turn), math.sin(turn)
    return [(centre[0] + x * cosine - y * sine, centre[1] + x * sine + y * cosine) for x, y in points]


def _arc(middle: tuple[float, float], radii: tuple[float, float], ends: tuple[float, float]) -> Points:
    """Return points along an elliptic arc between two angles."""
    return [
        (middle[0] + radii[0] * math.cos(angle), middle[1] + radii[1] * math.sin(angle))
        for angle in np.linspace(*ends, 40)
    ]


def padlock(sketch: Sketch) -> None:
    """Draw a padlock seen from any side: a shackle of steel over its body, closed or open."""
    rng, centre, turn = sketch.rng, sketch.somewhere(0.45), float(sketch.rng.normal(0, 0.8))
    half = float(rng.uniform(0.12, 0.26))
    height, reach, width = (
        half * float(rng.uniform(0.7, 1.2)),
        half * float(rng.uniform(0.45, 0.8)),
        float(rng.uniform(0.02, 0.06)),
    )
    rise = reach * float(rng.uniform(0.7, 2.2))
    leg = height * (0.3 if rng.random() < OPEN_SHARE else -0.5)
    shackle = [
        (-reach, -height * 0.5),
        *_arc((0, -height - rise * 0.3), (reach, rise * 0.7), (math.pi, math.tau)),
        (reach, -height - leg),
    ]
    sketch.stroke(_turned(shackle, centre, turn), width)
    sketch.begin_part()
    body = [(-half, -height), (half, -height), (half, height), (-half, height)]
    sketch.fill(_turned(body, centre, turn))


def mug(sketch: Sketch) -> None:
    """Draw a mug, a jug or a basket: a body that narrows, with one handle at a side or above."""
    rng, centre, turn = sketch.rng, sketch.somewhere(0.42), float(sketch.rng.normal(0, 0.12))
    half, height = (float(side) for side in rng.uniform(0.1, 0.22, 2))
    foot, width = half * float(rng.uniform(0.6, 1)), float(rng.uniform(0.008, 0.04))
    if rng.random() < ABOVE_SHARE:
        handle = _arc(
            (0, -height),
            (half * float(rng.uniform(0.6, 1)), height * float(rng.uniform(0.5, 1.4))),
            (math.pi, math.tau),
        )
    else:
        deep, long, low = (
            half * float(rng.uniform(0.5, 0.9)),
            height * float(rng.uniform(0.45, 0.8)),
            float(rng.uniform(-0.2, 0.1)),
        )
        # Both ends meet the body, which is narrower at the lower one.
        side = half + (foot - half) * min(1, (1 + low + long / height) / 2)
        handle = _arc((side * 0.97, height * low), (deep, long), (-math.pi / 2, math.pi / 2))
    sketch.stroke(_turned(handle, centre, turn), width)
    body = [(-half, -height), (half, -height), (foot, height), (-foot, height)]
    sketch.fill(_turned(body, centre, turn))


def chair(sketch: Sketch) -> None:
    """Draw a chair or stool: thin legs with rungs, a seat, and a back of a frame with slats or without."""
    rng, centre = sketch.rng, sketch.somewhere(0.45)
    half, back, legs = (float(rng.uniform(*span)) for span in ((0.13, 0.26), (0.0, 0.38), (0.14, 0.32)))
    lean, width = float(rng.normal(0, 0.05)), float(rng.uniform(0.008, 0.03))
    depth = float(rng.uniform(0.03, 0.1))
    x, y = centre
    for side in (-1, -0.5, 0.55, 1):
        # The two inner legs are the rear ones: they end higher.
        end = legs if abs(side) == 1 else legs * 0.85
        sketch.stroke([(x + side * half, y), (x + side * half * float(rng.uniform(0.9, 1.25)), y + end)], width)
    if rng.random() < RUNG_SHARE:
        sketch.stroke([(x - half, y + legs * 0.6), (x + half, y + legs * 0.6)], width * 0.7)
    if back > MIN_BACK:
        top = [(x - half * 0.9 + lean, y - back), (x + half * 0.9 + lean, y - back)]
        sketch.stroke([(x - half * 0.9, y), *top, (x + half * 0.9, y)], width * 1.3)
        slats = int(rng.integers(0, 8))
        for place in (np.arange(slats) + 1) / (slats + 1):
            if rng.random() < 1 / 2:
                across = x - half * 0.9 + 1.8 * half * float(place)
                sketch.stroke([(across + lean, y - back), (across, y)], width * 0.7)
            else:
                at = y - back * float(place)
                sketch.stroke(
                    [(x - half * 0.9 + lean * float(place), at), (x + half * 0.9 + lean * float(place), at)],
                    width * 0.7,
                )
    sketch.begin_part()
    sketch.fill(
        [
            (x - half, y),
            (x - half * 0.8, y - depth),
            (x + half * 0.8, y - depth),
            (x + half, y),
            (x + half, y + width),
            (x - half, y + width),
        ]
    )


# Photographs' masks fill holes more often than they lose anything else.
SHAPES: tuple[Callable[[Sketch], None], ...] = (
    *(lump, ring, ring, handled, bars, limbs, strands, rosette),
    *(padlock, padlock, mug, mug, chair, chair),
)
