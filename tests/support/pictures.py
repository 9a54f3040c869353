"""Picture files of an exact size, in pixels or in bytes."""

import io
from typing import Any

import numpy as np
from PIL import Image


def picture(width: int, height: int, image_format: str = "PNG") -> bytes:
    """A plain picture file of that size."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), (200, 180, 160)).save(out, image_format)
    return out.getvalue()


def padded(data: bytes, size: int) -> bytes:
    """The file, made exactly `size` bytes long by what follows its end."""
    return data + bytes(size - len(data))


def pixels(file: bytes | None) -> Any:
    """The values of a PNG file, which there must be."""
    assert file is not None
    picture = Image.open(io.BytesIO(file))
    assert picture.format == "PNG"
    return np.asarray(picture)
