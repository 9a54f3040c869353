"""Seals made by code: ink of known alpha over print, on paper that is grey, grainy and unevenly lit, through a JPEG."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

SIDE = 480
RED, BLUE, GREEN, PURPLE, BLACK = (200, 30, 40), (40, 60, 190), (20, 140, 70), (120, 40, 150), (35, 35, 38)
_PRINT = (25, 25, 28)


@dataclass(frozen=True)
class Page:
    """`rgb_u8` (SIDE, SIDE, 3); `alpha` (SIDE, SIDE) of the ink, 1 where it is fullest; `printed` where print is."""

    rgb_u8: np.ndarray
    alpha: np.ndarray
    printed: np.ndarray

    @property
    def bare(self) -> np.ndarray:
        """Print that no ink comes near."""
        near = Image.fromarray((self.alpha > 0).astype(np.uint8) * 255).resize(
            (SIDE // 8, SIDE // 8), Image.Resampling.BOX
        )
        return self.printed & (np.asarray(near.resize((SIDE, SIDE), Image.Resampling.NEAREST)) == 0)


def seal_page(
    ink: tuple[int, int, int],
    strength: float = 0.9,
    *,
    paper: tuple[int, int, int] = (244, 240, 230),
    shade: float = 0.0,
    printed: bool = True,
    quality: int | None = None,
) -> Page:
    """A page with a stamped seal.

    strength: the ink's alpha where it is fullest; shade: how much of the light the page's left edge lacks; quality: of
    the JPEG that the page went through, None for none.
    """
    alpha = _strokes(_draw_seal) * _patchy() * strength
    black = _strokes(_draw_print) if printed else np.zeros((SIDE, SIDE))
    noise = np.random.default_rng(4).normal(0, 2, (SIDE, SIDE, 1))
    light = (1 - shade * np.linspace(1, 0, SIDE))[None, :, None]
    page = np.asarray(paper, float) * (1 - black[..., None]) + black[..., None] * np.asarray(_PRINT, float)
    page = page * (1 - alpha[..., None]) + alpha[..., None] * np.asarray(ink, float) * (0.25 + 0.75 * page / paper)
    pixels = np.clip(np.rint(page * light + noise), 0, 255).astype(np.uint8)
    return Page(_through_jpeg(pixels, quality), alpha / alpha.max(), black > 0.5)


def _draw_seal(draw: ImageDraw.ImageDraw, scale: int) -> None:
    """A ring, a star and rows of thin strokes like characters."""
    centre, outer = SIDE * scale / 2, 150 * scale
    box = (centre - outer, centre - outer, centre + outer, centre + outer)
    draw.ellipse(box, outline=255, width=7 * scale)
    angles = np.arange(10) * np.pi / 5 - np.pi / 2
    radii = np.where(np.arange(10) % 2, 17, 44) * scale
    draw.polygon(
        [(centre + r * np.cos(a), centre + r * np.sin(a)) for r, a in zip(radii, angles, strict=True)], fill=255
    )
    for angle in np.linspace(0, 2 * np.pi, 24, endpoint=False):
        for reach in (88, 104, 120):
            x, y = centre + reach * scale * np.cos(angle), centre + reach * scale * np.sin(angle)
            across = 8 * scale * np.array([-np.sin(angle), np.cos(angle)])
            draw.line([(x - across[0], y - across[1]), (x + across[0], y + across[1])], fill=255, width=3 * scale)


def _draw_print(draw: ImageDraw.ImageDraw, scale: int) -> None:
    """Lines of black blocks; some lie under the seal."""
    for row in (40, 190, 300, 420):
        for column in range(20, SIDE - 30, 26):
            draw.rectangle([v * scale for v in (column, row, column + 3, row + 16)], fill=255)
            draw.rectangle([v * scale for v in (column, row, column + 14, row + 3)], fill=255)


def _strokes(draw: Callable[[ImageDraw.ImageDraw, int], None]) -> np.ndarray:
    """What `draw` paints, with soft edges."""
    scale = 4
    image = Image.new("L", (SIDE * scale, SIDE * scale))
    draw(ImageDraw.Draw(image), scale)
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX), np.float64) / 255


def _patchy() -> np.ndarray:
    """Ink that took unevenly: between 60 and 100 %."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    return 0.8 + 0.2 * np.sin(18 * y) * np.cos(11 * x)


def _through_jpeg(pixels: np.ndarray, quality: int | None) -> np.ndarray:
    if quality is None:
        return pixels
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))
