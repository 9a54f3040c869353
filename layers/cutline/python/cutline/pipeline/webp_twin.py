"""A stored result as WebP, for pages that would rather load less."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from cutline.pipeline.encode import encode_webp

# A mask is data: its values have to stay as they are. A JPEG would lose a second time.
_PICTURES = ("RGB", "RGBA")
# What the links function has memory and time for; a WebP's sides end at 16,383 px in any case.
MOST_PX = 17_000_000
_MOST_SIDE_PX = 16_383


def as_webp(png: bytes) -> bytes | None:
    """The WebP of a PNG that we made, or None where there should be none: for a mask and a very large picture."""
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        width, height = image.size
        if image.mode not in _PICTURES or width * height > MOST_PX or max(width, height) > _MOST_SIDE_PX:
            return None
        return encode_webp(np.asarray(image))
