"""Dressed figures drawn by chance: smooth mannequins and cartoons, whose garments are known to the pixel.

Photographs of streets teach what cloth looks like; a catalogue's rendered figures have none of its folds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from training.drawn import OVERSAMPLING, piece, surface
from training.sketch import Points
from training.targets import COSTUME_CLASSES, OTHER_PERSON

NUMBERS = {name: number for number, name in enumerate(COSTUME_CLASSES)}
ROOM_SHARE = 0.5
COAT_SHARE, SKIRT_SHARE, HAT_SHARE, BAG_SHARE = 0.25, 0.3, 0.45, 0.5
SHADED_SHARE = 0.8


@dataclass(frozen=True)
class Layer:
    """One garment, or a piece of the body: where it lies (S, S) in [0, 1], its class and colour (3,)."""

    cover: np.ndarray
    number: int
    colour: np.ndarray


class Figure:
    """A standing figure of which each part is painted over the ones before; lengths are shares of the side."""

    def __init__(self, rng: np.random.Generator, side: int) -> None:
        self.rng = rng
        self.side = side
        self.layers: list[Layer] = []
        self.skin = np.array([0.95, 0.78, 0.68]) * rng.uniform(0.35, 1.05)
        self.tall = float(rng.uniform(0.7, 0.95))
        self.wide = self.tall * float(rng.uniform(0.13, 0.22))
        self.x = float(rng.uniform(0.4, 0.6))
        self.top = float(rng.uniform(0.02, max(0.03, 0.98 - self.tall)))
        stride = self.wide * float(rng.uniform(0.25, 0.6))
        self.feet = [self.at(-stride, 0.97), self.at(stride, 0.97)]
        self.hips = [self.at(-0.28 * self.wide, 0.52), self.at(0.28 * self.wide, 0.52)]
        self.shoulders = [self.at(-0.75 * self.wide, 0.25), self.at(0.75 * self.wide, 0.25)]
        self.hands = [self._hand(shoulder, side) for shoulder, side in zip(self.shoulders, (-1, 1), strict=True)]

    def at(self, right: float, down: float) -> tuple[float, float]:
        """Return the point `right` of the middle and at a share `down` of the height."""
        return self.x + right, self.top + down * self.tall

    def _hand(self, shoulder: tuple[float, float], side: int) -> tuple[float, float]:
        angle, reach = float(self.rng.uniform(0.05, 0.8)), 0.3 * self.tall
        return shoulder[0] + side * reach * math.sin(angle), shoulder[1] + reach * math.cos(angle)

    def paint(self, number: int, colour: np.ndarray, *parts: Points, width: float = 0.0) -> None:
        """Puts one layer over the others: filled polygons, or with a `width` thick lines with round ends."""
        image = Image.new("L", (self.side * OVERSAMPLING,) * 2, 0)
        pen, scale = ImageDraw.Draw(image), self.side * OVERSAMPLING
        for points in parts:
            at = [(x * scale, y * scale) for x, y in points]
            if width:
                pen.line(at, fill=255, width=max(1, round(width * scale)), joint="curve")
                reach = width * scale / 2
                for x, y in at:
                    pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=255)
            else:
                pen.polygon(at, fill=255)
        small = image.resize((self.side, self.side), Image.Resampling.BOX)
        self.layers.append(Layer(np.asarray(small, np.float32) / 255, number, colour))

    def ellipse(self, centre: tuple[float, float], across: float, down: float, share: float = 1.0) -> Points:
        """Return the corners of an ellipse, or of its upper `share` only."""
        angles = np.linspace(-math.pi / 2 - math.pi * share, -math.pi / 2 + math.pi * share, 60)
        return [(centre[0] + across * math.cos(a), centre[1] + down * math.sin(a)) for a in angles]

    def colour(self) -> np.ndarray:
        """Return a cloth's colour (3,), black and white more often than others."""
        any_, dark, light = self.rng.random(3), self.rng.uniform(0, 0.2, 3), self.rng.uniform(0.8, 1, 3)
        return np.asarray(self.rng.choice([any_, dark, light], p=[0.7, 0.15, 0.15]))

    def draw_body(self) -> None:
        """Draw legs, arms, neck and head."""
        limb = self.wide * float(self.rng.uniform(0.28, 0.42))
        self.paint(OTHER_PERSON, self.skin, *([a, b] for a, b in zip(self.hips, self.feet, strict=True)), width=limb)
        arms = [[a, b] for a, b in zip(self.shoulders, self.hands, strict=True)]
        self.paint(OTHER_PERSON, self.skin, *arms, width=limb * 0.75)
        self.paint(OTHER_PERSON, self.skin, [self.at(0, 0.14), self.at(0, 0.25)], width=limb * 0.8)
        self.paint(OTHER_PERSON, self.skin, self.ellipse(self.at(0, 0.11), 0.055 * self.tall, 0.075 * self.tall))
        hair = np.array([1.0, 0.8, 0.6]) * self.rng.uniform(0.05, 0.85)
        self.paint(OTHER_PERSON, hair, self.ellipse(self.at(0, 0.1), 0.06 * self.tall, 0.08 * self.tall, 0.5))
        eyes = [self.ellipse(self.at(s * 0.022 * self.tall, 0.115), 0.008, 0.006) for s in (-1, 1)]
        self.paint(OTHER_PERSON, np.zeros(3), *eyes)

    def draw_clothes(self) -> None:
        """Draw shoes, pants or a skirt, a top or a coat, and by chance a hat and a bag."""
        rng, wide = self.rng, self.wide
        shoes = [self.ellipse(foot, 0.03 * self.tall, 0.025 * self.tall) for foot in self.feet]
        self.paint(NUMBERS["shoes"], self.colour(), *shoes)
        waist, colour = [self.at(-0.55 * wide, 0.44), self.at(0.55 * wide, 0.44)], self.colour()
        down = float(rng.uniform(0.6, 0.93))
        if rng.random() < SKIRT_SHARE:
            flare = wide * float(rng.uniform(0.6, 1.2))
            self.paint(NUMBERS["skirt"], colour, [waist[0], waist[1], self.at(flare, down), self.at(-flare, down)])
        else:
            share = (down - 0.52) / 0.45
            legs = [
                [hip, (hip[0] + share * (foot[0] - hip[0]), hip[1] + share * (foot[1] - hip[1]))]
                for hip, foot in zip(self.hips, self.feet, strict=True)
            ]
            self.paint(NUMBERS["pants"], colour, *legs, [self.at(0, 0.47), self.at(0, 0.5)], width=wide * 0.52)
        self._draw_upper()
        if rng.random() < HAT_SHARE:
            hat, brim = self.colour(), float(rng.uniform(0.06, 0.12)) * self.tall
            dome = self.ellipse(self.at(0, 0.075), 0.062 * self.tall, float(rng.uniform(0.05, 0.09)) * self.tall, 0.5)
            self.paint(NUMBERS["hat"], hat, dome, self.ellipse(self.at(0, 0.075), brim, 0.012 * self.tall))
        if rng.random() < BAG_SHARE:
            self._draw_bag()

    def _draw_upper(self) -> None:
        rng, wide = self.rng, self.wide
        coat = rng.random() < COAT_SHARE
        hem, colour = (float(rng.uniform(0.58, 0.8)) if coat else float(rng.uniform(0.44, 0.52))), self.colour()
        number, sleeve = NUMBERS["coat" if coat else "tops"], 0.9 if coat else float(rng.uniform(0.15, 0.95))
        arms = [
            [a, (a[0] + sleeve * (b[0] - a[0]), a[1] + sleeve * (b[1] - a[1]))]
            for a, b in zip(self.shoulders, self.hands, strict=True)
        ]
        body = [
            self.at(-0.2 * wide, 0.21),
            self.at(0.2 * wide, 0.21),
            self.shoulders[1],
            self.at(0.6 * wide, hem),
            self.at(-0.6 * wide, hem),
            self.shoulders[0],
        ]
        if coat:
            inner = [self.at(-0.15 * wide, 0.22), self.at(0.15 * wide, 0.22), self.at(0.2 * wide, 0.48)]
            self.paint(NUMBERS["tops"], self.colour(), [*inner, self.at(-0.2 * wide, 0.48)])
            left = [body[0], self.at(-0.08 * wide, 0.3), self.at(-0.1 * wide, hem), body[4], body[5]]
            right = [body[1], self.at(0.08 * wide, 0.3), self.at(0.1 * wide, hem), body[3], body[2]]
            self.paint(number, colour, left, right)
        else:
            self.paint(number, colour, body)
        self.paint(number, colour, *arms, width=wide * float(rng.uniform(0.35, 0.5)))

    def _draw_bag(self) -> None:
        hand, reach = self.hands[int(self.rng.integers(2))], float(self.rng.uniform(0.05, 0.1)) * self.tall
        tall, colour = reach * float(self.rng.uniform(0.6, 1.4)), self.colour()
        loop = self.ellipse((hand[0], hand[1] + reach * 0.6), reach * 0.5, reach * 0.6)
        self.paint(NUMBERS["bag"], colour, loop, width=reach * float(self.rng.uniform(0.08, 0.25)))
        x, y = hand[0], hand[1] + reach * 0.6
        box = [(x - reach, y), (x + reach, y), (x + reach, y + 2 * tall), (x - reach, y + 2 * tall)]
        self.paint(NUMBERS["bag"], colour, box)


def draw_dressed(rng: np.random.Generator, photographs: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Draw one figure (3, size, size); return it, its alpha (1, size, size) in [0, 1] and its classes, all float32.

    photographs: (R, 3, S, S) uint8, S of at least `size`, for backgrounds.
    """
    figure = Figure(rng, size)
    figure.draw_body()
    figure.draw_clothes()
    indoors = rng.random() < ROOM_SHARE
    rgb = piece(rng, photographs, size) if indoors else surface(rng, rng.random(3), size)
    alpha, classes = torch.zeros(1, size, size), torch.zeros(1, size, size)
    shaded, light = rng.random() < SHADED_SHARE, rng.normal(0, 0.6, 2)
    for layer in figure.layers:
        cloth = surface(rng, layer.colour, size)
        if shaded:
            cloth = (cloth * torch.from_numpy(_shade(layer.cover, light))).clamp(0, 1)
        cover = torch.from_numpy(layer.cover)[None]
        rgb = rgb * (1 - cover) + cloth * cover
        alpha = alpha + cover * (1 - alpha)
        classes[cover > 1 / 2] = layer.number
    return rgb, alpha, classes


def _shade(cover: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Return the brightness (S, S), about 1, of a rounded body whose height is its blurred outline."""
    radius = len(cover) / 28
    blurred = Image.fromarray((cover * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    down, across = np.gradient(np.asarray(blurred, np.float32) / 255 * radius)
    return (0.8 + 0.25 * np.asarray(blurred, np.float32) / 255 - light[0] * down - light[1] * across).astype(np.float32)
