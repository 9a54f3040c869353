"""Pixels to files: PNG with alpha, JPEG, WebP with alpha, 8-bit masks."""

from __future__ import annotations

import io
import signal
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from PIL import Image

from cutline.errors import Reason, ServiceFault
from cutline.pipeline.codecs.png import png_file
from cutline.pipeline.filters import U8
from cutline.pipeline.options import ImageFormat

CONTENT_TYPES: Final[Mapping[ImageFormat, str]] = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
JPEG_QUALITY = 93
WEBP_QUALITY = 90
# Of 0 to 6: beyond 2 the time doubles and the file shrinks by a few per cent.
_WEBP_EFFORT = 2
# CPU seconds per pixel that the native encoders take at most: half as much again as noise with soft alpha took on
# 22 November 2026, 0.02 and 0.24 per megapixel. No signal's handler runs meanwhile; PNG is written block by block.
WORST_S_PER_PX: Final[Mapping[str, float]] = {"JPEG": 0.03e-6, "WEBP": 0.36e-6}


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
    height, width = pixels_u8.shape[:2]
    _expect(WORST_S_PER_PX.get(name, 0.0) * width * height)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels_u8)).save(file, name, **settings)
    return file.getvalue()


def _expect(seconds: float) -> None:
    """Raises ServiceFault(TIMED_OUT) where the deadline (cutline.serving.deadline) would come before so long."""
    left_s, _ = signal.getitimer(signal.ITIMER_REAL)
    if 0 < left_s < seconds:
        told = f"an encoder may take {seconds:.1f} s of the {left_s:.1f} s that are left"
        raise ServiceFault(Reason.TIMED_OUT, told)
