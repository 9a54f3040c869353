"""Pixels to files: PNG with alpha, JPEG, WebP with alpha, 8-bit masks."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from PIL import Image

from cutline.pipeline.filters import U8
from cutline.pipeline.options import ImageFormat
from cutline.pipeline.png import png_file

CONTENT_TYPES: Final[Mapping[ImageFormat, str]] = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
JPEG_QUALITY = 93
WEBP_QUALITY = 90
# Of 0 to 6: beyond 2 the time doubles and the file shrinks by a few per cent.
_WEBP_EFFORT = 2


def encode_png(pixels_u8: U8) -> bytes:
    """A PNG of grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4) bytes."""
    return png_file(pixels_u8)


def encode_jpeg(pixels_u8: U8, quality: int = JPEG_QUALITY) -> bytes:
    """A JPEG of grey (H, W) or RGB (H, W, 3) bytes; colour keeps full resolution, or the subject's edge would bleed."""
    return _saved(pixels_u8, "JPEG", quality=quality, subsampling=0)


def encode_webp(pixels_u8: U8, quality: int = WEBP_QUALITY) -> bytes:
    """A lossy WebP of grey, RGB or RGBA bytes, whose alpha is kept exactly. A side is at most 16,383 px."""
    return _saved(pixels_u8, "WEBP", quality=quality, alpha_quality=100, method=_WEBP_EFFORT)


ENCODERS: Final[Mapping[ImageFormat, Callable[[U8], bytes]]] = {
    "png": encode_png,
    "jpeg": encode_jpeg,
    "webp": encode_webp,
}


def _saved(pixels_u8: U8, name: str, **settings: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels_u8)).save(file, name, **settings)
    return file.getvalue()
