"""16 bits in, 16 bits out: every sample of an opaque pixel, in every form of PNG and TIFF that can have them."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from cutline.limits import LOCAL_LIMITS
from cutline.pipeline.codecs.decode import decode_image
from cutline.pipeline.codecs.decoder_process import decode_in_subprocess
from cutline.pipeline.codecs.deep import U16
from cutline.pipeline.codecs.encode import png_file

RANDOM = np.random.default_rng(5)
RGB_U16: U16 = RANDOM.integers(0, 65536, (37, 53, 3), dtype=np.uint16)
ALPHA_U16: U16 = np.full((37, 53, 1), 65535, np.uint16)


def filtered_png(pixels: U16) -> bytes:
    """A PNG whose rows have the five filters by turns (PNG 9.2)."""
    height, width, channels = pixels.shape
    step, data, before = 2 * channels, b"", np.zeros(width * channels * 2, np.int32)
    for row in range(height):
        line = pixels[row].astype(">u2").view(np.uint8).reshape(-1).astype(np.int32)
        left = np.concatenate([np.zeros(step, np.int32), line[:-step]])
        corner = np.concatenate([np.zeros(step, np.int32), before[:-step]])
        near = left + before - corner
        a, b, c = np.abs(near - left), np.abs(near - before), np.abs(near - corner)
        paeth = np.where((a <= b) & (a <= c), left, np.where(b <= c, before, corner))
        predicted = [0, left, before, (left + before) // 2, paeth][row % 5]
        data += bytes([row % 5]) + ((line - predicted) % 256).astype(np.uint8).tobytes()
        before = line
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    return _png(struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0), data)


def _png(header: bytes, data: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    made = (struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


def tiff(pixels: U16, order: str, compressed: bool) -> bytes:
    """A TIFF of one strip (TIFF 6.0)."""
    height, width, channels = pixels.shape
    data = pixels.astype(f"{order}u2").tobytes()
    data = zlib.compress(data) if compressed else data
    bits = struct.pack(f"{order}{channels}H", *[16] * channels)
    entries: list[tuple[int, int, int, Any]] = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, channels, 8),
        (259, 3, 1, 8 if compressed else 1),
        (262, 3, 1, 2),
        (273, 4, 1, 8 + len(bits)),
        (277, 3, 1, channels),
        (278, 4, 1, height),
        (279, 4, 1, len(data)),
        *([(338, 3, 1, 2)] if channels == 4 else []),
    ]
    table = struct.pack(f"{order}H", len(entries))
    for tag, kind, count, value in entries:
        size = "HH" if kind == 3 and count == 1 else "I"
        table += struct.pack(f"{order}HHI{size}", tag, kind, count, *([value, 0] if size == "HH" else [value]))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(bits) + len(data))
    return head + bits + data + table + bytes(4)


RGBA_U16: U16 = np.concatenate([RGB_U16, ALPHA_U16], axis=2)
FILES: dict[str, Callable[[], bytes]] = {
    "PNG RGB": lambda: filtered_png(RGB_U16),
    "PNG RGBA": lambda: filtered_png(RGBA_U16),
    "PNG written here": lambda: png_file(RGBA_U16),
    **{
        f"TIFF {order} {channels} {'deflate' if packed else 'raw'}": partial(
            tiff, RGBA_U16[..., :channels], order, packed
        )
        for order in "<>"
        for channels in (3, 4)
        for packed in (False, True)
    },
}


def deep(data: bytes) -> U16 | None:
    return decode_image(data, LOCAL_LIMITS, depth=16).rgb_u16


@pytest.mark.parametrize("name", FILES)
def test_every_bit_of_the_file_is_read(name: str) -> None:
    picture = decode_image(FILES[name](), LOCAL_LIMITS, depth=16)
    assert picture.rgb_u16 is not None
    assert np.array_equal(picture.rgb_u16, RGB_U16)
    # The eight-bit picture is the one of a call without.
    assert np.array_equal(picture.rgb_u8, decode_image(FILES[name](), LOCAL_LIMITS).rgb_u8)


@pytest.mark.parametrize("channels", [1, 2])
def test_grey_is_read_in_its_depth(channels: int) -> None:
    pixels = np.concatenate([RGB_U16[..., :1], ALPHA_U16], axis=2)[..., :channels]
    found = deep(filtered_png(pixels))
    assert found is not None and np.array_equal(found, np.repeat(RGB_U16[..., :1], 3, axis=2))


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_grey_of_a_tiff_whose_zero_is_white_is_no_negative(compression: str) -> None:
    ramp = np.arange(0, 65536, 64, dtype=np.uint16).reshape(16, 64)
    file = io.BytesIO()
    Image.fromarray(65535 - ramp).save(file, "TIFF", compression=compression, tiffinfo={262: 0})
    picture = decode_image(file.getvalue(), LOCAL_LIMITS, depth=16)
    assert picture.rgb_u16 is not None and np.array_equal(picture.rgb_u16[..., 0], ramp)
    assert np.abs(picture.rgb_u8[..., 1].astype(float) - ramp / 257).max() < 1


def test_what_has_eight_bits_has_no_more() -> None:
    for name in ("PNG", "JPEG", "TIFF"):
        file = io.BytesIO()
        Image.fromarray(RGB_U16.astype(np.uint8)).save(file, name)
        assert deep(file.getvalue()) is None
    assert decode_image(FILES["PNG RGB"](), LOCAL_LIMITS).rgb_u16 is None


def test_an_orientation_turns_both_bytes() -> None:
    exif = b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + bytes(4)
    data = FILES["PNG RGB"]()
    chunk = b"eXIf" + exif
    with_exif = data[:33] + struct.pack(">I", len(exif)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]
    found = deep(with_exif)
    assert found is not None and np.array_equal(found, np.rot90(RGB_U16, -1))


def test_the_decoders_process_brings_it_with_alpha_and_metadata() -> None:
    half = RGBA_U16.copy()
    half[:5, :, 3] = 30000
    data = png_file(half, [(b"pHYs", struct.pack(">IIB", 11811, 11811, 1))])
    picture = decode_in_subprocess(data, LOCAL_LIMITS, "keep", 16)
    here = decode_image(data, LOCAL_LIMITS, "keep", 16)
    assert picture.rgb_u16 is not None and here.alpha_u8 is not None and picture.alpha_u8 is not None
    assert np.array_equal(picture.rgb_u16, RGB_U16) and np.array_equal(picture.rgb_u8, here.rgb_u8)
    assert np.array_equal(picture.alpha_u8, here.alpha_u8) and picture.metadata == here.metadata


def profile(curve: bytes, swap: bool = True) -> bytes:
    """A matrix profile with sRGB's primaries, red and green exchanged, and a curve."""
    fixed = lambda *values: struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))  # noqa: E731
    red, green = (0.4360747, 0.2225045, 0.0139322), (0.3850649, 0.7168786, 0.0971045)
    columns = (green, red) if swap else (red, green)
    xyz = [b"XYZ " + bytes(4) + fixed(*column) for column in (*columns, (0.1430804, 0.0606169, 0.7141733))]
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"mine\0" + bytes(90)
    white = b"XYZ " + bytes(4) + fixed(0.9642, 1.0, 0.8249)
    bodies = [*zip((b"rXYZ", b"gXYZ", b"bXYZ"), xyz, strict=True), (b"desc", text), (b"wtpt", white)]
    bodies += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    table, data, at = struct.pack(">I", len(bodies)), b"", 132 + 12 * len(bodies)
    for name, body in bodies:
        padded = body + bytes(-len(body) % 4)
        table += struct.pack(">4sII", name, at + len(data), len(body))
        data += padded
    size = at + len(data)
    head = struct.pack(">I4sI4s4s4s", size, b"test", 0x02400000, b"mntr", b"RGB ", b"XYZ ") + bytes(12) + b"acsp"
    return head.ljust(68, b"\0") + fixed(0.9642, 1.0, 0.8249).ljust(60, b"\0") + table + data


TABLE = (np.linspace(0, 1, 64) ** 2.2 * 65535).astype(">u2")
CURVES = {
    "gamma": b"curv" + bytes(4) + struct.pack(">IH", 1, round(1.8 * 256)),
    "line": b"curv" + bytes(8),
    "table": b"curv"
    + bytes(4)
    + struct.pack(">I", 64)
    + (np.linspace(0, 1, 64) ** 2.2 * 65535).astype(">u2").tobytes(),
    "power": b"para" + bytes(4) + struct.pack(">HHi", 0, 0, round(2.4 * 65536)),
    "sRGB's": b"para"
    + bytes(4)
    + struct.pack(">HH5i", 3, 0, *(round(v * 65536) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))),
}


@pytest.mark.parametrize("name", CURVES)
def test_a_profile_is_applied_as_littlecms_does_it_in_eight_bits(name: str) -> None:
    icc = profile(CURVES[name])
    smooth = np.dstack(np.broadcast_arrays(*np.ix_(np.linspace(0, 65535, 40), np.linspace(0, 65535, 50)), 30000.0))
    pixels = smooth.astype(np.uint16)
    data = png_file(pixels, [(b"iCCP", b"mine\0\0" + zlib.compress(icc))])
    picture = decode_image(data, LOCAL_LIMITS, depth=16)
    assert picture.rgb_u16 is not None
    assert not np.array_equal(picture.rgb_u16, pixels)
    eight = (pixels >> 8).astype(np.uint8)
    source, target = ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB")
    expected = np.asarray(ImageCms.profileToProfile(Image.fromarray(eight), source, target)).astype(float)
    # Of the same eight bits, in a second picture.
    again = deep(png_file(eight.astype(np.uint16) * 257, [(b"iCCP", b"mine\0\0" + zlib.compress(icc))]))
    assert again is not None
    assert np.abs(again / 257 - expected).max() < 1.1
    assert len(np.unique(picture.rgb_u16[..., 0])) > 256 or len(np.unique(pixels[..., 0])) < 256


@pytest.mark.parametrize(
    "broken", [b"XYZ ", b"curv" + bytes(4) + struct.pack(">I", 5000), b"para" + bytes(4) + b"\0\t"]
)
def test_a_profile_that_cannot_be_applied_in_sixteen_bits_leaves_eight(broken: bytes) -> None:
    data = png_file(RGB_U16, [(b"iCCP", b"mine\0\0" + zlib.compress(profile(broken)))])
    picture = decode_image(data, LOCAL_LIMITS, depth=16)
    assert picture.rgb_u16 is None and picture.rgb_u8.shape == RGB_U16.shape
