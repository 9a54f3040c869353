"""Small true pictures of every kind that the decoder reads, to be damaged."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageCms

_RGB = np.random.default_rng(7).integers(0, 256, (24, 32, 3), np.uint8)
_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _file(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _rgb() -> Image.Image:
    return Image.fromarray(_RGB)


def _frames(kind: str, **options: Any) -> bytes:
    others = [Image.fromarray(np.roll(_RGB, step, 1)) for step in (4, 8)]
    return _file(_rgb(), kind, save_all=True, append_images=others, **options)


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return _file(_rgb(), "JPEG", exif=exif, icc_profile=_PROFILE)


_MAKERS: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: _file(_rgb(), "JPEG"),
    "jpeg progressive": lambda: _file(_rgb(), "JPEG", progressive=True),
    "jpeg cmyk": lambda: _file(_rgb().convert("CMYK"), "JPEG"),
    "jpeg exif icc": _exif,
    "png": lambda: _file(_rgb(), "PNG"),
    "png palette": lambda: _file(_rgb().quantize(16), "PNG", transparency=3),
    "png 16 bit": lambda: _file(Image.fromarray(_RGB[..., 0].astype(np.uint16) * 257), "PNG"),
    "png animated": lambda: _frames("PNG"),
    "bmp": lambda: _file(_rgb(), "BMP"),
    "bmp palette": lambda: _file(_rgb().quantize(16), "BMP"),
    "gif": lambda: _file(_rgb().quantize(64), "GIF"),
    "gif animated": lambda: _frames("GIF"),
    "webp": lambda: _file(_rgb(), "WEBP"),
    "webp lossless alpha": lambda: _file(_rgb().convert("RGBA"), "WEBP", lossless=True, exact=True),
    "webp animated": lambda: _frames("WEBP"),
    "avif": lambda: _file(_rgb(), "AVIF", speed=10),
    "tiff": lambda: _file(_rgb(), "TIFF"),
    "tiff lzw": lambda: _file(_rgb(), "TIFF", compression="tiff_lzw"),
    "tiff deflate": lambda: _file(_rgb(), "TIFF", compression="tiff_adobe_deflate"),
    "tiff jpeg": lambda: _file(_rgb(), "TIFF", compression="jpeg"),
    "tiff pages": lambda: _frames("TIFF"),
    "tiff big": lambda: _file(_rgb(), "TIFF", big_tiff=True),
}


@cache
def samples() -> dict[str, bytes]:
    """A file of each kind, by its name."""
    return {name: make() for name, make in _MAKERS.items()}


def with_true_checksums(data: bytes) -> bytes:
    """A PNG whose chunks' checksums fit again, so that damage reaches what lies behind them; others unchanged."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    repaired, at = bytearray(data), 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            break
        struct.pack_into(">I", repaired, end, zlib.crc32(data[at + 4 : end]))
        at = end + 4
    return bytes(repaired)
