"""ICC profiles drawn by hypothesis: valid tags in any number, place and nesting, shared or not, and then damaged."""

import struct

from hypothesis import strategies as st

from tools.trust.icc_files import (
    claimed_names,
    claimed_table,
    curve,
    curve_set,
    elements,
    fixed,
    grid_element,
    icc,
    matrix_element,
    matrix_tags,
    named,
    table_tag,
    xyz,
)

_NAMES = st.sampled_from(
    [
        b"A2B0",
        b"A2B1",
        b"B2A0",
        b"D2B0",
        b"D2B1",
        b"D2B3",
        b"B2D0",
        b"rTRC",
        b"kTRC",
        b"rXYZ",
        b"wtpt",
        b"chad",
        b"gamt",
    ]
)
_CURVES = st.builds(curve, st.integers(0, 65535)) | st.integers(2, 4096).map(lambda count: curve(*range(count)))


def _formula(kind: int, parameters: list[float]) -> bytes:
    """A parametric curve."""
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + fixed(*parameters)


def _nested(inputs: int, points: int, sub: bytes) -> bytes:
    """A lutAToBType whose curves are all `sub`, before, between and behind a matrix and a grid."""
    sub += b"\0" * (-len(sub) % 4)
    grid = bytes([points] * inputs).ljust(16, b"\0") + b"\2\0\0\0" + bytes(2 * 3 * points**inputs)
    grid += b"\0" * (-len(grid) % 4)
    matrix = fixed(1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)
    a = 32
    clut = a + len(sub) * inputs
    m = clut + len(grid)
    table = m + len(sub) * 3
    head = b"mAB \0\0\0\0" + struct.pack(">BBxxIIIII", inputs, 3, m, table, m, clut, a)
    return head.ljust(32, b"\0") + sub * inputs + grid + sub * 3 + matrix


_ELEMENT_NAMES = st.sampled_from([b"D2B0", b"D2B1", b"D2B2", b"B2D0"])
_COUNTS = st.sampled_from([1, 3, 100, 6000])
_ELEMENTS = st.sampled_from([curve_set(), matrix_element(), grid_element(2), grid_element(9)])
_TAGS = st.one_of(
    _CURVES,
    st.builds(_formula, st.integers(0, 6), st.lists(st.floats(-4, 4), min_size=1, max_size=8)),
    st.builds(elements, st.integers(0, 3000), _ELEMENTS),
    st.builds(elements, st.integers(0, 60), st.builds(elements, st.integers(0, 60), _ELEMENTS)),
    st.builds(table_tag, st.integers(1, 4), st.integers(0, 6), st.integers(2, 400), st.integers(1, 4)),
    st.builds(_nested, st.integers(1, 4), st.integers(2, 6), _CURVES),
    st.builds(claimed_names, st.integers(0, 2**32 - 1)),
    st.builds(
        claimed_table,
        st.sampled_from([b"mft1", b"mft2", b"mAB ", b"mBA "]),
        *(st.integers(1, 16), st.integers(1, 16), st.integers(0, 255)),
    ),
    st.builds(lambda count: named(*["enUS"] * count), st.integers(0, 3000)),
    st.builds(xyz, st.floats(-9, 9), st.floats(-9, 9), st.floats(-9, 9)),
    st.binary(max_size=60),
)


@st.composite
def profiles(draw: st.DrawFn) -> bytes:
    """A display's valid profile with elements, or any tags for any device, with up to four bytes changed."""
    if draw(st.booleans()):
        return icc([*matrix_tags(), (draw(_ELEMENT_NAMES), elements(draw(_COUNTS), draw(_ELEMENTS)))])
    own = draw(st.sampled_from([[], matrix_tags()]))
    more = draw(st.lists(st.tuples(_NAMES, _TAGS), max_size=8))
    profile = bytearray(
        icc(
            [*own, *more],
            draw(st.sampled_from([b"RGB ", b"GRAY", b"CMYK", b"Lab ", b"6CLR"])),
            draw(st.sampled_from([b"mntr", b"prtr", b"scnr", b"spac", b"link", b"abst"])),
            draw(st.sampled_from([b"XYZ ", b"Lab "])),
            draw(st.integers(2, 5)),
        )
    )
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, 300) | st.integers(0, max(len(profile) - 1, 0))) % len(profile)
        profile[at] = draw(st.sampled_from([0, 1, 2, 127, 128, 255]) | st.integers(0, 255))
    return bytes(profile)
