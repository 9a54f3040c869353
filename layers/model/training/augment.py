"""Random changes to batches: where a crop lies, how a camera and a codec would have rendered it, and composites."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from training.neighbours import placements

HALF = 0.5
GREY_WEIGHTS = (0.299, 0.587, 0.114)
# How often each change happens to a picture.
WHOLE_SHARE = 0.25
TURNED_SHARE = 0.5
MIRRORED_SHARE = 0.5
BLURRED_SHARE = 0.12
NOISY_SHARE = 0.15
JPEG_SHARE = 0.20
GREY_SHARE = 0.06
PLAIN_BACKDROP_SHARE = 0.3
# Of the plain backdrops, those that are one light grey or white, as a shop's table is.
LIGHT_SHARE = 0.4
# A subject's shadow on its background: how often, how dark, and how far in shares of the picture's side.
SHADOW_SHARE = 0.5
SHADOW_DEPTH = (0.1, 0.5)
SHADOW_REACH = 0.06
# How many of the neighbours in the background are out of focus.
DEFOCUSED_SHARE = 0.4
# Share of the side that the longer side of a foreground on white takes; in the pipeline it is .7.
FILL = (0.62, 0.78)
# Shares of the figure's own frame that the host shows across: 3 makes the figure a third as large.
FIGURE_ZOOM = (0.9, 3.0)
FIGURE_DEGREES = 5.0
# Share of the width that a picture cut across shows.
CUT_WIDTHS = (0.65, 1.0)
# Share of a background photograph's side that is shown behind a cut-out.
BACKGROUND_ZOOM = (0.4, 1.0)


@dataclass(frozen=True)
class Warp:
    """theta: (N, 2, 3) affine maps from output to input in the [-1, 1] coordinates of `affine_grid`."""

    theta: Tensor

    @staticmethod
    def random(
        rng: np.random.Generator,
        count: int,
        zoom: tuple[float | np.ndarray, float | np.ndarray],
        degrees: float,
        heights: np.ndarray | None = None,
    ) -> Warp:
        """Crops that show a share `zoom` of each side, slightly stretched and turned, half of them mirrored.

        zoom: smallest and largest share, for all pictures or (N, 1); above 1 the picture is smaller than its frame.
        heights: (N,), the share of the height that a picture cut across shows, most of the width with it; 0 for others.
        """
        shown = rng.uniform(*zoom, (count, 1)) * np.exp(rng.normal(0, 0.06, (count, 2)))
        # Some pictures are seen whole, as in use.
        shown[rng.random(count) < WHOLE_SHARE] = 1.0
        if heights is not None:
            cut = heights > 0
            shown[cut] = np.stack([rng.uniform(*CUT_WIDTHS, count), heights], axis=1)[cut]
        shift = rng.uniform(-1, 1, (count, 2)) * np.abs(1 - shown)
        angle = np.deg2rad(degrees) * rng.uniform(-1, 1, count) * (rng.random(count) < TURNED_SHARE)
        mirror = np.where(rng.random(count) < MIRRORED_SHARE, -1.0, 1.0)
        cosine, sine = np.cos(angle), np.sin(angle)
        theta = np.zeros((count, 2, 3), np.float32)
        theta[:, 0] = np.stack([shown[:, 0] * cosine * mirror, -shown[:, 1] * sine, shift[:, 0]], axis=1)
        theta[:, 1] = np.stack([shown[:, 0] * sine * mirror, shown[:, 1] * cosine, shift[:, 1]], axis=1)
        return Warp(torch.from_numpy(theta))


def warp(maps: Tensor, plan: Warp, size: int, nearest: bool = False, padding: str = "reflection") -> Tensor:
    """Sample `maps` (N, C, H, W) by `plan` at (N, C, size, size)."""
    grid = F.affine_grid(plan.theta.to(maps.device), [len(maps), 1, size, size], align_corners=False)
    mode = "nearest" if nearest else "bilinear"
    return F.grid_sample(maps, grid, mode=mode, padding_mode=padding, align_corners=False)


class PhotometricChange:
    """Changes colour and light, and adds blur, noise, grey and JPEG artefacts, each to some pictures of a batch."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def apply(self, rgb: Tensor) -> Tensor:
        """Return a changed copy of `rgb` (N, 3, S, S) in [0, 1]."""
        rgb = self._colour(rgb)
        for index in range(len(rgb)):
            blurred, noisy, coded = self.rng.random(3) < (BLURRED_SHARE, NOISY_SHARE, JPEG_SHARE)
            if blurred:
                rgb[index] = blur(rgb[index], float(self.rng.uniform(1.3, 3.0)))
            if noisy:
                rgb[index] += float(self.rng.uniform(0.01, 0.06)) * torch.randn_like(rgb[index])
            if coded:
                rgb[index] = jpeg(rgb[index], int(self.rng.integers(25, 85)))
        return rgb.clamp(0, 1)

    def _colour(self, rgb: Tensor) -> Tensor:
        count = len(rgb)
        grey = (rgb * rgb.new_tensor(GREY_WEIGHTS).view(1, 3, 1, 1)).sum(1, keepdim=True)
        saturation = self._factors(count, 1, 0.4)
        saturation[torch.from_numpy(self.rng.random(count) < GREY_SHARE)] = 0
        rgb = grey + (rgb - grey) * saturation.to(rgb.device)
        mean = rgb.mean(dim=(2, 3), keepdim=True)
        rgb = mean + (rgb - mean) * self._factors(count, 1, 0.3).to(rgb.device)
        rgb = rgb * self._factors(count, 1, 0.3).to(rgb.device) * self._factors(count, 3, 0.08).to(rgb.device)
        # Gamma stands for under- and overexposure; dark photographs are rare in the data.
        gamma = torch.from_numpy(np.exp(self.rng.normal(0, 0.25, (count, 1, 1, 1))).astype(np.float32))
        return rgb.clamp(1e-4, 1).pow(gamma.to(rgb.device))

    def _factors(self, count: int, channels: int, spread: float) -> Tensor:
        draw = self.rng.uniform(1 - spread, 1 + spread, (count, channels, 1, 1))
        return torch.from_numpy(draw.astype(np.float32))


def blur(rgb: Tensor, factor: float) -> Tensor:
    """Shrink `rgb` (3, S, S) by `factor` and enlarge it again, as from a small or soft original."""
    small = F.interpolate(rgb[None], scale_factor=1 / factor, mode="bilinear", antialias=True)
    return F.interpolate(small, size=rgb.shape[-2:], mode="bilinear", align_corners=False)[0]


def jpeg(rgb: Tensor, quality: int) -> Tensor:
    """Return `rgb` (3, S, S) in [0, 1] after JPEG at `quality`."""
    u8 = (rgb.clamp(0, 1) * 255).byte().permute(1, 2, 0).cpu().numpy()
    buffer = io.BytesIO()
    Image.fromarray(u8).save(buffer, "JPEG", quality=quality)
    decoded = np.asarray(Image.open(buffer), dtype=np.float32) / 255
    return torch.from_numpy(decoded).permute(2, 0, 1).to(rgb.device)


def composite(rng: np.random.Generator, rgba: Tensor, photographs: Tensor) -> tuple[Tensor, Tensor]:
    """Composite `rgba` (N, 4, S, S) at random over `photographs` (N, 3, S, S); return the pictures and alphas."""
    backdrop = crop_backgrounds(rng, photographs, rgba.shape[-1], PLAIN_BACKDROP_SHARE)
    return _over(rng, rgba, backdrop, Warp.random(rng, len(rgba), (0.75, 1.8), degrees=12), SHADOW_SHARE)


def crop_backgrounds(
    rng: np.random.Generator,
    photographs: Tensor,
    size: int,
    plain_share: float,
    zoom: tuple[float, float] = BACKGROUND_ZOOM,
) -> Tensor:
    """Crop each of `photographs` (N, 3, S, S) to (N, 3, size, size); a share `plain_share` becomes a plain gradient."""
    shown = warp(photographs, Warp.random(rng, len(photographs), zoom, degrees=0), size)
    return _plain_some(rng, shown, plain_share)


def paste(
    rng: np.random.Generator,
    rgba: Tensor,
    hosts: Tensor,
    zoom: tuple[float, float] = FIGURE_ZOOM,
    degrees: float = FIGURE_DEGREES,
) -> tuple[Tensor, Tensor]:
    """Paste figures `rgba` (N, 4, S, S), full size to a third, into `hosts` (N, 3, S, S); return pictures, alphas."""
    placed = Warp.random(rng, len(rgba), zoom, degrees)
    # A figure that its own frame cuts off below stays cut off by the frame, and floats nowhere.
    cut_off = (rgba[:, 3, -1].amax(dim=1) > HALF).cpu()
    placed.theta[:, 1, 2] = torch.where(cut_off, 1 - placed.theta[:, 1, 1], placed.theta[:, 1, 2])
    return _over(rng, rgba, hosts, placed)


def paste_behind(rng: np.random.Generator, rgba: Tensor, hosts: Tensor, subjects: Tensor) -> Tensor:
    """Paste neighbours `rgba` (N, 4, S, S) into `hosts` (N, 3, S, S), behind their subjects' alphas (N, 1, S, S)."""
    areas = [maps.mean(dim=(1, 2, 3)).cpu().numpy() for maps in (subjects, rgba[:, 3:])]
    placed = Warp(torch.from_numpy(placements(rng, *areas)))
    pasted, alpha = _over(rng, rgba, hosts.clone(), placed)
    for index in np.flatnonzero(rng.random(len(rgba)) < DEFOCUSED_SHARE):
        pasted[index] = blur(pasted[index], float(rng.uniform(1.3, 4.0)))
    hidden = (1 - subjects) * alpha
    return hosts * (1 - hidden) + pasted * hidden


def place_on_white(rng: np.random.Generator, rgb: Tensor, alpha: Tensor, aspects: np.ndarray) -> tuple[Tensor, Tensor]:
    """Place the foreground `alpha` (N, 1, S, S) of `rgb` on white, about FILL of the side long; return both moved.

    aspects: (N,) width over height of the pictures before they were squashed to a square.
    """
    theta = torch.zeros(len(rgb), 2, 3)
    fill = rng.uniform(*FILL, len(rgb))
    for index in range(len(rgb)):
        shown = [torch.nonzero(alpha[index, 0].amax(dim=axis) > HALF)[:, 0].float() for axis in (0, 1)]
        ends = [(float(line.min()), float(line.max()) + 1) if len(line) else (0.0, alpha.shape[-1]) for line in shown]
        lengths = [(high - low) / alpha.shape[-1] for low, high in ends]
        sides = np.array([lengths[0] * aspects[index], lengths[1]])
        for axis in (0, 1):
            theta[index, axis, axis] = lengths[axis] * sides.max() / (fill[index] * sides[axis])
            theta[index, axis, 2] = sum(ends[axis]) / alpha.shape[-1] - 1
        theta[index, 0, 0] *= -1 if rng.random() < MIRRORED_SHARE else 1
    layers = warp(torch.cat([rgb * alpha, alpha], dim=1), Warp(theta), rgb.shape[-1], padding="zeros")
    return layers[:, :3] + 1 - layers[:, 3:], layers[:, 3:]


def _over(
    rng: np.random.Generator, rgba: Tensor, backdrop: Tensor, placed: Warp, shadow_share: float = 0.0
) -> tuple[Tensor, Tensor]:
    # Premultiplied, so that nothing of the cut-out's hidden colour bleeds into its edge.
    alpha = rgba[:, 3:]
    layers = warp(torch.cat([rgba[:, :3] * alpha, alpha], dim=1), placed, rgba.shape[-1], padding="zeros")
    light = rng.uniform(0.6, 1.15, (len(rgba), 1, 1, 1)) * rng.uniform(0.9, 1.1, (len(rgba), 3, 1, 1))
    front, alpha = layers[:, :3] * torch.from_numpy(light.astype(np.float32)).to(rgba.device), layers[:, 3:]
    shaded = torch.from_numpy(rng.random(len(rgba)) < shadow_share).to(rgba.device)
    backdrop[shaded] *= 1 - _shadow(rng, alpha[shaded])
    return (front + backdrop * (1 - alpha)).clamp(0, 1), alpha


def _shadow(rng: np.random.Generator, alpha: Tensor) -> Tensor:
    """Return how much subjects of `alpha` darken their background (N, 1, S, S): their own shape, moved and blurred."""
    reach = round(SHADOW_REACH * alpha.shape[-1])
    moved = torch.roll(alpha, (int(rng.integers(0, reach + 1)), int(rng.integers(-reach, reach + 1))), dims=(2, 3))
    for _ in range(2):
        # Line by line, which costs a twentieth of the square window.
        moved = F.avg_pool2d(moved, (2 * reach + 1, 1), stride=1, padding=(reach, 0))
        moved = F.avg_pool2d(moved, (1, 2 * reach + 1), stride=1, padding=(0, reach))
    depth = torch.from_numpy(rng.uniform(*SHADOW_DEPTH, (len(alpha), 1, 1, 1)).astype(np.float32))
    return moved * depth.to(alpha.device)


def _plain_some(rng: np.random.Generator, backdrop: Tensor, share: float) -> Tensor:
    """Replace a `share` of the backdrops by a gradient between two plain colours, as in a studio."""
    ramp = torch.linspace(0, 1, backdrop.shape[-2], device=backdrop.device).view(1, -1, 1)
    for index in np.flatnonzero(rng.random(len(backdrop)) < share):
        ends = torch.from_numpy(rng.random((2, 3, 1, 1)).astype(np.float32)).to(backdrop.device)
        if rng.random() < LIGHT_SHARE:
            ends[:] = float(rng.uniform(0.8, 1.0))
        backdrop[index] = ends[0] * ramp + ends[1] * (1 - ramp)
    return backdrop
