"""Exif blocks: a bounded reader of TIFF directories, what of them is kept, and a writer (TIFF 6.0, 2; Exif 3.0, 4.6).

Values are copied byte by byte, in the block's own byte order. Never kept: the thumbnail, which shows the picture with
its background; the orientation, which is applied; the maker's note, whose offsets a move breaks and which may hold
previews; sizes of the picture; serial numbers and the owner's name, except with "all".
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cutline.limits import KIB
from cutline.pipeline.options import MetadataMode

PREFIX: Final = b"Exif\0\0"
# Of a block and of a value: a JPEG's segment has 64 KiB for all.
MAX_BLOCK_BYTES = 64 * KIB
_MAX_VALUE_BYTES, _MAX_OUT_BYTES, _MAX_ENTRIES = 4 * KIB, 32 * KIB, 1000
_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_HEADER_BYTES, _ENTRY_BYTES, _INLINE_BYTES = 8, 12, 4
_ASCII, _SHORT, _LONG, _RATIONAL, _IFD, _UTF8 = 2, 3, 4, 5, 13, 129
_SIZES = {1: 1, _ASCII: 1, _SHORT: 2, _LONG: 4, _RATIONAL: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_SIZES |= {_IFD: 4, _UTF8: 1}
_TEXTS = (_ASCII, _UTF8)
_NUMBERS = frozenset({_SHORT, _LONG, _RATIONAL, 8, 9, 10})
XMP_TAG = 700
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 282, 283, 296
_PER_INCH, _PER_CM, _CM = 2, 3, 2.54
_EXIF, _GPS, _COLOUR_SPACE, _EXIF_VERSION = 0x8769, 0x8825, 40961, 36864
_SRGB = 1
# Make, model, date, artist and copyright; with "all" also descriptions, software, host and rating.
_MAIN = frozenset({271, 272, 306, 315, 33432})
_MAIN_OF_ALL = _MAIN | {269, 270, 285, 305, 316, 337, 18246, 18249, *range(40091, 40096)}
# Exposure, dates and lens (4.6.5, Tables 7 to 9); the subject's distance and area are not among them.
_EXPOSURE = frozenset({33434, 33437, 34850, 34855, *range(34864, 34870), *range(37377, 37382), *range(37383, 37387)})
_DATES = frozenset({36867, 36868, *range(36880, 36883), *range(37520, 37523)})
_LENS = frozenset({*range(41985, 41991), 42034, 42035, 42036})
_KEPT = _EXPOSURE | _DATES | _LENS
# Maker's note, size, interoperability directory, and what is written anew.
_NEVER = frozenset({37500, 40962, 40963, 40965, _COLOUR_SPACE, _EXIF_VERSION})


@dataclass(frozen=True)
class Entry:
    """A value of a directory: its type's number, how many of that type, and the bytes."""

    kind: int
    count: int
    value: bytes


Directory = Mapping[int, Entry]


@dataclass(frozen=True)
class Block:
    """A block's directories: the main one, the camera's and the place's. order: "<" or ">"."""

    order: str
    main: Directory
    exif: Directory
    gps: Directory

    @property
    def dpi(self) -> tuple[float, float] | None:
        """Return the resolution, if the main directory has one."""
        try:
            (unit,) = struct.unpack(f"{self.order}H", self.main[_RESOLUTION_UNIT].value[:2])
            pairs = [
                struct.unpack(f"{self.order}II", self.main[tag].value[:8]) for tag in (_X_RESOLUTION, _Y_RESOLUTION)
            ]
            x, y = (above / below for above, below in pairs)
        except (KeyError, struct.error, ZeroDivisionError):
            return None
        factor = {_PER_INCH: 1.0, _PER_CM: _CM}.get(unit)
        return None if factor is None else (x * factor, y * factor)


def read_block(data: bytes, max_value_bytes: int = _MAX_VALUE_BYTES) -> Block:
    """Read the directories of a block, or of a TIFF file. Raises ValueError where they break off."""
    data = data.removeprefix(PREFIX)
    order = _ORDERS.get(data[:4])
    if order is None or len(data) < _HEADER_BYTES:
        raise ValueError("not an Exif block")
    (at,) = struct.unpack_from(f"{order}I", data, 4)
    main = _read_directory(data, at, order, max_value_bytes)
    exif, gps = (_pointed(data, main, tag, order) for tag in (_EXIF, _GPS))
    return Block(order, main, exif, gps)


def _pointed(data: bytes, main: Directory, tag: int, order: str) -> Directory:
    entry = main.get(tag)
    if entry is None:
        return {}
    # TIFF Technical Note 1 gives offsets of directories a type of their own.
    if entry.kind not in (_LONG, _IFD) or entry.count != 1:
        raise ValueError("a directory's offset is not a number")
    (at,) = struct.unpack(f"{order}I", entry.value)
    return _read_directory(data, at, order, _MAX_VALUE_BYTES)


def _read_directory(data: bytes, at: int, order: str, max_value_bytes: int) -> Directory:
    """Return the entries by tag, without those of unknown types or with too many bytes."""
    try:
        (count,) = struct.unpack_from(f"{order}H", data, at)
    except struct.error as error:
        raise ValueError("a directory lies outside of the block") from error
    if count > _MAX_ENTRIES or at + 2 + count * _ENTRY_BYTES > len(data):
        raise ValueError("a directory is longer than its block")
    found: dict[int, Entry] = {}
    for number in range(count):
        place = at + 2 + number * _ENTRY_BYTES
        tag, kind, values = struct.unpack_from(f"{order}HHI", data, place)
        size = _SIZES.get(kind, 0) * values
        if not 0 < size <= max_value_bytes:
            continue
        start = place + 8
        if size > _INLINE_BYTES:
            (start,) = struct.unpack_from(f"{order}I", data, start)
        if start + size > len(data):
            raise ValueError("a value lies outside of the block")
        found.setdefault(tag, Entry(kind, values, data[start : start + size]))
    return found


def kept_block(block: Block | None, mode: MetadataMode, dpi: tuple[float, float] | None) -> bytes:
    """Write what is kept of a block, with its prefix: empty if that is nothing. Raises ValueError if it is too large.

    `dpi` replaces the block's own; the colour space is sRGB.
    """
    order = "<" if block is None else block.order
    main, exif, gps = {}, {}, {}
    if block is not None:
        is_all = mode == "all"
        main = _cleaned(block.main, _MAIN_OF_ALL if is_all else _MAIN, is_all=is_all)
        exif = _cleaned(block.exif, frozenset(block.exif) - _NEVER if is_all else _KEPT, is_all=is_all)
        gps = _cleaned(block.gps, frozenset(block.gps), is_all=True) if is_all else {}
    if dpi is not None:
        for tag, value in ((_X_RESOLUTION, dpi[0]), (_Y_RESOLUTION, dpi[1])):
            main[tag] = Entry(_RATIONAL, 1, struct.pack(f"{order}II", round(value * 1000), 1000))
        main[_RESOLUTION_UNIT] = Entry(_SHORT, 1, struct.pack(f"{order}H", _PER_INCH))
    if not main and not exif and not gps:
        return b""
    exif[_EXIF_VERSION] = Entry(7, 4, b"0232")
    exif[_COLOUR_SPACE] = Entry(_SHORT, 1, struct.pack(f"{order}H", _SRGB))
    written = _written(order, main, exif, gps)
    if len(written) > _MAX_OUT_BYTES:
        raise ValueError("the block is too large")
    return PREFIX + written


def _cleaned(directory: Directory, tags: frozenset[int], *, is_all: bool) -> dict[int, Entry]:
    """Return the entries of these tags: texts without control characters; numbers, and with "all" other bytes."""
    kept = {}
    for tag in tags & set(directory):
        entry = directory[tag]
        if entry.kind in _TEXTS:
            text = _printable(entry.value)
            if text:
                kept[tag] = Entry(entry.kind, len(text) + 1, text + b"\0")
        elif entry.kind in _NUMBERS or (is_all and entry.kind != _IFD):
            kept[tag] = entry
    return kept


def _printable(value: bytes) -> bytes:
    """Return a text without control characters. A copyright's two parts are separated by a NUL (Exif 4.6.4)."""
    parts = (bytes(byte for byte in part if byte >= 32 and byte != 127) for part in value.split(b"\0")[:2])  # noqa: PLR2004
    return b"\0".join(parts).rstrip(b"\0 ")


def _written(order: str, main: dict[int, Entry], exif: Directory, gps: Directory) -> bytes:
    pointed = [(_EXIF, exif), *([(_GPS, gps)] if gps else [])]
    main |= {tag: Entry(_LONG, 1, bytes(4)) for tag, _ in pointed}
    at = _HEADER_BYTES + len(_directory(main, 0, order))
    rest = b""
    for tag, directory in pointed:
        main[tag] = Entry(_LONG, 1, struct.pack(f"{order}I", at + len(rest)))
        rest += _directory(directory, at + len(rest), order)
    header = next(magic for magic, known in _ORDERS.items() if known == order)
    return header + struct.pack(f"{order}I", _HEADER_BYTES) + _directory(main, _HEADER_BYTES, order) + rest


def _directory(entries: Directory, at: int, order: str) -> bytes:
    """Write a directory that begins at an offset, and its values after it, each at an even offset."""
    table, values = struct.pack(f"{order}H", len(entries)), b""
    start = at + len(table) + len(entries) * _ENTRY_BYTES + _INLINE_BYTES
    for tag, entry in sorted(entries.items()):
        if len(entry.value) > _INLINE_BYTES:
            place = struct.pack(f"{order}I", start + len(values))
            values += entry.value + bytes(len(entry.value) % 2)
        else:
            place = entry.value.ljust(_INLINE_BYTES, b"\0")
        table += struct.pack(f"{order}HHI", tag, entry.kind, entry.count) + place
    return table + bytes(_INLINE_BYTES) + values
