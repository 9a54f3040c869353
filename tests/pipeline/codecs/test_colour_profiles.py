"""Profiles are bounded before littlecms sees them, and those that pictures truly have keep their colours."""

import struct
import time

import numpy as np
import pytest

from cutline.limits import MIB, PictureLimits
from cutline.pipeline.codecs.colour import bounded_profile
from cutline.pipeline.codecs.decode import decode_image
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
    png_with,
    table_profile,
)

LIMITS = PictureLimits(frozenset({"PNG"}), MIB)
GAMMA_1 = icc(matrix_tags(0x100))
FILE = (0x40, 0x80, 0xC0)


def colour(profile: bytes) -> tuple[int, ...]:
    pixel = decode_image(png_with(profile), LIMITS).rgb_u8[0, 0]
    return tuple(int(part) for part in pixel)


@pytest.mark.parametrize(
    "profile", [GAMMA_1, table_profile(b"RGB ", 3, 9), icc(matrix_tags(), kind=b"scnr"), icc(matrix_tags(0x1CD))]
)
def test_an_honest_profile_is_passed_on_as_it_is_and_changes_the_colours(profile):
    assert bounded_profile(profile) == profile
    assert colour(profile) != FILE


@pytest.mark.parametrize("element", [curve_set(), matrix_element(), grid_element(9)])
@pytest.mark.parametrize("tag", [b"D2B0", b"D2B1", b"D2B2", b"D2B3", b"B2D0"])
def test_elements_are_left_out_and_the_older_tags_count(tag, element):
    assert colour(element_profile(tag, 3, element)) == colour(icc(matrix_tags()))


@pytest.mark.parametrize("count", [6000, 40_000])
@pytest.mark.parametrize("element", [curve_set(), matrix_element()])
def test_thousands_of_elements_in_a_thousand_bytes_cost_nothing(count, element):
    data = png_with(element_profile(b"D2B0", count, element))
    assert len(data) < 4000
    begun = time.process_time()
    decode_image(data, LIMITS)
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    "profile",
    [
        b"",
        b"\0" * 200,
        GAMMA_1[:131],
        GAMMA_1.replace(b"acsp", b"acsq"),
        icc(matrix_tags(), kind=b"link"),
        icc(matrix_tags(), kind=b"nmcl"),
        icc([*matrix_tags(), (b"A2B0", elements(3, curve_set()))]),
        icc([*matrix_tags(), *((b"%04d" % index, b"text\0\0\0\0") for index in range(60))]),
        GAMMA_1[:128] + struct.pack(">I", 2**32 - 1) + GAMMA_1[132:],
        GAMMA_1 + b"\0" * 4 * MIB,
    ],
    ids=["empty", "zeros", "short", "unsigned", "link", "names", "elements", "tags", "table", "large"],
)
def test_what_no_picture_embeds_is_ignored(profile):
    assert bounded_profile(profile) is None
    if len(profile) < MIB:
        assert colour(profile) == FILE


@pytest.mark.parametrize(
    "tag",
    [
        (b"desc", claimed_names(2**25)),
        *((b"A2B0", claimed_table(kind, 3, 15, 255)) for kind in (b"mft1", b"mft2", b"mAB ", b"mBA ")),
        *((b"B2A0", claimed_table(kind, 255, 255, 255)) for kind in (b"mft1", b"mft2")),
    ],
    ids=lambda tag: f"{tag[1][:4].decode()} {len(tag[1])}",
)
def test_memory_for_what_a_tag_only_claims_is_not_reserved(tag: tuple[bytes, bytes]) -> None:
    """These 300 bytes would cost littlecms 384 to 474 MiB."""
    profile = icc([tag, *matrix_tags(0x100)[1:]])
    assert bounded_profile(profile) is None
    assert colour(profile) == FILE


@pytest.mark.parametrize("rest", [b"", b"\3\3\0", b"\3\3\0\0" + bytes(12) + b"\xff\xff\xff\xff"])
def test_a_table_that_breaks_off_is_no_error(rest: bytes) -> None:
    for kind in (b"mluc", b"mft1", b"mft2", b"mAB "):
        bounded_profile(icc([*matrix_tags(), (b"A2B0", kind + b"\0\0\0\0" + rest)]))


def test_the_pixels_are_those_of_the_same_profile_without_elements():
    plain, more = (
        png_with(profile) for profile in (GAMMA_1, icc([*matrix_tags(0x100), (b"D2B0", elements(9, curve_set()))]))
    )
    assert np.array_equal(decode_image(plain, LIMITS).rgb_u8, decode_image(more, LIMITS).rgb_u8)


@pytest.mark.parametrize("mib", [1.5, 2.5, 3.9])
def test_a_png_keeps_the_colours_of_a_large_profile(mib: float) -> None:
    padded = icc([*matrix_tags(0x100), (b"text", b"text\0\0\0\0" + bytes(int(mib * MIB)))])
    assert colour(padded) == colour(GAMMA_1) != FILE


def test_a_png_with_a_profile_beyond_the_bound_is_served_without_it() -> None:
    assert colour(icc([*matrix_tags(0x100), (b"text", b"text\0\0\0\0" + bytes(5 * MIB))])) == FILE
