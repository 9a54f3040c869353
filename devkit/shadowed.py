"""Photographs made by code of a subject on a background with a shadow, all of which are known exactly."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

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


def rendered(kind: str, side: int, sideways: float) -> tuple[F32, F32, F32]:
    """Alpha, colours (side, side, 3) and the shadow's density of a "ball" or "box" on a floor, by rays.

    The camera is at height 1.2 in front of the floor y = 0; the light is a square of 0.6 at height 3, `sideways` to one
    side. The density is the share of the light's 64 points that the thing hides, weighted by its share of all light.
    """
    v, u = np.meshgrid(np.linspace(0.75, -0.75, side), np.linspace(-0.75, 0.75, side), indexing="ij")
    eye = np.array([0.0, 1.2, -3.2])
    rays = np.stack([u, v - 0.32, np.full_like(u, 1.6)], -1)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    hit, normal = _hit(kind, np.broadcast_to(eye, rays.shape), rays)
    down = np.minimum(rays[..., 1], -1e-3)
    floor = eye - rays * (eye[1] / down)[..., None]
    floor[..., 1] = 0
    corner = np.array([2 * sideways, 3.0, -1.0])
    hidden = np.zeros(u.shape)
    for i in range(8):
        for j in range(8):
            light = corner + np.array([(i - 3.5) * 0.08, 0, (j - 3.5) * 0.08])
            towards = light - floor
            towards /= np.linalg.norm(towards, axis=-1, keepdims=True)
            hidden += _hit(kind, floor, towards)[0]
    density = np.where(rays[..., 1] < 0, 0.6 * hidden / 64, 0)
    direction = corner / np.linalg.norm(corner)
    shade = 0.35 + 0.6 * np.clip(normal @ direction, 0, 1)
    colours = shade[..., None] * np.array([0.75, 0.3, 0.2])
    return hit.astype(np.float32), colours.astype(np.float32), density.astype(np.float32)


def _hit(kind: str, origins: npt.NDArray[Any], rays: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Whether each ray meets the thing, which stands on the floor at the origin, and the normal there."""
    middle, half = np.array([0.0, 0.4, 0.0]), 0.4
    if kind == "ball":
        from_middle = origins - middle
        b = (from_middle * rays).sum(-1)
        root = b * b - (from_middle**2).sum(-1) + half * half
        far = -b - np.sqrt(np.maximum(root, 0))
        return (root > 0) & (far > 1e-3), (from_middle + far[..., None] * rays) / half
    safe = np.where(np.abs(rays) < 1e-9, 1e-9, rays)
    near, far = (middle - half - origins) / safe, (middle + half - origins) / safe
    enters, leaves = np.minimum(near, far), np.maximum(near, far)
    axis = enters.argmax(-1)
    normal = -np.take_along_axis(np.sign(safe), axis[..., None], -1) * (np.arange(3) == axis[..., None])
    return (enters.max(-1) < leaves.min(-1)) & (leaves.min(-1) > 1e-3), normal
