"""A stored result as WebP, for pages that would rather load less."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from cutline.pipeline.codecs.encode import encode_webp
from cutline.pipeline.layout.framing import MAX_WEBP_SIDE_PX

# A mask is data: its values have to stay as they are. A JPEG would lose a second time.
_PICTURES = ("RGB", "RGBA")
# What the links function has memory and time for.
MOST_PX = 17_000_000


def as_webp(png: bytes) -> bytes | None:
    """The WebP of a PNG that we made, or None where there should be none: for a mask and a very large picture."""
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        width, height = image.size
        if image.mode not in _PICTURES or width * height > MOST_PX or max(width, height) > MAX_WEBP_SIDE_PX:
            return None
        return encode_webp(np.asarray(image))
