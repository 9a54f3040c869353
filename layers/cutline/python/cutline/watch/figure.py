"""A drawn mug whose outline is known, and whether an alpha fits it. It is drawn when it is needed, and not stored."""

import io
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from cutline.pipeline.filters import U8

SIZE = (480, 360)
# `matte` and `fine` reach .998; half a subject, or none, is far below.
MIN_IOU = 0.9
_HALF = 128
_FINER = 4
_BODY, _HANDLE, _HOLE = (150, 90, 300, 290), (270, 130, 380, 250), (300, 160, 350, 220)
_CORNER = 22


@cache
def figure() -> tuple[Image.Image, U8]:
    """Return the picture, RGB, and its mask: (H, W) uint8, 255 inside."""
    width, height = SIZE
    mask = Image.new("L", (width * _FINER, height * _FINER))
    pen = ImageDraw.Draw(mask)
    for box, value in ((_HANDLE, 255), (_HOLE, 0)):
        pen.ellipse([side * _FINER for side in box], fill=value)
    pen.rounded_rectangle([side * _FINER for side in _BODY], _CORNER * _FINER, fill=255)
    mask_u8 = np.asarray(mask.resize(SIZE, Image.Resampling.BOX))
    across, down = np.linspace(0, 1, width, dtype=np.float32), np.linspace(0, 1, height, dtype=np.float32)[:, None]
    wall = (222 - 26 * down)[..., None] * np.ones((1, width, 3), np.float32)
    # Lit from the left, as a round thing is.
    glaze = (70 + 120 * np.sin(np.pi * (0.15 + 0.8 * across)))[None, :, None] * np.array([0.9, 0.35, 0.25], np.float32)
    share = mask_u8[..., None].astype(np.float32) / 255
    rgb = wall * (1 - share) + glaze * share
    return Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8)), mask_u8


@cache
def figure_png() -> bytes:
    """Return the picture as a file."""
    file = io.BytesIO()
    figure()[0].save(file, "PNG")
    return file.getvalue()


def fit(alpha_u8: U8) -> float:
    """Return the intersection over union of an alpha's inside, (H, W) uint8 of the picture's size, with the mask's."""
    ours, wanted = alpha_u8 >= _HALF, figure()[1] >= _HALF
    return float((ours & wanted).sum() / (ours | wanted).sum())
