"""Pictures made by code whose alpha, subject colours and background are known exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

F32 = npt.NDArray[np.float32]
U8 = npt.NDArray[np.uint8]
Colour = tuple[float, float, float]

_OVERSAMPLING = 3


@dataclass(frozen=True)
class Composite:
    """rgb_u8 (H, W, 3) = alpha x subject + (1 - alpha) x background; alpha_f32 (H, W); colours (H, W, 3) in [0, 1]."""

    rgb_u8: U8
    alpha_f32: F32
    subject_f32: F32
    background_f32: F32

    @property
    def alpha_u8(self) -> U8:
        return np.rint(self.alpha_f32 * 255).astype(np.uint8)

    @property
    def band(self) -> npt.NDArray[np.bool_]:
        """Where alpha is soft, and some pixels around: where methods differ."""
        soft = Image.fromarray(((self.alpha_f32 > 0.02) & (self.alpha_f32 < 0.98)).astype(np.uint8) * 255)
        wide = soft.resize((soft.width // 8, soft.height // 8), Image.Resampling.BOX).resize(soft.size, 0)
        return np.asarray(wide) > 0

    def map_of(self, side: int = 320) -> F32:
        """What a perfect network of that input size would say: the true alpha, averaged and a little blurred."""
        plane = Image.fromarray(self.alpha_f32).resize((side, side), Image.Resampling.BOX)
        half = plane.resize((side * 5 // 8, side * 5 // 8), Image.Resampling.BOX)
        alpha: F32 = np.clip(np.asarray(half.resize((side, side), Image.Resampling.BICUBIC)), 0, 1)
        return alpha


def _grid(side: int) -> tuple[F32, F32]:
    at = ((np.arange(side, dtype=np.float32) + 0.5) / side).astype(np.float32)
    return at[:, None], at[None, :]


def _smooth(mask: npt.NDArray[np.bool_], side: int) -> F32:
    image = Image.fromarray(mask.astype(np.uint8) * 255).resize((side, side), Image.Resampling.BOX)
    plane: F32 = np.asarray(image, np.float32) / np.float32(255)
    return plane


def disc(side: int) -> F32:
    y, x = _grid(side * _OVERSAMPLING)
    return _smooth((y - 0.5) ** 2 + (x - 0.5) ** 2 < 0.3**2, side)


def soft_disc(side: int) -> F32:
    y, x = _grid(side)
    alpha: F32 = np.clip((0.34 - np.hypot(y - 0.5, x - 0.5)) / 0.04, 0, 1).astype(np.float32)
    return alpha


def ring(side: int) -> F32:
    y, x = _grid(side * _OVERSAMPLING)
    distance = np.hypot(y - 0.5, x - 0.5)
    return _smooth((distance < 0.36) & (distance > 0.14), side)


def rods(side: int) -> F32:
    y, x = _grid(side * _OVERSAMPLING)
    slanted = (x + 0.3 * y) % 0.125
    return _smooth((slanted < 0.02) & (y > 0.15) & (y < 0.85) & (x > 0.1) & (x < 0.9), side)


def hair(side: int) -> F32:
    """A head with 160 strands that thin out."""
    y, x = _grid(side * 2)
    angle, distance = np.arctan2(y - 0.5, x - 0.5), np.hypot(y - 0.5, x - 0.5)
    strand = np.abs(np.sin(80 * angle + 30 * distance))
    thin = strand > 0.2 + 0.8 * (distance - 0.25) / 0.16
    return _smooth((distance < 0.25) | ((distance < 0.41) & thin), side)


def glass(side: int) -> F32:
    return (disc(side) * 0.35 + 0.65 * ring(side)).astype(np.float32)


def blurred(side: int) -> F32:
    small = Image.fromarray(disc(side)).resize((side // 24, side // 24), Image.Resampling.BOX)
    alpha: F32 = np.clip(np.asarray(small.resize((side, side), Image.Resampling.BICUBIC)), 0, 1)
    return alpha


SHAPES: dict[str, Callable[[int], F32]] = {
    "disc": disc,
    "soft disc": soft_disc,
    "ring with a hole": ring,
    "thin rods": rods,
    "hair": hair,
    "glass": glass,
    "blurred edge": blurred,
}


def plain(side: int, colour: Colour, seed: int, texture: float = 0.03) -> F32:
    """(side, side, 3): a colour with a slope of light and some texture."""
    noise = np.random.default_rng(seed).normal(0, texture, (side // 4, side // 4, 3)).astype(np.float32)
    planes = [np.asarray(Image.fromarray(noise[..., c]).resize((side, side), 2)) for c in range(3)]
    y, x = _grid(side)
    light = (0.12 * (y - 0.5) + 0.08 * (x - 0.5))[..., None]
    rgb: F32 = np.clip(np.asarray(colour, np.float32) + light + np.stack(planes, -1), 0, 1).astype(np.float32)
    return rgb


def busy(side: int, seed: int) -> F32:
    """(side, side, 3) of coloured blocks: a background that looks like no single colour."""
    cells = np.random.default_rng(seed).random((12, 12, 3)).astype(np.float32)
    planes = [np.asarray(Image.fromarray(cells[..., c]).resize((side, side), 0)) for c in range(3)]
    return np.clip(np.stack(planes, -1) * 0.8 + 0.1, 0, 1).astype(np.float32)


# Colours of subject and background; a background of None is busy.
SCENES: dict[str, tuple[Colour, Colour | None]] = {
    "distinct": ((0.75, 0.35, 0.2), (0.2, 0.55, 0.7)),
    "busy": ((0.75, 0.35, 0.2), None),
    "bright sky": ((0.22, 0.15, 0.1), (0.82, 0.88, 0.93)),
    "white on white": ((0.86, 0.85, 0.82), (0.93, 0.93, 0.94)),
    "dark on dark": ((0.08, 0.07, 0.09), (0.16, 0.14, 0.12)),
    "same": ((0.75, 0.35, 0.2), (0.75, 0.35, 0.2)),
}


def compose(shape: str, scene: str = "distinct", side: int = 768) -> Composite:
    """A shape in front of a scene of `SCENES`."""
    alpha = SHAPES[shape](side)
    front, behind = SCENES[scene]
    subject = plain(side, front, 1)
    background = busy(side, 3) if behind is None else plain(side, behind, 2)
    mixed = alpha[..., None] * subject + (1 - alpha[..., None]) * background
    return Composite(np.rint(mixed * 255).astype(np.uint8), alpha, subject, background)
