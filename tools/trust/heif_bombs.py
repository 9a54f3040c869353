"""Bombs in HEIF's container (ISO/IEC 23008-12), around one small picture coded with HEVC or AV1.

A true file gives the coded picture and its decoder's configuration; everything around them is written here.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

MIB = 1 << 20


@dataclass(frozen=True)
class Coded:
    """A coded picture: its brand, the type of its item, the box that configures its decoder, its bytes, its side."""

    brand: bytes
    item: bytes
    config: bytes
    data: bytes
    side: int


@dataclass
class Container:
    """The items of a file, of which the last added is its primary one."""

    coded: Coded
    properties: list[bytes] = field(default_factory=list)
    kinds: list[bytes] = field(default_factory=list)
    places: list[list[tuple[int, int]]] = field(default_factory=list)
    of_items: list[list[int]] = field(default_factory=list)
    references: list[bytes] = field(default_factory=list)
    data: bytes = b""

    def add(self, kind: bytes, data: bytes, properties: Iterable[bytes], *, times: int = 1) -> int:
        """Add an item and return its id; `times`: its data is read that many times."""
        self.kinds.append(kind)
        self.places.append([(len(self.data), len(data))] * times)
        self.data += data
        numbers = []
        for one in properties:
            if one not in self.properties:
                self.properties.append(one)
            numbers.append(self.properties.index(one) + 1)
        self.of_items.append(numbers)
        return len(self.kinds)

    def picture(self, side: int = 0, more: Sequence[bytes] = (), *, times: int = 1) -> int:
        """Add the coded picture, which claims a side."""
        size = ispe(side or self.coded.side, side or self.coded.side)
        return self.add(self.coded.item, self.coded.data, [self.coded.config, size, *more], times=times)

    def derive(self, kind: bytes, data: bytes, side: int, sources: Sequence[int]) -> int:
        """Add a picture made of others."""
        number = self.add(kind, data, [ispe(side, side)])
        self.refer(b"dimg", number, sources)
        return number

    def refer(self, kind: bytes, item: int, to: Sequence[int]) -> None:
        """Add a reference (8.11.12 of ISO/IEC 14496-12)."""
        self.references.append(box(kind, struct.pack(f">IH{len(to)}I", item, len(to), *to)))

    def file(self) -> bytes:
        """Return the file."""
        head = box(b"ftyp", self.coded.brand + bytes(4) + b"mif1" + self.coded.brand)
        meta = self._meta(0)
        start = len(head) + len(meta) + 8
        return head + self._meta(start) + box(b"mdat", self.data)

    def _meta(self, start: int) -> bytes:
        count = len(self.kinds)
        names = b"".join(
            full(b"infe", 3, struct.pack(">IH4s", at + 1, 0, kind) + b"\0") for at, kind in enumerate(self.kinds)
        )
        extents = b"".join(
            struct.pack(">IHHH", at + 1, 0, 0, len(places))
            + b"".join(struct.pack(">II", start + place, size) for place, size in places)
            for at, places in enumerate(self.places)
        )
        owned = b"".join(
            struct.pack(f">IB{len(numbers)}H", at + 1, len(numbers), *(0x8000 | number for number in numbers))
            for at, numbers in enumerate(self.of_items)
        )
        return full(
            b"meta",
            0,
            full(b"hdlr", 0, bytes(4) + b"pict" + bytes(13))
            + full(b"pitm", 1, struct.pack(">I", count))
            + full(b"iloc", 2, b"\x44\0" + struct.pack(">I", count) + extents)
            + full(b"iinf", 1, struct.pack(">I", count) + names)
            + (full(b"iref", 1, b"".join(self.references)) if self.references else b"")
            + box(
                b"iprp",
                box(b"ipco", b"".join(self.properties)) + full(b"ipma", 1, struct.pack(">I", count) + owned, flags=1),
            ),
        )


def box(kind: bytes, body: bytes) -> bytes:
    """Return a box (4.2 of ISO/IEC 14496-12)."""
    return struct.pack(">I4s", len(body) + 8, kind) + body


def full(kind: bytes, version: int, body: bytes, flags: int = 0) -> bytes:
    """Return a box with a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags) + body)


def ispe(width: int, height: int) -> bytes:
    """Return the property of a size."""
    return full(b"ispe", 0, struct.pack(">II", width, height))


def grid(columns: int, side: int) -> bytes:
    """Return the data of a square grid of pictures (6.6.2.3)."""
    return struct.pack(">BBBBII", 0, 1, columns - 1, columns - 1, side, side)


def overlay(side: int, count: int) -> bytes:
    """Return the data of pictures on top of each other (6.6.2.2)."""
    return struct.pack(">BBHHHHII", 0, 1, 0, 0, 0, 0, side, side) + bytes(8 * count)


def coded_in(file: bytes) -> Coded:
    """Return the one coded picture of a true file."""
    kind = b"hvcC" if b"hvcC" in file else b"av1C"
    at = file.index(kind) - 4
    config = file[at : at + int.from_bytes(file[at : at + 4], "big")]
    size = file.index(b"ispe") + 8
    data = file[file.index(b"mdat") + 4 :]
    brand, item = (b"heic", b"hvc1") if kind == b"hvcC" else (b"avif", b"av01")
    return Coded(brand, item, config, data, int.from_bytes(file[size : size + 4], "big"))


def _tiles(coded: Coded, columns: int, claimed: int, side: int) -> bytes:
    """A grid whose tiles share one coded picture; each is an item of its own, as libavif wants it."""
    made = Container(coded)
    first = made.picture(side)
    count = columns * columns
    made.kinds *= count
    made.places *= count
    made.of_items *= count
    made.derive(b"grid", grid(columns, claimed), claimed, range(first, first + count))
    return made.file()


def _chain(coded: Coded, length: int) -> bytes:
    made = Container(coded)
    last = made.picture()
    for _ in range(length):
        last = made.derive(b"iden", b"", coded.side, [last])
    return made.file()


def _doubling(coded: Coded, depth: int) -> bytes:
    """Two pictures on every level, each of both of the level below on top of each other."""
    made = Container(coded)
    below = [made.picture(), made.picture()]
    for _ in range(depth):
        below = [made.derive(b"iovl", overlay(coded.side, 2), coded.side, below) for _ in below]
    return made.file()


def _circle(coded: Coded, kind: bytes) -> bytes:
    made = Container(coded)
    made.picture()
    data = {b"iden": b"", b"grid": grid(1, coded.side), b"iovl": overlay(coded.side, 1)}[kind]
    first = made.derive(kind, data, coded.side, [3])
    made.derive(kind, data, coded.side, [first])
    return made.file()


def _many(coded: Coded, count: int) -> bytes:
    made = Container(coded)
    made.picture()
    made.kinds *= count
    made.places *= count
    made.of_items *= count
    return made.file()


def _turned(coded: Coded, count: int) -> bytes:
    made = Container(coded)
    made.properties += [coded.config, ispe(coded.side, coded.side), box(b"irot", b"\1")]
    made.picture()
    made.of_items[-1] += [3] * count
    return made.file()


def _with_alpha(coded: Coded, side: int) -> bytes:
    made = Container(coded)
    kind = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"
    alpha = made.picture(side, [full(b"auxC", 0, kind)])
    picture = made.picture()
    made.refer(b"auxl", alpha, [picture])
    return made.file()


def _extents(coded: Coded, times: int) -> bytes:
    made = Container(coded)
    made.data += bytes(MIB)
    made.picture(times=1)
    made.places[-1] = [*made.places[-1], *[(0, MIB)] * times]
    return made.file()


def _properties(coded: Coded, count: int) -> bytes:
    made = Container(coded)
    made.picture()
    made.properties += [box(b"free", b"")] * count
    return made.file()


def _nested(coded: Coded, depth: int) -> bytes:
    body = b""
    for _ in range(depth):
        body = box(b"meta", bytes(4) + body)
    return box(b"ftyp", coded.brand + bytes(4) + b"mif1" + coded.brand) + full(b"meta", 0, body)


# What each makes of a coded picture, and whether that is refused; `None` where the decoders differ.
HEIF_BOMBS: dict[str, tuple[Callable[[Coded], bytes], bool | None]] = {
    "honest picture": (lambda coded: _many(coded, 1), False),
    "honest grid": (lambda coded: _tiles(coded, 2, 2 * coded.side, coded.side), False),
    "claims 2^31 - 1": (lambda coded: _tiles(coded, 1, 2**31 - 1, 2**31 - 1), True),
    "grid of 4,096 tiles, claims 4,096": (lambda coded: _tiles(coded, 64, 4096, coded.side), True),
    "grid of 961 tiles, claims 64": (lambda coded: _tiles(coded, 31, 64, coded.side), None),
    "grid of 961 tiles, claims 4,000": (lambda coded: _tiles(coded, 31, 4000, coded.side), True),
    "chain of 10,000 pictures": (lambda coded: _chain(coded, 10_000), True),
    "two on two, 60 deep": (lambda coded: _doubling(coded, 60), True),
    "circle of iden": (lambda coded: _circle(coded, b"iden"), True),
    "circle of grids": (lambda coded: _circle(coded, b"grid"), True),
    "circle of overlays": (lambda coded: _circle(coded, b"iovl"), True),
    "20,000 pictures": (lambda coded: _many(coded, 20_000), True),
    "turned 250 times": (lambda coded: _turned(coded, 250), None),
    "alpha claims 30,000": (lambda coded: _with_alpha(coded, 30_000), True),
    "picture of 2,000 MiB, in 1 MiB": (lambda coded: _extents(coded, 2000), True),
    "300,000 properties": (lambda coded: _properties(coded, 300_000), None),
    "boxes 10,000 deep": (lambda coded: _nested(coded, 10_000), True),
}
