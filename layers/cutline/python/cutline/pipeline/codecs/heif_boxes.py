"""Bounds on the container of HEIC and AVIF, from its boxes, before a decoder reads it (ISO/IEC 14496-12, 23008-12)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from cutline.limits import KIB

# By the tables' boxes, the bytes of all of one kind. A thousand tiles need half of this. libavif looks for an item
# among all before it: 65,000 in 3.5 MB take half a minute.
_MAX_BYTES = {b"iinf": 96 * KIB, b"iloc": 64 * KIB, b"ipma": 24 * KIB, b"iref": 16 * KIB}
# Boxes that hold boxes, each with what stands before the first one.
_HOLDERS = {b"meta": 4, b"iprp": 0, b"moov": 0, b"trak": 0}
_MAX_BOXES = 500
# How many pictures may be decoded for one, and how often one may be derived from others. libheif decodes a picture for
# each use: two on every level, made of both of the level below, would be 2^24 in a file of 5 KB.
_MAX_PICTURES, _MAX_DEPTH = 2000, 4
_HEADER_BYTES, _LONG_HEADER_BYTES = 8, 16


def is_bounded(data: bytes) -> bool:
    """Return whether the tables of a container's items, and the pictures to decode, are within the bounds."""
    sizes, uses = Counter[bytes](), dict[int, list[int]]()
    for count, (kind, start, end) in enumerate(_boxes(data, 0, len(data))):
        sizes[kind] += end - start
        if count > _MAX_BOXES or sizes[kind] > _MAX_BYTES.get(kind, len(data)):
            return False
        if kind == b"iref":
            for item, sources in _derivations(data[start:end]):
                uses.setdefault(item, []).extend(sources)
    return _is_shallow(uses)


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield each box by its kind, with where its body begins and ends, and then those in it."""
    while at + _HEADER_BYTES <= end:
        size, kind, start = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], at + _HEADER_BYTES
        if size == 1:
            size, start = int.from_bytes(data[start : start + 8], "big"), at + _LONG_HEADER_BYTES
        past = min(at + size, end) if size else end
        if past < start:
            return
        yield kind, start, past
        if kind in _HOLDERS:
            yield from _boxes(data, start + _HOLDERS[kind], past)
        at = past


def _derivations(table: bytes) -> Iterator[tuple[int, list[int]]]:
    """Yield the items of a table of references that are made of others, with those (8.11.12 of 14496-12)."""
    width = 4 if table[:1] == b"\1" else 2
    for kind, start, end in _boxes(table, 4, len(table)):
        if kind == b"dimg":
            numbers = [int.from_bytes(table[at : at + width], "big") for at in range(start + width + 2, end, width)]
            yield int.from_bytes(table[start : start + width], "big"), numbers


def _is_shallow(uses: dict[int, list[int]]) -> bool:
    """Return whether no picture needs more than the bound of others; one that needs itself does."""
    needed = dict.fromkeys(uses, 1)
    for _ in range(_MAX_DEPTH):
        needed = {item: 1 + sum(needed.get(source, 1) for source in sources) for item, sources in uses.items()}
        if any(count > _MAX_PICTURES for count in needed.values()):
            return False
    return needed == {item: 1 + sum(needed.get(source, 1) for source in sources) for item, sources in uses.items()}
