"""Pixels to files: PNG with alpha, in half of Pillow's time, JPEG, WebP and AVIF with alpha, 8-bit masks."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final, Protocol

import numpy as np
from PIL import Image, features

from cutline.errors import InputRefused, Reason, ServiceFault
from cutline.pipeline.codecs.deep import U16
from cutline.pipeline.codecs.file_metadata import FileMetadata, png_metadata_chunks
from cutline.pipeline.filters import U8
from cutline.pipeline.layout.framing import MAX_WEBP_SIDE_PX
from cutline.pipeline.options import ImageFormat
from cutline.pipeline.timing import SLOWDOWN, time_left_s

JPEG_QUALITY = 93
WEBP_QUALITY = 90
# Photographs have a fifth less squared error than as WebP in as many bytes.
AVIF_QUALITY = 85
# Of 0 to 6: beyond 2 the time doubles and the file shrinks by a few per cent.
_WEBP_EFFORT = 2
# Of 0, the slowest, to 10: at 8 noise takes three times as long.
_AVIF_SPEED = 9
# JFIF has two bytes for it; larger ones stand in Exif only.
_MAX_JFIF_DPI = 65_535
# Upper bounds of the native encoders' CPU seconds per pixel: 50 % more than noise with soft alpha took on 22 November
# 2026, 0.02 and 0.24 per megapixel, and 0.51 for AVIF on the 24th. No signal handler runs during such a call; PNG is
# written block by block. `SLOWDOWN` makes them those of another processor.
WORST_S_PER_PX: Final[Mapping[str, float]] = {"JPEG": 0.03e-6, "WEBP": 0.36e-6, "AVIF": 0.77e-6}


def encode_png(pixels_u8: U8, metadata: FileMetadata | None = None) -> bytes:
    """A PNG of grey (H, W), RGB (H, W, 3) or RGBA (H, W, 4) bytes."""
    return png_file(pixels_u8, () if metadata is None else png_metadata_chunks(metadata))


def encode_jpeg(pixels_u8: U8, metadata: FileMetadata | None = None, quality: int = JPEG_QUALITY) -> bytes:
    """A JPEG of grey (H, W) or RGB (H, W, 3) bytes; colour keeps full resolution, or the subject's edge would bleed."""
    return _saved(pixels_u8, "JPEG", metadata, quality=quality, subsampling=0)


def encode_webp(pixels_u8: U8, metadata: FileMetadata | None = None, quality: int = WEBP_QUALITY) -> bytes:
    """A lossy WebP of grey, RGB or RGBA bytes, whose alpha is kept exactly. A side is at most 16,383 px."""
    return _saved(pixels_u8, "WEBP", metadata, quality=quality, alpha_quality=100, method=_WEBP_EFFORT)


def encode_deep_png(rgba_u16: U16, metadata: FileMetadata | None = None) -> bytes:
    """A PNG of RGBA (H, W, 4) in 16 bits."""
    return png_file(rgba_u16, () if metadata is None else png_metadata_chunks(metadata))


@cache
def writes_avif() -> bool:
    """Return whether Pillow was built with the AVIF encoder whose alpha can be lossless, as its wheels are."""
    if not features.check("avif"):
        return False
    from PIL import _avif  # noqa: PLC0415

    return bool(_avif.encoder_codec_available("aom"))


def encode_avif(pixels_u8: U8, metadata: FileMetadata | None = None, quality: int = AVIF_QUALITY) -> bytes:
    """A lossy AVIF of grey, RGB or RGBA bytes, whose alpha is kept exactly; colour keeps full resolution.

    One thread, or the time would depend on the machine. Raises InputRefused(PARAMETER_INVALID) where Pillow has no
    encoder.
    """
    if not writes_avif():
        raise InputRefused(Reason.PARAMETER_INVALID, "format: this installation of Pillow cannot write AVIF")
    return _saved(
        pixels_u8,
        "AVIF",
        metadata,
        quality=quality,
        subsampling="4:4:4",
        speed=_AVIF_SPEED,
        codec="aom",
        max_threads=1,
        advanced={"alpha:lossless": "1"},
    )


class Encoder(Protocol):
    """Makes a file of pixels, with what it keeps of the picture's."""

    def __call__(self, pixels_u8: U8, metadata: FileMetadata | None = None) -> bytes: ...


ENCODERS: Final[Mapping[ImageFormat, Encoder]] = {
    "png": encode_png,
    "jpeg": encode_jpeg,
    "webp": encode_webp,
    "avif": encode_avif,
}


def _saved(pixels_u8: U8, name: str, metadata: FileMetadata | None, **settings: Any) -> bytes:
    height, width = pixels_u8.shape[:2]
    _expect(WORST_S_PER_PX.get(name, 0.0) * width * height * SLOWDOWN.wall)
    file = io.BytesIO()
    if metadata is not None:
        settings |= {part: value for part, value in (("exif", metadata.exif), ("xmp", metadata.xmp)) if value}
        if name == "JPEG" and metadata.dpi and max(metadata.dpi) <= _MAX_JFIF_DPI:
            settings["dpi"] = metadata.dpi
    Image.fromarray(np.ascontiguousarray(pixels_u8)).save(file, name, **settings)
    return file.getvalue()


def _expect(seconds: float) -> None:
    """Raises ServiceFault(TIMED_OUT) if less time is left."""
    left_s = time_left_s()
    if left_s < seconds:
        text = f"an encoder may take {seconds:.1f} s of the {left_s:.1f} s that are left"
        raise ServiceFault(Reason.TIMED_OUT, text)


# The PNG writer: one filter for all rows, computed by NumPy, and run-length coding. libpng and Pillow try five filters
# on each row, which takes longer than deflate does. On cut-outs of photographs Paeth's filter gives files of the same
# size; run lengths are 10 % faster and 15 % smaller than deflate's own matching at level 1, because only the empty
# background repeats.
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Colour types of the header by the number of channels (PNG 11.2.2).
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_PAETH = 4
_LEVEL, _WINDOW_BITS, _MEMORY_LEVEL = 1, 15, 9
# Rows are filtered in blocks that stay in the processor's cache.
_BLOCK_BYTES = 128 * 1024


def png_file(pixels: U8 | U16, chunks: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    """A PNG of grey (H, W), grey and alpha (H, W, 2), RGB (H, W, 3) or RGBA (H, W, 4), of 8 or 16 bits.

    chunks: more of them, kind and body, for between header and pixels. Needs less than 2 MiB of memory besides the
    file.
    """
    height, width = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]  # noqa: PLR2004
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, _COLOUR_TYPES[channels], 0, 0, 0)
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL, zlib.Z_RLE)
    parts = [deflate.compress(block.data) for block in _filtered(pixels.reshape(height, -1), channels)]
    data = b"".join((*parts, deflate.flush()))
    more = [_chunk(kind, body) for kind, body in chunks]
    return b"".join((_PNG_SIGNATURE, _chunk(b"IHDR", header), *more, _chunk(b"IDAT", data), _chunk(b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join((struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))))


def _filtered(samples: U8 | U16, channels: int) -> Iterator[U8]:
    """Blocks of the rows (H, n), each row led by its filter's number; `channels` samples make a pixel.

    A block's memory is used again for the next one. The filter runs over a block as one line, the bytes between its
    rows included: NumPy is twice as fast over one long line as over many short ones.
    """
    height, length = samples.shape[0], samples.shape[1] * samples.itemsize
    step = channels * samples.itemsize
    count = max(1, min(height, _BLOCK_BYTES // length))
    # The row above the block, and a pixel left of all rows: both are 0 at the picture's border.
    stride = length + step
    line = np.zeros((count + 1) * stride, np.uint8)
    padded = line.reshape(count + 1, stride)
    block = np.empty((count, length + 1), np.uint8)
    block[:, 0] = _PAETH
    scratch = np.empty((4, count * stride), np.uint8)
    for top in range(0, height, count):
        rows = min(count, height - top)
        padded[0] = padded[count]
        # Of two bytes the higher one comes first (PNG 7.1).
        part = samples[top : top + rows]
        padded[1 : rows + 1, step:] = part if part.itemsize == 1 else part.astype(">u2").view(np.uint8)
        end = rows * stride
        left, above, corner = line[stride : stride + end - step], line[step:end], line[: end - step]
        _paeth(left, above, corner, *scratch[:, : end - step])
        predicted = scratch[0, :end].reshape(rows, stride)[:, :length]
        np.subtract(padded[1 : rows + 1, step:], predicted, out=block[:rows, 1:])
        yield block[:rows]


def _paeth(a: U8, b: U8, c: U8, p: U8, q: U8, r: U8, s: U8) -> None:
    """Into `p`: of left, above and corner the one nearest to a + b - c, the first of two equally near (PNG 9.4).

    With pa = |b - c| and pb = |a - c|, the corner's distance is |pa - pb| where it lies between a and b, and pa + pb
    elsewhere. Bytes suffice for that; masks of 0 and 255 choose, because NumPy's `where` is several times slower.
    """
    pa = np.subtract(np.maximum(b, c, out=p), np.minimum(b, c, out=q), out=p)
    pb = np.subtract(np.maximum(a, c, out=q), np.minimum(a, c, out=r), out=q)
    is_a = np.negative(np.less_equal(pa, pb, out=s.view(np.bool_)).view(np.uint8), out=s)
    nearer = np.minimum(pa, pb, out=r)
    gap = np.subtract(np.maximum(pa, pb, out=p), nearer, out=p)
    is_nearer = np.less(gap, nearer, out=r.view(np.bool_))
    # b ^ ((a ^ b) & mask) is a or b.
    side = np.bitwise_xor(np.bitwise_and(np.bitwise_xor(a, b, out=p), is_a, out=p), b, out=p)
    is_between = np.not_equal(
        np.less(a, c, out=q.view(np.bool_)), np.less(b, c, out=s.view(np.bool_)), out=q.view(np.bool_)
    )
    is_c = np.negative(np.logical_and(is_between, is_nearer, out=is_between).view(np.uint8), out=q)
    np.bitwise_xor(np.bitwise_and(np.bitwise_xor(side, c, out=r), is_c, out=r), side, out=p)


# A mask is data: its values must not change. A JPEG would lose quality twice.
_COLOUR_MODES = ("RGB", "RGBA")


def as_webp(png: bytes) -> bytes | None:
    """The WebP copy of a stored PNG, or None for a mask or a picture whose sides WebP cannot have."""
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        if image.mode not in _COLOUR_MODES or max(image.size) > MAX_WEBP_SIDE_PX:
            return None
        return encode_webp(np.asarray(image))
