"""Draws the playground's sample pictures, person.jpg, mug.jpg and shirt.jpg of functions/site/static.

    python -m tools.playground_samples

Each scene is a signed distance field, marched ray by ray and lit by one soft lamp over a floor that meets a wall.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Array: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"
Field: TypeAlias = Callable[[Array], Array]
STATIC = Path(__file__).resolve().parents[1] / "functions" / "site" / "static"
_STEPS = 72
_FAR = 14.0
_TOUCH = 0.0015


def _f32(values: npt.ArrayLike) -> Array:
    return np.asarray(values, np.float32)


@dataclass(frozen=True)
class Part:
    """A surface and what it is made of: linear-light colour, and the strength of its highlight."""

    field: Field
    colour: tuple[float, float, float]
    gloss: float = 0.08


def ellipsoid(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> Field:
    """An axis-aligned ellipsoid."""
    middle, size = _f32(centre), _f32(radii)

    def field(points: Array) -> Array:
        scaled = (points - middle) / size
        length: Array = np.linalg.norm(scaled, axis=-1)
        slope = np.linalg.norm(scaled / size, axis=-1)
        distance: Array = length * (length - 1) / np.maximum(slope, 1e-6)
        return distance

    return field


def limb(start: tuple[float, float, float], end: tuple[float, float, float], thick: float, thin: float) -> Field:
    """A capsule whose radius goes from `thick` at its start to `thin` at its end."""
    first, along = _f32(start), _f32(end) - _f32(start)

    def field(points: Array) -> Array:
        share = np.clip(((points - first) @ along) / (along @ along), 0, 1)[..., None]
        distance: Array = np.linalg.norm(points - first - share * along, axis=-1) - (
            thick + (thin - thick) * share[..., 0]
        )
        return distance

    return field


def box(centre: tuple[float, float, float], half: tuple[float, float, float], rounding: float) -> Field:
    """A box with rounded edges."""
    middle, size = _f32(centre), _f32(half)

    def field(points: Array) -> Array:
        gap = np.abs(points - middle) - size
        distance: Array = np.linalg.norm(np.maximum(gap, 0), axis=-1) + np.minimum(gap.max(axis=-1), 0) - rounding
        return distance

    return field


def tube(centre: tuple[float, float, float], radius: float, half_height: float, rounding: float) -> Field:
    """An upright cylinder with rounded edges."""
    middle = _f32(centre)

    def field(points: Array) -> Array:
        local = points - middle
        gap = np.stack([np.hypot(local[..., 0], local[..., 2]) - radius, np.abs(local[..., 1]) - half_height], axis=-1)
        distance: Array = np.linalg.norm(np.maximum(gap, 0), axis=-1) + np.minimum(gap.max(axis=-1), 0) - rounding
        return distance

    return field


def ring(centre: tuple[float, float, float], radius: float, thickness: float) -> Field:
    """A torus that stands upright and faces the camera."""
    middle = _f32(centre)

    def field(points: Array) -> Array:
        local = points - middle
        distance: Array = np.hypot(np.hypot(local[..., 0], local[..., 1]) - radius, local[..., 2]) - thickness
        return distance

    return field


def slab(outline: tuple[tuple[float, float], ...], half_depth: float, rounding: float) -> Field:
    """A flat upright shape with rounded edges that faces the camera; its outline is a polygon of x and y."""
    corners = np.array(outline, np.float32)
    edges = np.roll(corners, -1, axis=0) - corners

    def field(points: Array) -> Array:
        nearest = np.full(points.shape[:-1], np.inf, np.float32)
        inside = np.zeros(points.shape[:-1], bool)
        for corner, edge in zip(corners, edges, strict=True):
            local = points[..., :2] - corner
            share = np.clip(local @ edge / (edge @ edge), 0, 1)[..., None]
            nearest = np.minimum(nearest, np.linalg.norm(local - share * edge, axis=-1))
            # A ray to the right leaves the polygon through an odd number of edges.
            crosses = (local[..., 1] < 0) != (local[..., 1] < edge[1])
            inside ^= crosses & ((local[..., 0] * edge[1] < local[..., 1] * edge[0]) == (edge[1] > 0))
        gap = np.stack([np.where(inside, -nearest, nearest), np.abs(points[..., 2]) - half_depth], axis=-1)
        distance: Array = np.linalg.norm(np.maximum(gap, 0), axis=-1) + np.minimum(gap.max(axis=-1), 0) - rounding
        return distance

    return field


def melt(softness: float, *fields: Field) -> Field:
    """The union of `fields`, its seams rounded by `softness`."""

    def field(points: Array) -> Array:
        total = fields[0](points)
        for other in fields[1:]:
            distance = other(points)
            blend = np.clip(0.5 + 0.5 * (distance - total) / softness, 0, 1)
            total = distance + (total - distance) * blend - softness * blend * (1 - blend)
        return total

    return field


def carve(outer: Field, inner: Field) -> Field:
    """What is left of `outer` without `inner`."""
    return lambda points: np.maximum(outer(points), -inner(points))


def person() -> tuple[Part, ...]:
    """Somebody in a hat, a shirt, trousers and shoes, with a bag."""
    skin, shirt, cloth = (0.62, 0.36, 0.25), (0.72, 0.10, 0.09), (0.07, 0.12, 0.26)
    head = melt(0.05, ellipsoid((0, 3.02, 0), (0.26, 0.36, 0.28)), limb((0, 2.4, 0), (0, 2.75, 0), 0.14, 0.13))
    nose = limb((0, 3.0, 0.27), (0, 2.93, 0.31), 0.03, 0.04)
    hands = melt(
        0.02, ellipsoid((-0.83, 1.27, 0.12), (0.1, 0.15, 0.09)), ellipsoid((0.8, 1.27, 0.1), (0.1, 0.15, 0.09))
    )
    arms = melt(
        0.04,
        limb((-0.6, 2.06, 0), (-0.76, 1.74, -0.02), 0.12, 0.1),
        limb((-0.76, 1.74, -0.02), (-0.83, 1.35, 0.1), 0.1, 0.07),
        limb((0.6, 2.06, 0), (0.76, 1.74, -0.02), 0.12, 0.1),
        limb((0.76, 1.74, -0.02), (0.8, 1.35, 0.1), 0.1, 0.07),
    )
    body = melt(
        0.12,
        ellipsoid((0, 1.98, 0), (0.46, 0.5, 0.27)),
        ellipsoid((0, 1.6, 0), (0.4, 0.42, 0.25)),
        limb((-0.3, 2.32, 0), (-0.62, 2.08, 0), 0.17, 0.17),
        limb((0.3, 2.32, 0), (0.62, 2.08, 0), 0.17, 0.17),
    )
    legs = melt(
        0.08,
        ellipsoid((0, 1.32, 0), (0.41, 0.22, 0.27)),
        limb((-0.2, 1.25, 0), (-0.25, 0.22, 0), 0.22, 0.14),
        limb((0.2, 1.25, 0), (0.25, 0.22, 0), 0.22, 0.14),
    )
    shoes = melt(0.01, *(box((side, 0.08, 0.11), (0.06, 0.02, 0.17), 0.07) for side in (-0.27, 0.27)))
    hair = carve(ellipsoid((0, 3.09, -0.04), (0.29, 0.36, 0.31)), box((0, 2.8, 0.4), (0.3, 0.3, 0.3), 0.05))
    hat = melt(0.05, tube((0, 3.24, -0.02), 0.46, 0.005, 0.02), ellipsoid((0, 3.3, -0.02), (0.29, 0.24, 0.31)))
    strap = ring((0.8, 1.06, 0.12), 0.17, 0.026)
    return (
        Part(melt(0.03, head, nose, hands, arms), skin),
        Part(body, shirt),
        Part(legs, cloth),
        Part(shoes, (0.05, 0.045, 0.045), 0.35),
        Part(hair, (0.035, 0.02, 0.015), 0.2),
        Part(hat, (0.55, 0.38, 0.18)),
        Part(melt(0.03, box((0.8, 0.78, 0.12), (0.2, 0.17, 0.07), 0.05), strap), (0.32, 0.12, 0.04), 0.3),
        Part(
            melt(0.01, *(ellipsoid((side, 3.05, 0.25), (0.035, 0.025, 0.03)) for side in (-0.09, 0.09))),
            (0.02,) * 3,
            0.6,
        ),
    )


def shirt() -> tuple[Part, ...]:
    """A shirt with short sleeves that nobody wears, in the air."""
    half = ((0.15, 2.62), (0.34, 2.6), (0.78, 2.2), (0.6, 2.0), (0.42, 2.17), (0.42, 1.1))
    outline = (*half, *((-x, y) for x, y in reversed(half)))
    body = melt(0.06, slab(outline, 0.03, 0.05), ellipsoid((0, 1.85, 0.02), (0.36, 0.6, 0.12)))
    return (Part(carve(body, ellipsoid((0, 2.72, 0.05), (0.17, 0.2, 0.3))), (0.72, 0.10, 0.09)),)


def mug() -> tuple[Part, ...]:
    """A glazed mug with a handle and a band, and coffee in it."""
    inside = tube((0, 1.0, 0), 0.66, 0.86, 0.03)
    wall = carve(tube((0, 0.8, 0), 0.74, 0.78, 0.05), inside)
    handle = carve(ring((-0.88, 0.82, 0), 0.4, 0.1), tube((0, 0.8, 0), 0.72, 1.5, 0.0))
    band = carve(tube((0, 0.55, 0), 0.765, 0.14, 0.04), inside)
    return (
        Part(melt(0.06, wall, handle), (0.03, 0.26, 0.30), 0.9),
        Part(band, (0.75, 0.52, 0.16), 0.6),
        Part(tube((0, 1.3, 0), 0.66, 0.02, 0.0), (0.05, 0.02, 0.01), 0.5),
    )


def distances(parts: tuple[Part, ...], points: Array) -> Array:
    """The distance to each part, one row per part."""
    return np.stack([part.field(points) for part in parts])


def march(parts: tuple[Part, ...], origins: Array, directions: Array, steps: int, far: float) -> tuple[Array, Array]:
    """How far each ray goes before it meets a part (`far` where it meets none), and how closely it missed them."""
    travelled = np.full(len(origins), 0.02, np.float32)
    shade = np.ones(len(origins), np.float32)
    open_rays = np.arange(len(origins))
    for _ in range(steps):
        near = distances(parts, origins[open_rays] + travelled[open_rays, None] * directions[open_rays]).min(axis=0)
        shade[open_rays] = np.minimum(shade[open_rays], np.clip(7 * near / travelled[open_rays], 0, 1))
        travelled[open_rays] += np.maximum(near * 0.9, 0.002)
        open_rays = open_rays[(near > _TOUCH) & (travelled[open_rays] < far)]
        if not len(open_rays):
            break
    return np.minimum(travelled, far), shade


def render(
    parts: tuple[Part, ...], size: tuple[int, int], target: float, distance: float, height: float
) -> Image.Image:
    """The scene from `height`, looking at `target` on its axis from `distance` away."""
    width, rows = size
    eye = _f32((0.35, height, distance))
    ahead = _f32((0, target, 0)) - eye
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, _f32((0, 1, 0)))
    right /= np.linalg.norm(right)
    x, y = np.meshgrid(np.linspace(-1, 1, width) * width / rows, np.linspace(1, -1, rows))
    rays = ahead + 0.31 * (x[..., None] * right + y[..., None] * np.cross(right, ahead))
    rays = (rays / np.linalg.norm(rays, axis=-1, keepdims=True)).reshape(-1, 3).astype(np.float32)
    eyes = np.broadcast_to(eye, rays.shape).astype(np.float32)
    travelled, _ = march(parts, eyes, rays, _STEPS, _FAR)
    hit = travelled < _FAR - 0.01
    pixels = room(parts, eyes, rays)
    pixels[hit] = surface(parts, eyes[hit] + travelled[hit, None] * rays[hit], rays[hit])
    noise = np.random.default_rng(8).normal(0, 0.006, pixels.shape)
    encoded = np.clip(np.clip(pixels, 0, 1) ** (1 / 2.2) + noise, 0, 1)
    return Image.fromarray((encoded.reshape(rows, width, 3) * 255 + 0.5).astype(np.uint8))


_LAMP = _f32((-0.5, 1.1, 0.6)) / np.linalg.norm((-0.5, 1.1, 0.6)).astype(np.float32)


def surface(parts: tuple[Part, ...], points: Array, rays: Array) -> Array:
    """The light that leaves each point towards the eye: lamp, sky, highlight and a bright edge."""
    offsets = 0.002 * _f32(((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)))
    normals = np.sum([offset * distances(parts, points + offset).min(axis=0)[:, None] for offset in offsets], axis=0)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-9)
    nearest = distances(parts, points).argmin(axis=0)
    colour = _f32([part.colour for part in parts])[nearest]
    gloss = _f32([part.gloss for part in parts])[nearest]
    lit = np.maximum(normals @ _LAMP, 0)
    _, shade = march(parts, points + 0.02 * normals, np.broadcast_to(_LAMP, points.shape), 24, 4.0)
    middle = _LAMP - rays
    middle /= np.linalg.norm(middle, axis=-1, keepdims=True)
    highlight = gloss * np.maximum((normals * middle).sum(axis=-1), 0) ** 60 * shade
    rim = 0.12 * (1 - np.maximum(-(normals * rays).sum(axis=-1), 0)) ** 4
    light = 1.25 * lit * shade + 0.42 + 0.18 * normals[:, 1]
    leaving: Array = colour * light[:, None] + (highlight + rim)[:, None]
    return leaving


def room(parts: tuple[Part, ...], eyes: Array, rays: Array) -> Array:
    """The floor with the shadow on it, and the wall behind."""
    down = np.minimum(rays[:, 1], -1e-4)
    floor_at = eyes + (-eyes[:, 1] / down)[:, None] * rays
    wall_z = -2.6
    is_floor = (rays[:, 1] < 0) & (floor_at[:, 2] > wall_z)
    wall_at = eyes + ((wall_z - eyes[:, 2]) / np.minimum(rays[:, 2], -1e-4))[:, None] * rays
    glow = np.exp(-((wall_at[:, 0] + 0.8) ** 2 + (wall_at[:, 1] - 2.6) ** 2) / 9)
    wall = _f32((0.40, 0.47, 0.50)) * (0.55 + 0.6 * glow)[:, None]
    shade = np.ones(len(rays), np.float32)
    _, shade[is_floor] = march(
        parts, _f32(floor_at[is_floor]), np.broadcast_to(_LAMP, (int(is_floor.sum()), 3)), 36, 6.0
    )
    planks = 1 - 0.05 * (np.floor(floor_at[:, 0] * 1.7) % 2)
    floor = _f32((0.46, 0.36, 0.26)) * (planks * (0.72 + 0.33 * shade))[:, None]
    return np.where(is_floor[:, None], floor, wall).astype(np.float32)


def main() -> None:
    """Writes the pictures."""
    pictures: Mapping[str, Image.Image] = {
        "person": render(person(), (600, 800), 1.72, 6.6, 2.1),
        "mug": render(mug(), (800, 640), 0.72, 4.4, 2.2),
        "shirt": render(shirt(), (600, 800), 1.72, 6.6, 2.1),
    }
    for name, picture in pictures.items():
        picture.save(STATIC / f"{name}.jpg", quality=86, optimize=True)


if __name__ == "__main__":
    main()
