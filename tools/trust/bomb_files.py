"""The bombs: by name, how each is made."""

import io
import re
import struct
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from cutline.limits import MIB
from tools.trust.icc_files import (
    claimed_names,
    claimed_table,
    curve_set,
    element_profile,
    elements,
    grid_element,
    icc,
    matrix_element,
    matrix_tags,
    named,
    png_with,
    table_profile,
)

_ROW = b"\0" + b"\x10\x20\x30" * 4


def _file(size: tuple[int, int], kind: str, mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind, **options)
    return buffer.getvalue()


def _frames(size: tuple[int, int], count: int, kind: str) -> bytes:
    """Frames that differ in one pixel, so that none is folded into the one before."""
    frames = []
    for index in range(count):
        frame = Image.new("P", size)
        frame.putpixel((index % size[0], 0), 1)
        frames.append(frame if kind == "GIF" else frame.convert("RGB"))
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def zeros(size: int) -> bytes:
    """Whole MiB of zeros, packed: one packed MiB again and again, because packing a gigabyte takes seconds."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    packed = packer.compress(b"\0" * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    end = zlib.compressobj(wbits=-zlib.MAX_WBITS).flush()
    adler = size % 65521 << 16 | 1
    return b"\x78\xda" + packed * (size // MIB) + end + adler.to_bytes(4, "big")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width: int, height: int, *chunks: bytes, interlaced: bool = False) -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, interlaced))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + _chunk(b"IEND", b"")


def _small_png(*chunks: bytes) -> bytes:
    return _png(4, 4, *chunks, _chunk(b"IDAT", zlib.compress(_ROW * 4)))


def _claim(data: bytes, at: int, form: str, *values: int) -> bytes:
    """The file with other numbers at a place."""
    changed = bytearray(data)
    struct.pack_into(form, changed, at, *values)
    return bytes(changed)


def _claiming(data: bytes, side: int) -> bytes:
    """A file of ISO/IEC 23008-12 with another width and height in each of its `ispe` boxes."""
    for at in (match.end() + 4 for match in re.finditer(b"ispe", data)):
        data = _claim(data, at, ">II", side, side)
    return data


def _segment(marker: int, body: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def _jpeg_with(*segments: bytes) -> bytes:
    small = _file((64, 64), "JPEG")
    return small[:2] + b"".join(segments) + small[2:]


def _jpeg_of_claimed_size() -> bytes:
    small = _file((64, 64), "JPEG")
    return _claim(small, small.index(b"\xff\xc0") + 5, ">HH", 65535, 65535)


def _jpeg_of_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again: each costs a pass over the whole picture."""
    data = _file((4096, 4096), "JPEG", "L", progressive=True, quality=50)
    start = data.rindex(b"\xff\xda")
    return data[:-2] + data[start:-2] * count + data[-2:]


def _exif_loop() -> bytes:
    """A directory whose EXIF and GPS directories, and next directory, are itself, and whose values are huge."""
    entries = [(0x8769, 4, 1, 8), (0x8825, 4, 1, 8), (0x010E, 2, 0x7FFFFFFF, 8), (0x927C, 7, 0x7FFFFFFF, 8)]
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries)) + body + struct.pack("<I", 8)


def _tiff(*tags: tuple[int, int, int, int], following: int = 0, data: bytes = b"") -> bytes:
    """One directory of tags (tag, type, count, value) and what follows it."""
    body = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + body + struct.pack("<I", following) + data


def _grey(width: int, height: int) -> list[tuple[int, int, int, int]]:
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (277, 3, 1, 1)]
    return [*tags, (273, 4, 1, 8), (278, 4, 1, height), (279, 4, 1, 64)]


def _tiff_directory_of(count: int) -> bytes:
    more = [(40_000 + index % 25_000, 4, 1, index) for index in range(count)]
    return _tiff(*_grey(8, 8), *more)


def _tiff_pages(count: int) -> bytes:
    page = _tiff(*_grey(8, 8))[8:]
    pages = bytearray(b"II*\0" + struct.pack("<I", 8))
    for index in range(count):
        pages += page[:-4] + struct.pack("<I", 8 + (index + 1) * len(page) if index < count - 1 else 0)
    return bytes(pages) + b"\0" * 64


def _bmp_run_length(side: int) -> bytes:
    """8 bits, run-length encoded: two bytes unfold to 255 pixels."""
    rows = (b"\xff\x01" * (side // 255 + 1) + b"\0\0") * side + b"\0\1"
    header = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, len(rows), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 14 + 40 + 1024 + len(rows), 0, 0, 14 + 40 + 1024) + header + bytes(1024) + rows


def _noise(side: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(3).integers(0, 256, (side, side, 3), np.uint8))


def _animated_webp() -> bytes:
    buffer = io.BytesIO()
    others = [_noise(64).resize((1024, 1024)) for _ in range(2)]
    _noise(64).resize((1024, 1024)).save(buffer, "WEBP", save_all=True, append_images=others * 20)
    return buffer.getvalue()


def _webp_canvas(width: int, height: int) -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0"
    body += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def _claiming_table(kind: bytes) -> bytes:
    return png_with(icc([*matrix_tags(), (b"A2B0", claimed_table(kind, 3, 15, 255))], b"RGB ", b"scnr", b"Lab "))


BOMBS: dict[str, Callable[[], bytes]] = {
    "PNG, largest honest picture": lambda: _file((4096, 4096), "PNG"),
    "PNG, interlaced, largest": lambda: _png(
        4096, 4096, _chunk(b"IDAT", zeros(52 * MIB)), interlaced=True
    ),
    "PNG claims 2^31 - 1": lambda: _png(2**31 - 1, 2**31 - 1, _chunk(b"IDAT", zlib.compress(b"\0"))),
    "PNG unfolds to a gigabyte": lambda: _png(18_918, 18_918, _chunk(b"IDAT", zeros(48 * MIB))),
    "PNG of 8 x 8 over a gigabyte of rows": lambda: _png(8, 8, _chunk(b"IDAT", zeros(1024 * MIB))),
    "PNG with an ICC profile of 200 MiB": lambda: _small_png(_chunk(b"iCCP", b"k\0\0" + zeros(200 * MIB))),
    "PNG with a profile of 6,000 curve sets": lambda: png_with(element_profile(b"D2B0", 6000, curve_set())),
    "PNG with a profile of 40,000 matrices": lambda: png_with(element_profile(b"D2B1", 40_000, matrix_element())),
    "PNG with a profile of 500 grids of 33": lambda: png_with(element_profile(b"D2B0", 500, grid_element(33))),
    "PNG with elements for a printer's table": lambda: png_with(
        icc([*matrix_tags(), (b"A2B0", elements(40_000, curve_set()))], kind=b"prtr")
    ),
    "PNG with a profile named in 80,000 languages": lambda: png_with(
        icc([(b"desc", named(*["enUS"] * 80_000)), *matrix_tags()[1:]])
    ),
    "PNG with a profile that claims 33 million languages": lambda: png_with(
        icc([(b"desc", claimed_names(2**25)), *matrix_tags()[1:]])
    ),
    **{
        f"PNG with a profile that claims 255^3 nodes, {kind.decode().strip()}": partial(_claiming_table, kind)
        for kind in (b"mft1", b"mft2", b"mAB ")
    },
    "JPEG, CMYK, with a table of 3.5 MiB": lambda: _file(
        (4096, 4096), "JPEG", "CMYK", icc_profile=table_profile(b"CMYK", 4, 28)
    ),
    "PNG with texts of 200 MiB": lambda: _small_png(*[_chunk(b"zTXt", b"k\0\0" + zeros(20 * MIB))] * 10),
    "PNG of 500,000 chunks": lambda: _small_png(*[_chunk(b"teSt", b"")] * 500_000),
    "PNG animated, 20,000 frames": lambda: _small_png(
        _chunk(b"acTL", struct.pack(">II", 20_000, 0)),
        *[_chunk(b"fcTL", struct.pack(">IIIIIHHBB", index, 4, 4, 0, 0, 1, 1, 0, 0)) for index in range(20_000)],
    ),
    "JPEG, largest honest picture": lambda: _file((4096, 4096), "JPEG"),
    "JPEG claims 65,535 x 65,535": _jpeg_of_claimed_size,
    "JPEG with 14 MiB of fill bytes": lambda: b"\xff\xd8" + b"\xff" * (14 * MIB) + _file((64, 64), "JPEG")[2:],
    "JPEG with 14 MiB of stuffed bytes": lambda: b"\xff\xd8" + b"\xff\0" * (7 * MIB) + _file((64, 64), "JPEG")[2:],
    "JPEG of 50 scans": lambda: _jpeg_of_scans(40),
    "JPEG of 10,000 scans": lambda: _jpeg_of_scans(10_000),
    "JPEG with a looping EXIF directory": lambda: _jpeg_with(_segment(0xE1, _exif_loop())),
    "JPEG with 14 MiB of EXIF and ICC": lambda: _jpeg_with(
        *[_segment(0xE1, b"Exif\0\0" + b"M" * 65_000)] * 110,
        *[_segment(0xE2, b"ICC_PROFILE\0" + bytes([i + 1, 100]) + b"\0" * 65_000) for i in range(100)],
    ),
    "GIF claims 65,535 x 65,535": lambda: _claim(_file((8, 8), "GIF", "P"), 6, "<HH", 65535, 65535),
    "GIF, largest honest picture": lambda: _file((4096, 4096), "GIF", "P"),
    "GIF whose frame is larger than its screen": lambda: _claim(_file((4096, 4096), "GIF", "P"), 6, "<HH", 8, 8),
    "GIF animated, 2,000 frames": lambda: _frames((256, 256), 2000, "GIF"),
    "WEBP claims 16,383 x 16,383": lambda: _webp_canvas(16_383, 16_383),
    "WEBP, 16,000 x 16,000 true": lambda: _file((16_000, 16_000), "WEBP", lossless=True, method=0),
    "WEBP, largest honest picture": lambda: _file((4096, 4096), "WEBP", "RGBA", lossless=True, method=0),
    "WEBP animated, 41 frames": _animated_webp,
    "AVIF, largest honest picture": lambda: _file((4096, 4096), "AVIF", "RGBA", quality=1, speed=10),
    "AVIF, 6,000 x 6,000 true": lambda: _file((6000, 6000), "AVIF", quality=1, speed=10),
    "AVIF of 6,000 x 6,000 claims 64 x 64": lambda: _claiming(_file((6000, 6000), "AVIF", quality=1, speed=10), 64),
    "AVIF animated, 200 frames": lambda: _frames((256, 256), 200, "AVIF"),
    "BMP claims 2^31 - 1": lambda: _claim(_file((8, 8), "BMP"), 18, "<ii", 2**31 - 1, 2**31 - 1),
    "BMP, run-length encoded, largest": lambda: _bmp_run_length(4096),
    "BMP, 1 bit, largest": lambda: _file((4096, 4096), "BMP", "1"),
    "TIFF claims 2^31 - 1": lambda: _tiff(*_grey(2**31 - 1, 2**31 - 1), data=b"\0" * 64),
    "TIFF, deflated, largest": lambda: _file((4096, 4096), "TIFF", compression="tiff_adobe_deflate"),
    "TIFF, 16 bits, deflated, largest": lambda: _file((4096, 4096), "TIFF", "I;16", compression="tiff_adobe_deflate"),
    "TIFF with a directory of 60,000 entries": lambda: _tiff_directory_of(60_000),
    "TIFF whose directories go in circles": lambda: _tiff(*_grey(8, 8), following=8, data=b"\0" * 64),
    "TIFF of 100,000 pages": lambda: _tiff_pages(100_000),
    "TIFF with 2^28 strips": lambda: _tiff(
        *[tag for tag in _grey(64, 64) if tag[0] not in (273, 279)], (273, 4, 2**28, 8), (279, 4, 2**28, 8)
    ),
    "TIFF with an ICC profile of 2^31 - 1 bytes": lambda: _tiff(
        *_grey(8, 8), (34675, 7, 2**31 - 1, 8), data=b"\0" * 64
    ),
    "polyglot: GIF's head, JPEG's body": lambda: b"GIF89a" + _file((512, 512), "JPEG"),
    "polyglot: PNG with 14 MiB after its end": lambda: _file((64, 64), "PNG") + b"PK\3\4" * (14 * MIB // 4),
    "polyglot: JPEG that goes on as a PDF": lambda: _file((64, 64), "JPEG") + b"%PDF-1.7\n" * 100_000,
}  # fmt: skip
