"""Format, size and scans of a file from its bytes, without a decoder."""

from __future__ import annotations

import re

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
)
# A still picture and a sequence, of which the first counts (ISO/IEC 23000-22).
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_WEBP_SIZE_BYTES = 10
# A marker that ends a scan's data: neither a stuffed byte nor a restart (ITU-T T.81, B.1.1).
_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)
_START_OF_SCAN, _END_OF_IMAGE = b"\xda", b"\xd9"


def sniff_format(data: bytes) -> str | None:
    """Pillow's name of the format that the first bytes belong to, or None; file name and Content-Type do not count."""
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp" and data[8:12] in _AVIF_BRANDS:
        return "AVIF"
    return None


def webp_size(data: bytes) -> tuple[int, int] | None:
    """Width and height from a WEBP's first chunk, or None if it is not one of the three known kinds.

    libwebp's animation decoder reserves two canvases when it opens a file, so the size must be known before
    (https://developers.google.com/speed/webp/docs/riff_container).
    """
    kind, body = data[12:16], data[20:30]
    if len(body) < _WEBP_SIZE_BYTES:
        return None
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    return None


def jpeg_scans(data: bytes) -> int:
    """How many scans a JPEG has, up to its end or to the point where it breaks off.

    Each scan of a progressive JPEG is a pass over the whole picture and can be as short as a few hundred bytes.
    """
    at, scans = 2, 0
    while (marker := _MARKER.search(data, at)) is not None and marker[1] != _END_OF_IMAGE:
        scans += marker[1] == _START_OF_SCAN
        at = marker.end() + max(int.from_bytes(data[marker.end() : marker.end() + 2], "big"), 2)
    return scans
