"""What a file says besides its pixels: Exif, XMP and resolution, read within bounds. What is damaged is left out."""

from __future__ import annotations

import io
import math
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from PIL import Image

from cutline.pipeline.codecs.exif import MAX_BLOCK_BYTES, XMP_TAG, Block, kept_block, read_block
from cutline.pipeline.codecs.headers import png_chunks
from cutline.pipeline.codecs.xmp import MAX_PACKET_BYTES, kept_packet
from cutline.pipeline.options import MetadataMode

XMP_KEYWORD = b"XML:com.adobe.xmp"
_MAX_DPI = 100_000
_INCH_M, _PER_METRE = 0.0254, 1


@dataclass(frozen=True)
class FileMetadata:
    """What a result keeps of its picture's file.

    exif: a block with its prefix, and xmp: a packet, both empty if there is none; dpi: of both axes; left_out: which of
    "exif", "xmp" was there and could not be kept.
    """

    exif: bytes = b""
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None
    left_out: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return which parts the result has; its colours are in sRGB, and it says so."""
        parts = (("exif", self.exif), ("xmp", self.xmp), ("dpi", self.dpi), ("srgb", True))
        kept = ", ".join(name for name, value in parts if value)
        return f"{kept}; left out: {', '.join(self.left_out)}" if self.left_out else kept


@dataclass(frozen=True)
class _Found:
    """A file's parts as they are in it. file: a TIFF, which is its own Exif block."""

    exif: bytes = b""
    xmp: bytes = b""
    dpi: object = None
    file: bytes = b""


def read_metadata(data: bytes, name: str, mode: MetadataMode, errors: tuple[type[Exception], ...]) -> FileMetadata:
    """Return what is kept of a file that was decoded as the format `name`; `errors` are those of Pillow's plugins."""
    try:
        found = _in_png(data) if name == "PNG" else _in_file(data, name)
    except errors:
        return FileMetadata(left_out=("exif", "xmp"))
    left_out = []

    def attempt(part: str, make: Callable[[], Any]) -> Any:
        try:
            return make()
        except (ValueError, OverflowError, RecursionError):
            left_out.append(part)
            return None

    block: Block | None = attempt("exif", lambda: _block(found))
    packet = found.xmp
    if found.file and block is not None and XMP_TAG in block.main:
        packet = block.main[XMP_TAG].value
    dpi = _checked_dpi(found.dpi) or (None if block is None else _checked_dpi(block.dpi))
    exif = attempt("exif", lambda: kept_block(block, mode, dpi)) or b""
    xmp = attempt("xmp", lambda: kept_packet(packet, mode)) if packet else b""
    return FileMetadata(exif, xmp or b"", dpi, tuple(dict.fromkeys(left_out)))


def _block(found: _Found) -> Block | None:
    if found.file:
        return read_block(found.file, MAX_PACKET_BYTES)
    if len(found.exif) > MAX_BLOCK_BYTES:
        raise ValueError("the block is too large")
    return read_block(found.exif) if found.exif else None


def _in_file(data: bytes, name: str) -> _Found:
    """Return the parts that Pillow finds when it opens the file, without decoding it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data), formats=[name]) as image:
            info = image.info
    parts = [info.get(part) for part in ("exif", "xmp")]
    exif, xmp = (part if isinstance(part, bytes) else b"" for part in parts)
    return _Found(exif, xmp, info.get("dpi"), data if name == "TIFF" else b"")


def _in_png(data: bytes) -> _Found:
    """Return the parts of a PNG (11.3.3 to 11.3.5), wherever in the file they stand."""
    first: dict[bytes, bytes] = {}
    for kind, body in png_chunks(data):
        if kind == b"iTXt" and not body.startswith(XMP_KEYWORD + b"\0"):
            continue
        if kind in (b"eXIf", b"pHYs", b"iTXt"):
            first.setdefault(kind, body)
    return _Found(first.get(b"eXIf", b""), _itxt(first.get(b"iTXt", b"")), _phys(first.get(b"pHYs", b"")))


def _itxt(body: bytes) -> bytes:
    """Return the text of an iTXt chunk, at most a byte more than a packet may have."""
    rest = body[len(XMP_KEYWORD) + 1 :]
    is_compressed, text = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]
    if not is_compressed:
        return text
    try:
        return zlib.decompressobj().decompress(text, MAX_PACKET_BYTES + 1)
    except zlib.error:
        return b"damaged"


def _phys(body: bytes) -> tuple[float, float] | None:
    if len(body) != struct.calcsize(">IIB"):
        return None
    x, y, unit = struct.unpack(">IIB", body)
    # Whole numbers of an inch are not whole ones of a metre.
    return (round(x * _INCH_M, 2), round(y * _INCH_M, 2)) if unit == _PER_METRE else None


def _checked_dpi(dpi: object) -> tuple[float, float] | None:
    try:
        x, y = (float(value) for value in dpi)  # type: ignore[attr-defined]
    except (TypeError, ValueError, ArithmeticError):
        return None
    return (x, y) if all(math.isfinite(value) and 1 <= value <= _MAX_DPI for value in (x, y)) else None


def png_metadata_chunks(metadata: FileMetadata) -> Iterator[tuple[bytes, bytes]]:
    """Return the chunks of a PNG that hold the metadata, and say that its colours are sRGB (11.3.2.5)."""
    yield b"sRGB", b"\0"
    if metadata.dpi is not None:
        yield b"pHYs", struct.pack(">IIB", *(round(value / _INCH_M) for value in metadata.dpi), _PER_METRE)
    if metadata.exif:
        yield b"eXIf", metadata.exif.removeprefix(b"Exif\0\0")
    if metadata.xmp:
        yield b"iTXt", XMP_KEYWORD + b"\0\0\0\0\0" + metadata.xmp
