"""Any bytes give a picture or a reason, within bounded memory."""

import io
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from cutline.errors import InputRefused, Reason
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.codecs.decode import Picture, decode_image
from tools.trust.bomb_files import zeros

ALL = frozenset({"JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF"})
LIMITS = PictureLimits(ALL, 10 * MIB)
OPTIONS: dict[str, dict[str, object]] = {"TIFF": {"compression": "tiff_lzw"}, "WEBP": {"lossless": True}}


def sample(name: str) -> bytes:
    rgb = np.random.default_rng(1).integers(0, 256, (40, 30, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, name, **OPTIONS.get(name, {}))
    return file.getvalue()


SAMPLES = {name: sample(name) for name in sorted(ALL)}


def reason_of(data: bytes, limits: PictureLimits = LIMITS) -> Reason:
    with pytest.raises(InputRefused) as refusal:
        decode_image(data, limits)
    return refusal.value.reason


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


def test_no_bytes_are_an_empty_image():
    assert reason_of(b"") is Reason.IMAGE_EMPTY


def test_one_byte_over_the_limit_is_too_large_and_the_limit_itself_is_not():
    data = SAMPLES["PNG"]
    assert reason_of(data, PictureLimits(ALL, len(data) - 1)) is Reason.IMAGE_TOO_LARGE
    assert decode_image(data, PictureLimits(ALL, len(data))).format == "PNG"


@pytest.mark.parametrize(
    "data", [b"x", b"hello world, not a picture", b"<svg/>", b"%PDF-1.4", b"\0" * 64, b"RIFF1234WAVE"]
)
def test_what_is_no_picture_is_a_wrong_type(data):
    assert reason_of(data) is Reason.IMAGE_TYPE


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_format_outside_the_contract_is_a_wrong_type(name):
    assert reason_of(SAMPLES[name], PictureLimits(ALL - {name}, MIB)) is Reason.IMAGE_TYPE


@pytest.mark.parametrize("name", sorted(ALL))
def test_side_limits_are_inclusive(name):
    assert reason_of(SAMPLES[name], PictureLimits(ALL, MIB, 1, 39)) is Reason.RESOLUTION_TOO_HIGH
    assert reason_of(SAMPLES[name], PictureLimits(ALL, MIB, 31, 40)) is Reason.RESOLUTION_TOO_LOW
    assert decode_image(SAMPLES[name], PictureLimits(ALL, MIB, 30, 40)).height == 40


@pytest.mark.parametrize("name", sorted(ALL))
def test_truncation_at_every_length_is_a_reason_and_never_another_exception(name):
    data = SAMPLES[name]
    for length in range(1, len(data), max(1, len(data) // 120)):
        try:
            decode_image(data[:length], LIMITS)
        except InputRefused as refusal:
            assert refusal.reason in (Reason.IMAGE_CORRUPT, Reason.IMAGE_TYPE, Reason.RESOLUTION_TOO_LOW)


@pytest.mark.parametrize("name", sorted(ALL))
def test_half_a_file_is_corrupt(name):
    assert reason_of(SAMPLES[name][: len(SAMPLES[name]) // 2]) is Reason.IMAGE_CORRUPT


JPEG_KINDS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 1},
    "colours": {"subsampling": 0, "quality": 100},
    "grey": {},
}


def jpeg(kind: str) -> bytes:
    rgb = np.random.default_rng(1).integers(0, 256, (48, 40, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(rgb[..., 0] if kind == "grey" else rgb).save(file, "JPEG", **JPEG_KINDS[kind])  # type: ignore[arg-type]
    return file.getvalue()


@pytest.mark.parametrize("kind", JPEG_KINDS)
@pytest.mark.parametrize("lost", [1, 2])
def test_a_jpeg_without_its_end_marker_is_the_same_picture(kind, lost):
    data = jpeg(kind)
    assert np.array_equal(decode_image(data[:-lost], LIMITS).rgb_u8, decode_image(data, LIMITS).rgb_u8)


@pytest.mark.parametrize("kind", JPEG_KINDS)
def test_a_jpeg_that_lost_more_is_corrupt_or_still_the_same_picture(kind):
    data = jpeg(kind)
    whole = decode_image(data, LIMITS).rgb_u8
    scan = data.index(b"\xff\xda")
    step = 1 if kind == "progressive" else 7
    for length in [*range(scan, len(data) - 60, step), *range(len(data) - 60, len(data))]:
        try:
            picture = decode_image(data[:length], LIMITS)
        except InputRefused as refusal:
            assert refusal.reason is Reason.IMAGE_CORRUPT
        else:
            assert np.array_equal(picture.rgb_u8, whole), length


def text(kind: bytes, size: int) -> bytes:
    packed = zlib.compress(bytes(size))
    return chunk(kind, b"k\0\1\0\0\0" + packed if kind == b"iTXt" else b"k\0\0" + packed)


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
@pytest.mark.parametrize("place", ["before", "after"])
def test_a_png_with_a_long_text_is_the_picture_that_it_is_without(kind, place):
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + b"\x10\x20\x30" * 4) * 4))
    texts = (text(kind, 2 * MIB),)
    for chunks in ((*texts, pixels) if place == "before" else (pixels, *texts), (*texts * 80, pixels)):
        assert (decode_image(png(4, 4, *chunks), LIMITS).rgb_u8 == (0x10, 0x20, 0x30)).all()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(sorted(ALL)),
    edits=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=12),
)
def test_damaged_files_are_decoded_or_refused(name, edits):
    data = bytearray(SAMPLES[name])
    for at, value in edits:
        data[at % len(data)] = value
    try:
        picture = decode_image(bytes(data), LIMITS)
    except InputRefused:
        return
    assert isinstance(picture, Picture)
    assert max(picture.width, picture.height) <= LIMITS.max_side_px


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(ALL)), tail=st.binary(max_size=200), keep=st.integers(8, 60))
def test_a_true_beginning_with_any_tail_is_decoded_or_refused(name, tail, keep):
    try:
        decode_image(SAMPLES[name][:keep] + tail, LIMITS)
    except InputRefused:
        return


@pytest.mark.parametrize("size", [(4097, 1), (1, 4097), (100_000, 100_000), (2**31 - 1, 2**31 - 1)])
def test_png_that_claims_too_much_is_refused_by_its_header(size):
    assert reason_of(png(*size, chunk(b"IDAT", zlib.compress(b"\0")))) is Reason.RESOLUTION_TOO_HIGH


def test_png_that_claims_nothing_is_refused():
    assert reason_of(png(0, 5)) in (Reason.IMAGE_CORRUPT, Reason.RESOLUTION_TOO_LOW)


def test_bmp_with_a_lying_size_is_refused():
    data = bytearray(SAMPLES["BMP"])
    data[18:26] = struct.pack("<ii", 4000, 4000)
    assert reason_of(bytes(data)) is Reason.IMAGE_CORRUPT
    data[18:26] = struct.pack("<ii", 2**31 - 1, 2**31 - 1)
    assert reason_of(bytes(data)) is Reason.RESOLUTION_TOO_HIGH


def test_webp_with_a_huge_canvas_is_refused_before_its_decoder_is_opened():
    canvas = (16000 - 1).to_bytes(3, "little") * 2
    body = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + canvas
    data = b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body
    assert reason_of(data) is Reason.RESOLUTION_TOO_HIGH


def tiled_tiff(tile_side: int) -> bytes:
    """A 16 x 16 grey TIFF that says its one tile has sides of `tile_side`."""
    packed = zlib.compress(b"\x7f" * (tile_side * tile_side), 9)
    tags = [(256, 4, 16), (257, 4, 16), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1), (322, 4, tile_side)]
    tags += [(323, 4, tile_side), (324, 4, 8 + 2 + 12 * 10 + 4), (325, 4, len(packed))]
    entries = b"".join(
        struct.pack("<HHI", tag, kind, 1) + struct.pack("<I" if kind == 4 else "<Hxx", value)
        for tag, kind, value in tags
    )
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + b"\0\0\0\0" + packed


def test_tiff_with_one_honest_tile_is_decoded():
    assert decode_image(tiled_tiff(16), LIMITS).rgb_u8[0, 0].tolist() == [127, 127, 127]


def test_tiff_with_a_tile_larger_than_any_picture_is_corrupt():
    assert reason_of(tiled_tiff(8192)) is Reason.IMAGE_CORRUPT


@pytest.mark.parametrize("kind", [b"iTXt", b"zTXt", b"iCCP", b"eXIf"])
def test_hostile_text_profile_and_exif_chunks_never_escape(kind):
    bomb = zlib.compress(b"A" * (80 * MIB), 9)
    body = {
        b"iTXt": b"k\0\1\0\0\0" + bomb,
        b"zTXt": b"k\0\0" + bomb,
        b"iCCP": b"k\0\0" + bomb,
        b"eXIf": b"MM\0*" + b"\xff" * 5000,
    }[kind]
    row = b"\0" + b"\x10\x20\x30" * 4
    data = png(4, 4, chunk(kind, body), chunk(b"IDAT", zlib.compress(row * 4)))
    try:
        picture = decode_image(data, LIMITS)
    except InputRefused as refusal:
        assert refusal.reason is Reason.IMAGE_CORRUPT
    else:
        assert picture.rgb_u8[0, 0].tolist() == [16, 32, 48]


_MEASURE = """
import resource, sys
from cutline.errors import InputRefused
from cutline.limits import PictureLimits
from cutline.pipeline.codecs.decode import decode_image
limits = PictureLimits(frozenset({"PNG"}), 10 << 20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    decode_image(sys.stdin.buffer.read(), limits)
    outcome = "decoded"
except InputRefused as refusal:
    outcome = str(refusal.reason)
print(outcome, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def measured(data: bytes) -> tuple[str, int]:
    """The outcome in a process of its own, and by how many MiB its peak memory rose."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE],
        input=data,
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    outcome, mib = done.stdout.split()
    return outcome.decode(), int(mib)


def test_a_small_png_that_unfolds_to_a_gigabyte_costs_no_memory():
    side = 18_918
    data = png(side, side, chunk(b"IDAT", zeros(48 * MIB)))
    assert len(data) < 64 * 1024
    outcome, mib = measured(data)
    assert outcome == Reason.RESOLUTION_TOO_HIGH
    assert mib < 16


@pytest.mark.slow
def test_a_small_header_over_a_gigabyte_of_rows_costs_no_memory():
    outcome, mib = measured(png(8, 8, chunk(b"IDAT", zeros(1024 * MIB))))
    assert outcome in ("decoded", Reason.IMAGE_CORRUPT)
    assert mib < 32


def test_the_largest_picture_stays_within_twelve_bytes_per_pixel():
    outcome, mib = measured(png(4096, 4096, chunk(b"IDAT", zlib.compress((b"\0" * (1 + 3 * 4096)) * 4096))))
    assert outcome == "decoded"
    assert mib <= 12 * 16 + 16
