"""ICC profiles made by hand: honest ones of both kinds, and such as cost littlecms much more than they weigh."""

import struct
import zlib
from collections.abc import Sequence

_WHITE = (0.9642, 1.0, 0.8249)
_COLUMNS = {b"rXYZ": (0.4361, 0.2225, 0.0139), b"gXYZ": (0.3851, 0.7169, 0.0971), b"bXYZ": (0.1431, 0.0606, 0.7139)}
TagTable = Sequence[tuple[bytes, bytes]]


def icc(tags: TagTable, space: bytes = b"RGB ", kind: bytes = b"mntr", pcs: bytes = b"XYZ ", version: int = 4) -> bytes:
    """A profile of these tags; those with equal contents share one place."""
    places: dict[bytes, int] = {}
    body, start = b"", 128 + 4 + 12 * len(tags)
    table = struct.pack(">I", len(tags))
    for name, data in tags:
        if data not in places:
            body += b"\0" * (-len(body) % 4)
            places[data] = start + len(body)
            body += data
        table += struct.pack(">4sII", name, places[data], len(data))
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"none", version << 24, kind, space, pcs)
    header += struct.pack(">6H4sI", 2026, 1, 1, 0, 0, 0, b"acsp", 0) + b"\0" * 24 + fixed(*_WHITE)
    return header.ljust(128, b"\0") + table + body


def fixed(*values: float) -> bytes:
    """s15Fixed16Numbers."""
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def xyz(*values: float) -> bytes:
    """An XYZ tag."""
    return b"XYZ \0\0\0\0" + fixed(*values)


def curve(*points: int) -> bytes:
    """A curve of points; a single one is a gamma in 256ths."""
    return b"curv\0\0\0\0" + struct.pack(f">I{len(points)}H", len(points), *points)


def named(*languages: str) -> bytes:
    """A description in languages that share their text."""
    text = "A profile".encode("utf-16-be")
    records = b"".join(
        struct.pack(">4sII", language.encode(), len(text), 16 + 12 * len(languages)) for language in languages
    )
    return b"mluc\0\0\0\0" + struct.pack(">II", len(languages), 12) + records + text


def claimed_names(count: int) -> bytes:
    """A description that claims records of languages without having them."""
    return b"mluc\0\0\0\0" + struct.pack(">II", count, 12)


def claimed_table(kind: bytes, inputs: int, outputs: int, points: int) -> bytes:
    """A table of one of the four kinds, of which there is the head only."""
    head = kind + b"\0\0\0\0" + bytes([inputs, outputs, points, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    if kind in (b"mft1", b"mft2"):
        return head + struct.pack(">HH", 2, 2) + bytes(512 * (inputs + outputs))
    offsets = struct.pack(">BBxx5I", inputs, outputs, 52, 0, 0, 32, 52)
    identity = (b"para\0\0\0\0\0\0\0\0" + fixed(1)) * max(inputs, outputs)
    return kind + b"\0\0\0\0" + offsets + bytes([points] * inputs).ljust(16, b"\0") + b"\2\0\0\0" + identity


def matrix_tags(gamma: int = 0x0233) -> list[tuple[bytes, bytes]]:
    """What a display's profile has to have."""
    curves = [(name, curve(gamma)) for name in (b"rTRC", b"gTRC", b"bTRC")]
    columns = [(name, xyz(*values)) for name, values in _COLUMNS.items()]
    return [(b"desc", named("enUS")), (b"cprt", named("enUS")), (b"wtpt", xyz(*_WHITE)), *columns, *curves]


def table_tag(inputs: int, points: int, entries: int = 256, outputs: int = 3) -> bytes:
    """A lut16Type of `points` to the power of `inputs` nodes: a smooth ramp."""
    ramp = struct.pack(f">{entries}H", *(index * 65535 // (entries - 1) for index in range(entries)))
    head = b"mft2\0\0\0\0" + struct.pack(">BBBx", inputs, outputs, points) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    nodes = points**inputs
    grid = b"".join(struct.pack(">H", index * 65535 // max(nodes - 1, 1)) * outputs for index in range(nodes))
    return head + struct.pack(">HH", entries, entries) + ramp * inputs + grid + ramp * outputs


def table_profile(space: bytes, inputs: int, points: int) -> bytes:
    """What a printer's profile, or a scanner's, has: a table from the device's colours to Lab."""
    tags = [(b"desc", named("enUS")), (b"wtpt", xyz(*_WHITE)), (b"A2B0", table_tag(inputs, points))]
    return icc(tags, space, b"prtr", b"Lab ", version=2)


def elements(count: int, element: bytes) -> bytes:
    """A multiProcessElementsType whose elements are all one and the same."""
    start = 16 + 8 * count
    return (
        b"mpet\0\0\0\0" + struct.pack(">HHI", 3, 3, count) + struct.pack(">II", start, len(element)) * count + element
    )


def curve_set() -> bytes:
    """A curve set element whose three curves share one segmented curve of two segments."""
    formula = b"parf\0\0\0\0" + struct.pack(">HHffff", 0, 0, 1.0, 1.0, 0.0, 0.0)
    segmented = b"curf\0\0\0\0" + struct.pack(">HHf", 2, 0, 0.5) + formula * 2
    return b"cvst\0\0\0\0" + struct.pack(">HH", 3, 3) + struct.pack(">II", 36, len(segmented)) * 3 + segmented


def matrix_element() -> bytes:
    """A matrix element that changes nothing."""
    return b"matf\0\0\0\0" + struct.pack(">HH12f", 3, 3, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)


def grid_element(points: int) -> bytes:
    """A table element of `points` nodes a side, all zero."""
    head = b"clut\0\0\0\0" + struct.pack(">HH", 3, 3) + bytes([points] * 3) + bytes(13)
    return head + bytes(4 * 3 * points**3)


def element_profile(tag: bytes, count: int, element: bytes) -> bytes:
    """A display's profile with one more tag, of elements."""
    return icc([*matrix_tags(), (tag, elements(count, element))])


def png_with(profile: bytes, side: int = 64) -> bytes:
    """A PNG of one colour that embeds the profile."""
    rows = zlib.compress((b"\0" + b"\x40\x80\xc0" * side) * side, 9)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"iCCP", b"k\0\0" + zlib.compress(profile, 9)),
        (b"IDAT", rows),
        (b"IEND", b""),
    ]
    packed = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)
