"""Photographs made by code of a subject on a background with a shadow, all of which are known exactly."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

F32 = npt.NDArray[np.float32]
U8 = npt.NDArray[np.uint8]
Colour = tuple[float, float, float]
_JPEG_QUALITY = 92


@dataclass(frozen=True)
class Shadowed:
    """rgb_u8 (H, W, 3) = alpha subject + (1 - alpha) (1 - density) background, and noise; alpha_u8, density (H, W)."""

    rgb_u8: U8
    alpha_u8: U8
    density: F32


def photograph(
    alpha: F32, subject: F32, background: F32, density: F32, noise: float = 0.006, seed: int = 1
) -> Shadowed:
    """Compose planes in [0, 1], alpha and density (H, W), the colours (H, W, 3), and pass the result through a JPEG."""
    lit = background * (1 - density)[..., None]
    mixed = alpha[..., None] * subject + (1 - alpha[..., None]) * lit
    mixed += np.random.default_rng(seed).normal(0, noise, mixed.shape).astype(np.float32)
    file = io.BytesIO()
    Image.fromarray(np.rint(np.clip(mixed, 0, 1) * 255).astype(np.uint8)).save(file, "JPEG", quality=_JPEG_QUALITY)
    rgb_u8 = np.array(Image.open(file).convert("RGB"))
    return Shadowed(rgb_u8, np.rint(alpha * 255).astype(np.uint8), density.astype(np.float32))


def studio(height: int, width: int, colour: Colour = (0.93, 0.92, 0.9), fall: float = 0.12) -> F32:
    """(height, width, 3): a sweep of paper whose light falls off to one side and to the corners."""
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
    light = 1 - fall * (0.5 * (x + 1) * 0.6 + 0.4 * (x * x + y * y) / 2 + 0.2 * (y + 1) / 2)
    return np.asarray(np.clip(light[..., None] * np.asarray(colour), 0, 1), np.float32)


def cloth(height: int, width: int, seed: int = 5) -> F32:
    """(height, width, 3): a woven background with folds, which no smooth surface follows."""
    y, x = np.indices((height, width)).astype(np.float32)
    folds = 0.07 * np.sin(x / 9 + 3 * np.sin(y / 40)) + 0.05 * np.sin(y / 7)
    spots = np.random.default_rng(seed).normal(0, 0.05, (height // 6 + 1, width // 6 + 1)).repeat(6, 0).repeat(6, 1)
    plane = 0.6 + folds + spots[:height, :width]
    return np.asarray(np.clip(plane[..., None] * np.array([1, 0.95, 0.85]), 0, 1), np.float32)


def contact_density(alpha: F32, strength: float = 0.55, lean: float = 0.25) -> F32:
    """A shadow (H, W) under a standing subject: dark at the contact, and a wide soft patch to one side."""
    height, width = alpha.shape
    rows, columns = np.flatnonzero((alpha > 0.5).any(axis=1)), np.flatnonzero((alpha > 0.5).any(axis=0))
    floor, middle, wide = float(rows[-1]), float(columns.mean()), float(len(columns))
    y, x = np.indices((height, width)).astype(np.float32)

    def patch(dx: float, dy: float, rx: float, ry: float) -> F32:
        return np.exp(-((x - middle - dx) ** 2) / (2 * rx * rx) - (y - floor - dy) ** 2 / (2 * ry * ry)).astype(
            np.float32
        )

    contact = patch(0, 0, wide * 0.33, wide * 0.03)
    soft = patch(lean * wide, -0.02 * wide, wide * 0.42, wide * 0.07)
    return np.asarray(1 - (1 - strength * contact) * (1 - 0.6 * strength * soft), np.float32)


def jar(height: int, width: int, scale: float = 1.0) -> F32:
    """Alpha (H, W) of a thing that stands: a round body with a neck, in the middle of the frame."""
    size = 4
    y, x = np.indices((height * size, width * size)).astype(np.float32) / size
    unit = min(height, width) * scale
    cx, floor = width / 2, height / 2 + 0.3 * unit
    body = (np.abs(x - cx) < 0.19 * unit) & (y < floor) & (y > floor - 0.42 * unit)
    base = ((x - cx) / (0.19 * unit)) ** 2 + ((y - floor) / (0.03 * unit)) ** 2 < 1
    neck = (np.abs(x - cx) < 0.08 * unit) & (y <= floor - 0.42 * unit) & (y > floor - 0.56 * unit)
    mask = Image.fromarray((body | base | neck).astype(np.uint8) * 255)
    return np.asarray(mask.resize((width, height), Image.Resampling.BOX), np.float32) / np.float32(255)
