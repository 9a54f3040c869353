"""A small picture of a result for the tool's answer: an agent sees what it made without opening the file."""

from typing import Final

import numpy as np
from PIL import Image

from cutline.limits import KIB, LOCAL_LIMITS
from cutline.pipeline.codecs.decode import decode_image
from cutline.pipeline.codecs.encode import encode_webp

MAX_SIDE_PX: Final = 512
MAX_BYTES: Final = 128 * KIB
_QUALITIES = (80, 50, 20, 1)
# Transparency is shown as a checkerboard, which no client can take for black.
_SQUARE_PX, _LIGHT, _DARK = 8, 255, 216


def render_preview(file: bytes) -> bytes:
    """Return a WebP of at most MAX_SIDE_PX and MAX_BYTES. Raises InputRefused for what is no picture."""
    picture = decode_image(file, LOCAL_LIMITS)
    planes = [picture.rgb_u8] if picture.alpha_u8 is None else [picture.rgb_u8, picture.alpha_u8[..., None]]
    image = Image.fromarray(np.concatenate(planes, axis=2))
    image.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.BOX)
    if image.mode == "RGBA":
        image = Image.alpha_composite(_checkerboard(image.size), image)
    pixels_u8 = np.asarray(image.convert("RGB"))
    files = (encode_webp(pixels_u8, quality=quality) for quality in _QUALITIES)
    return next(file for file in files if len(file) <= MAX_BYTES)


def _checkerboard(size: tuple[int, int]) -> Image.Image:
    y, x = np.indices(size[::-1]) // _SQUARE_PX
    return Image.fromarray(np.where((x + y) % 2, _DARK, _LIGHT).astype(np.uint8)).convert("RGBA")
