"""Ways to damage a file, drawn by hypothesis."""

import struct
from collections.abc import Callable
from typing import TypeAlias

from hypothesis import strategies as st

from tools.trust.samples import samples, with_true_checksums

Damage: TypeAlias = Callable[[bytes], bytes]
_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def _set_byte(at: int, value: int) -> Damage:
    return lambda data: data[: at % len(data)] + bytes([value]) + data[at % len(data) + 1 :] if data else data


def _set_number(at: int, value: int, form: str) -> Damage:
    """Any 4 bytes as an extreme number: lengths, sides, offsets and counts are among them."""
    return lambda data: data[: at % (len(data) + 1)] + struct.pack(form, value) + data[at % (len(data) + 1) + 4 :]


def _cut(start: int, length: int) -> Damage:
    return lambda data: data[: start % (len(data) + 1)] + data[start % (len(data) + 1) + length :]


def _repeat(start: int, length: int, times: int) -> Damage:
    def damage(data: bytes) -> bytes:
        at = start % (len(data) + 1)
        return data[:at] + data[at : at + length] * times + data[at:]

    return damage


def _graft(name: str, at: int, keep: int) -> Damage:
    """The rest of another file: a polyglot."""
    return lambda data: data[: keep % (len(data) + 1)] + samples()[name][at:]


_POSITIONS = st.integers(0, 60) | st.integers(0, 5000)
_DAMAGES = st.one_of(
    st.builds(_set_byte, _POSITIONS, st.integers(0, 255)),
    st.builds(_set_number, _POSITIONS, st.sampled_from(_EXTREMES), st.sampled_from(("<I", ">I"))),
    st.builds(_cut, _POSITIONS, st.integers(1, 400)),
    st.builds(_repeat, _POSITIONS, st.integers(1, 40), st.integers(1, 20)),
    st.builds(_graft, st.sampled_from(sorted(samples())), st.integers(0, 40), _POSITIONS),
)


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Draw the content after one to eight damages."""
    for damage in draw(st.lists(_DAMAGES, min_size=1, max_size=8)):
        data = damage(data)
    return data


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """A true file of any kind after one to eight damages."""
    data = draw(damaged(samples()[draw(st.sampled_from(sorted(samples())))]))
    return with_true_checksums(data) if draw(st.booleans()) else data
