"""Format, size and scans of a file from its bytes, without a decoder."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
# HEVC inside, still and in sequences (ISO/IEC 23008-12), and what says nothing of the inside.
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_HEIF_BRANDS = frozenset({b"mif1", b"msf1"})
_MAX_BRANDS_BYTES = 256
_WEBP_SIZE_BYTES = 10
# A marker that ends a scan's data: neither a stuffed byte nor a restart (ITU-T T.81, B.1.1).
# If several \xff stand in a row, the last one counts. A pattern that begins with one byte is found 20 times as fast.
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)
PNG_SIGNATURE_BYTES, _PNG_CHUNK_BYTES = 8, 12
PNG_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
PNG_PROFILE = frozenset({b"iCCP"})
# SOF0 to SOF15 without the tables that lie between them.
_FRAMES = frozenset(bytes([0xC0 + number]) for number in range(16) if number not in (4, 8, 12))
_START_OF_SCAN, _END_OF_IMAGE = b"\xda", b"\xd9"


def sniff_format(data: bytes) -> str | None:
    """Pillow's name of the format that the first bytes belong to, or None; file name and Content-Type do not count."""
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return _sniff_heif(data) if data[4:8] == b"ftyp" else None


def _sniff_heif(data: bytes) -> str | None:
    """AVIF or HEIF by the brands of the file's first box: the major one or, where that is general, the compatible."""
    major, end = data[8:12], min(int.from_bytes(data[:4], "big"), _MAX_BRANDS_BYTES)
    brands = {data[at : at + 4] for at in range(16, end - 3, 4)} if major in _HEIF_BRANDS else {major}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEIC_BRANDS else None


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


def jpeg_scans(data: bytes) -> tuple[int, bool]:
    """Count a JPEG's scans, up to where it breaks off, and say whether its end is marked.

    Each scan of a progressive JPEG is a pass over the whole picture and can be as short as a few hundred bytes.
    """
    scans = 0
    for marker, _ in _jpeg_segments(data):
        if marker == _END_OF_IMAGE:
            return scans, True
        scans += marker == _START_OF_SCAN
    return scans, False


def jpeg_padding(data: bytes) -> int:
    """Count the bytes between a JPEG's segments before its first scan, which Pillow reads one by one in Python."""
    padding, at = 0, 2
    for marker, place in _jpeg_segments(data):
        padding += place - len(b"\xff\xda") - at
        if marker == _START_OF_SCAN:
            return padding
        at = place + max(int.from_bytes(data[place : place + 2], "big"), 2)
    return padding + max(len(data) - at, 0)


def jpeg_is_whole(data: bytes) -> bool:
    """Return whether a JPEG's begun scans hold each coefficient of each component to its last bit (T.81 G.1.1)."""
    left: dict[int, set[int]] = {}
    for marker, at in _jpeg_segments(data):
        if marker in _FRAMES:
            left = {number: set(range(64)) for number in data[at + 8 : at + 8 + 3 * data[at + 7] : 3]}
        elif marker == _START_OF_SCAN:
            numbers = data[at + 3 : at + 3 + 2 * data[at + 2] : 2]
            first, last, bits = data[at + 3 + 2 * data[at + 2] :][:3]
            for number in numbers if bits % 16 == 0 else b"":
                left.get(number, set()).difference_update(range(first, last + 1))
    return bool(left) and not any(left.values())


def _jpeg_segments(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Return the markers of a JPEG, each with where its length stands."""
    at = 2
    while (marker := _MARKER.search(data, at)) is not None:
        yield marker[1], marker.end()
        at = marker.end() + max(int.from_bytes(data[marker.end() : marker.end() + 2], "big"), 2)


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Return a PNG's chunks, kind and body, up to where they break off (PNG 5.3)."""
    at = PNG_SIGNATURE_BYTES
    while at + _PNG_CHUNK_BYTES <= len(data):
        end = at + _PNG_CHUNK_BYTES + int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at + 8 : end - 4]
        at = end


def without_chunks(data: bytes, kinds: frozenset[bytes]) -> bytes:
    """Return a PNG without chunks of some kinds, up to where its chunks break off (PNG 11.3.3)."""
    kept, at = [data[:PNG_SIGNATURE_BYTES]], PNG_SIGNATURE_BYTES
    while at + _PNG_CHUNK_BYTES <= len(data):
        end = at + _PNG_CHUNK_BYTES + int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] not in kinds:
            kept.append(data[at:end])
        at = end
    return b"".join((*kept, data[at:]))
