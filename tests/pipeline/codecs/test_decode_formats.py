"""Every format, mode and orientation arrives as the same upright sRGB pixels."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms

from cutline.limits import MIB, PictureLimits
from cutline.pipeline.codecs.decode import decode_image

ALL = frozenset({"JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF"})
LIMITS = PictureLimits(ALL, 10 * MIB)
TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a.swapaxes(0, 1), 2),
    8: lambda a: np.rot90(a, 1),
}


def pixels(width: int = 13, height: int = 7, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (height, width, channels), np.uint8)


def saved(image: Image.Image, name: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


@pytest.mark.parametrize(("name", "options"), [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])
def test_lossless_formats_keep_every_byte(name, options):
    rgb = pixels()
    picture = decode_image(saved(Image.fromarray(rgb), name, **options), LIMITS)
    assert picture.format == name
    assert (picture.width, picture.height) == (13, 7)
    assert picture.alpha_u8 is None
    np.testing.assert_array_equal(picture.rgb_u8, rgb)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits", "raw"])
def test_tiff_compressions_keep_every_byte(compression):
    rgb = pixels()
    picture = decode_image(saved(Image.fromarray(rgb), "TIFF", compression=compression), LIMITS)
    np.testing.assert_array_equal(picture.rgb_u8, rgb)


def test_jpeg_is_close_to_the_source():
    rgb = np.full((16, 16, 3), (200, 30, 90), np.uint8)
    picture = decode_image(saved(Image.fromarray(rgb), "JPEG", quality=95, subsampling=0), LIMITS)
    assert picture.format == "JPEG"
    assert np.abs(picture.rgb_u8.astype(int) - rgb).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("name", "options"), [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])
def test_orientation_turns_pixels_exactly(name, options, orientation):
    rgb = pixels()
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode_image(saved(Image.fromarray(rgb), name, exif=exif.tobytes(), **options), LIMITS)
    np.testing.assert_array_equal(picture.rgb_u8, TURNS[orientation](rgb))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_jpeg_orientation_equals_turning_the_decoded_jpeg(orientation):
    image = Image.fromarray(pixels(24, 16))
    exif = Image.Exif()
    exif[0x0112] = orientation
    plain = decode_image(saved(image, "JPEG"), LIMITS).rgb_u8
    turned = decode_image(saved(image, "JPEG", exif=exif.tobytes()), LIMITS)
    np.testing.assert_array_equal(turned.rgb_u8, TURNS[orientation](plain))
    assert turned.alpha_u8 is None


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_unknown_orientation_turns_nothing(orientation):
    rgb = pixels()
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode_image(saved(Image.fromarray(rgb), "PNG", exif=exif.tobytes()), LIMITS)
    np.testing.assert_array_equal(picture.rgb_u8, rgb)


def test_alpha_turns_with_the_colours():
    rgba = pixels(channels=4)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = decode_image(saved(Image.fromarray(rgba), "PNG", exif=exif.tobytes()), LIMITS)
    assert picture.alpha_u8 is not None
    np.testing.assert_array_equal(picture.alpha_u8, np.rot90(rgba[..., 3], -1))


@pytest.mark.parametrize("name", ["PNG", "TIFF"])
def test_rgba_keeps_colours_and_alpha(name):
    rgba = pixels(channels=4)
    picture = decode_image(saved(Image.fromarray(rgba), name), LIMITS)
    np.testing.assert_array_equal(picture.rgb_u8, rgba[..., :3])
    np.testing.assert_array_equal(picture.alpha_u8, rgba[..., 3])


def test_opaque_alpha_is_no_alpha():
    rgba = pixels(channels=4)
    rgba[..., 3] = 255
    assert decode_image(saved(Image.fromarray(rgba), "PNG"), LIMITS).alpha_u8 is None


def test_grey_with_alpha_keeps_both():
    la = pixels(channels=2)
    picture = decode_image(saved(Image.fromarray(la, "LA"), "PNG"), LIMITS)
    np.testing.assert_array_equal(picture.rgb_u8, np.repeat(la[..., :1], 3, axis=2))
    np.testing.assert_array_equal(picture.alpha_u8, la[..., 1])


def test_one_bit_is_black_and_white():
    bits = pixels(channels=1)[..., 0] > 127
    picture = decode_image(saved(Image.fromarray(bits), "PNG"), LIMITS)
    np.testing.assert_array_equal(picture.rgb_u8, np.repeat(np.where(bits, 255, 0)[..., None], 3, axis=2))


@pytest.mark.parametrize("name", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_cut(name):
    deep = np.array([[0, 128, 257, 32768, 65407, 65535]], np.uint16)
    picture = decode_image(saved(Image.fromarray(deep), name), LIMITS)
    np.testing.assert_array_equal(picture.rgb_u8[0, :, 0], np.rint(deep[0] / 257).astype(int))


def test_float_tiff_of_unit_range_has_white_at_one():
    picture = decode_image(saved(Image.fromarray(np.array([[0.0, 0.5, 1.0]], np.float32)), "TIFF"), LIMITS)
    np.testing.assert_array_equal(picture.rgb_u8[0, :, 0], [0, 128, 255])


def test_float_tiff_with_an_overshoot_stays_a_picture():
    values = np.full((20, 20), 0.5, np.float32)
    values[3, 3] = 1.02
    picture = decode_image(saved(Image.fromarray(values), "TIFF"), LIMITS)
    assert (picture.rgb_u8[0, 0, 0], picture.rgb_u8[3, 3, 0]) == (128, 255)


def test_integer_tiff_of_32_bits_is_read_as_16():
    picture = decode_image(saved(Image.fromarray(np.array([[-5, 0, 65535, 10**6]], np.int32)), "TIFF"), LIMITS)
    np.testing.assert_array_equal(picture.rgb_u8[0, :, 0], [0, 0, 255, 255])


def test_transparent_colour_of_sixteen_bit_grey_becomes_alpha_zero():
    deep = np.array([[0, 300, 65535]], np.uint16)
    picture = decode_image(saved(Image.fromarray(deep), "PNG", transparency=300), LIMITS)
    np.testing.assert_array_equal(picture.alpha_u8, [[255, 0, 255]])


def png(depth: int, kind: int, samples: bytes, key: bytes, width: int) -> bytes:
    """A PNG of one row with a tRNS chunk, as optimisers write them and Pillow cannot."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, 1, depth, kind, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"tRNS", key) + chunk(b"IDAT", zlib.compress(b"\0" + samples))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


@pytest.mark.parametrize(("depth", "samples", "key"), [(1, 0b01000000, 1), (2, 0b00110000, 3), (4, 0b00001111, 15)])
def test_transparent_colour_of_shallow_grey_becomes_alpha_zero(depth, samples, key):
    picture = decode_image(png(depth, 0, bytes([samples]), struct.pack(">H", key), 2), LIMITS)
    np.testing.assert_array_equal(picture.alpha_u8, [[255, 0]])
    np.testing.assert_array_equal(picture.rgb_u8[..., 0], [[0, 255]])


@pytest.mark.parametrize(("key", "hidden"), [(0x00C8, 1), (0xC800, 2)])
def test_transparent_colour_of_deep_rgb_is_cut_like_the_pixels(key, hidden):
    samples = struct.pack(">9H", *[0x4000] * 3, *[0x00C8] * 3, *[0xC800] * 3)
    picture = decode_image(png(16, 2, samples, struct.pack(">3H", *[key] * 3), 3), LIMITS)
    np.testing.assert_array_equal(picture.alpha_u8, [[0 if index == hidden else 255 for index in range(3)]])


def test_transparent_colour_of_rgb_becomes_alpha_zero():
    rgb = np.array([[(1, 2, 3), (9, 9, 9)]], np.uint8)
    picture = decode_image(saved(Image.fromarray(rgb), "PNG", transparency=(1, 2, 3)), LIMITS)
    np.testing.assert_array_equal(picture.alpha_u8, [[0, 255]])


@pytest.mark.parametrize("name", ["PNG", "GIF"])
def test_palette_with_transparency_keeps_both(name):
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture = decode_image(saved(image, name, transparency=1), LIMITS)
    np.testing.assert_array_equal(picture.rgb_u8[0, 0], [255, 0, 0])
    np.testing.assert_array_equal(picture.rgb_u8[0, 2], [0, 0, 255])
    np.testing.assert_array_equal(picture.alpha_u8, [[255, 0, 255]])


@pytest.mark.parametrize(("name", "options"), [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}), ("TIFF", {})])
def test_only_the_first_frame_of_many_is_taken(name, options):
    red, blue = Image.new("RGB", (5, 4), (255, 0, 0)), Image.new("RGB", (5, 4), (0, 0, 255))
    picture = decode_image(saved(red, name, save_all=True, append_images=[blue], **options), LIMITS)
    np.testing.assert_array_equal(picture.rgb_u8, np.full((4, 5, 3), (255, 0, 0)))


def test_adobe_cmyk_jpeg_is_not_inverted():
    ink = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    picture = decode_image(saved(ink, "JPEG", quality=95), LIMITS)
    assert np.abs(picture.rgb_u8.astype(int) - (255, 0, 0)).max() <= 4


def test_cmyk_tiff_becomes_rgb():
    picture = decode_image(saved(Image.new("CMYK", (3, 3), (255, 0, 0, 0)), "TIFF"), LIMITS)
    np.testing.assert_array_equal(picture.rgb_u8[0, 0], [0, 255, 255])


def test_lab_tiff_becomes_srgb():
    picture = decode_image(saved(Image.new("LAB", (3, 3), (255, 128, 128)), "TIFF"), LIMITS)
    assert picture.rgb_u8.min() >= 250


def swapped_profile() -> bytes:
    """An sRGB profile whose red and green primaries have changed places."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for at in range(132, 132 + 12 * int.from_bytes(profile[128:132], "big"), 12):
        tag = bytes(profile[at : at + 4])
        if tag in (b"rXYZ", b"gXYZ"):
            profile[at : at + 4] = b"gXYZ" if tag == b"rXYZ" else b"rXYZ"
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "Swap".encode("utf-16-be"))


@pytest.mark.parametrize("name", ["PNG", "TIFF", "JPEG"])
def test_icc_profile_is_converted_to_srgb(name):
    image = Image.new("RGB", (16, 16), (255, 0, 0))
    options = {"quality": 100, "subsampling": 0} if name == "JPEG" else {}
    picture = decode_image(saved(image, name, icc_profile=swapped_profile(), **options), LIMITS)
    assert np.abs(picture.rgb_u8.astype(int) - (0, 255, 0)).max() <= 6


def test_icc_profile_does_not_change_alpha():
    rgba = pixels(channels=4)
    picture = decode_image(saved(Image.fromarray(rgba), "PNG", icc_profile=swapped_profile()), LIMITS)
    np.testing.assert_array_equal(picture.alpha_u8, rgba[..., 3])
    assert np.abs(picture.rgb_u8.astype(int) - rgba[..., [1, 0, 2]]).max() <= 4


@pytest.mark.parametrize("profile", [b"not a profile", b"\0" * 128, swapped_profile()[:200]])
def test_broken_icc_profile_is_ignored(profile):
    rgb = pixels()
    picture = decode_image(saved(Image.fromarray(rgb), "PNG", icc_profile=profile), LIMITS)
    np.testing.assert_array_equal(picture.rgb_u8, rgb)


def test_profile_of_another_colour_space_is_ignored():
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    rgb = pixels()
    picture = decode_image(saved(Image.fromarray(rgb), "PNG", icc_profile=lab), LIMITS)
    np.testing.assert_array_equal(picture.rgb_u8, rgb)


def linear_profile(space: bytes, name: str) -> bytes:
    """A display profile of ICC's second version, of `space` b"GRAY" or b"RGB ", whose curves are straight lines."""
    text = name.encode() + b"\0"
    straight = b"curv" + bytes(8)
    primaries = {b"rXYZ": (0x6FA2, 0x38F5, 0x390), b"gXYZ": (0x6299, 0xB785, 0x18DA), b"bXYZ": (0x24A0, 0xF84, 0xB6CF)}
    tags = {b"desc": b"desc" + struct.pack(">II", 0, len(text)) + text + bytes(78), b"wtpt": xyz(*WHITE)}
    if space == b"GRAY":
        tags[b"kTRC"] = straight
    else:
        tags |= {tag: xyz(*place) for tag, place in primaries.items()}
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), straight)
    directory, body, start = b"", b"", 132 + 12 * len(tags)
    for tag, part in tags.items():
        directory += struct.pack(">4sII", tag, start + len(body), len(part))
        body += part + bytes(-len(part) % 4)
    size = start + len(body)
    head = struct.pack(">I4xI4s4s4s12x4s28x12s48x", size, 0x02100000, b"mntr", space, b"XYZ ", b"acsp", xyz(*WHITE)[8:])
    return head + struct.pack(">I", len(tags)) + directory + body


WHITE = (0xF6D6, 0x10000, 0xD32D)


def xyz(x: int, y: int, z: int) -> bytes:
    return b"XYZ " + struct.pack(">4xiii", x, y, z)


# 55 of 255 in linear light is 128 in sRGB.
@pytest.mark.parametrize(
    "values", [np.full((1, 1), 55, np.uint8), np.full((1, 1), 55 * 257, np.uint16)], ids=["8 bits", "16 bits"]
)
@pytest.mark.parametrize("options", [{}, {"transparency": 7}], ids=["opaque", "with a key"])
def test_grey_of_a_linear_profile_is_converted(values, options):
    file = saved(Image.fromarray(values), "PNG", icc_profile=linear_profile(b"GRAY", "Linear grey"), **options)
    assert abs(int(decode_image(file, LIMITS).rgb_u8[0, 0, 0]) - 128) <= 1


def test_a_linear_profile_is_converted_although_it_is_called_srgb():
    file = saved(
        Image.new("RGB", (2, 2), (55, 55, 55)), "PNG", icc_profile=linear_profile(b"RGB ", "sRGB-elle-V2-g10.icc")
    )
    assert abs(int(decode_image(file, LIMITS).rgb_u8[0, 0, 0]) - 128) <= 1


@pytest.mark.parametrize("name", sorted(ALL))
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1)])
def test_one_pixel_sides_are_decoded(name, size):
    picture = decode_image(saved(Image.new("RGB", size, (10, 20, 30)), name), LIMITS)
    assert (picture.width, picture.height) == size
