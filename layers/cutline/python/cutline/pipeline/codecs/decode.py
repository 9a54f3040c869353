"""Decodes untrusted bytes to a `Picture`, or refuses them with a reason."""

from __future__ import annotations

import io
import re
import struct
import warnings
import zlib
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin, TiffImagePlugin

from cutline.errors import InputRefused, Reason
from cutline.limits import KIB, PictureLimits
from cutline.pipeline.codecs.colour import MAX_PROFILE_BYTES, colour_space_of, to_srgb
from cutline.pipeline.codecs.deep import DEEP_FORMATS, U16, black_is_zero, read_deep
from cutline.pipeline.codecs.file_metadata import FileMetadata, read_metadata
from cutline.pipeline.codecs.headers import (
    PNG_PROFILE,
    PNG_TEXTS,
    jpeg_is_whole,
    jpeg_padding,
    jpeg_scans,
    sniff_format,
    webp_size,
    without_chunks,
)
from cutline.pipeline.codecs.heif_boxes import is_bounded
from cutline.pipeline.filters import U8
from cutline.pipeline.layout.framing import MAX_DEEP_PX
from cutline.pipeline.options import DEPTHS, Depth, MetadataMode

# What Pillow's plugins raise on hostile bytes; any other exception is a bug in Cutline.
PLUGIN_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    OverflowError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)
# Pillow's own bound, 1 MiB, refuses sound profiles for print.
PngImagePlugin.MAX_TEXT_CHUNK = MAX_PROFILE_BYTES
# Encoders write about ten. libtiff too refuses more than 100 in the JPEG inside a TIFF.
_MAX_SCANS = 100
# Encoders pad segments to a few KiB at most; 14 MiB of padding would take 5 s.
_MAX_PADDING_BYTES = 64 * KIB
_END_OF_JPEG = b"\xff\xd9"
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
# Colour types and the greatest depth of PNG's header.
_PNG_GREY, _PNG_RGB, _PNG_DEEP = 0, 2, 16
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Picture:
    """A decoded picture, upright and in sRGB.

    rgb_u8: (H, W, 3); alpha_u8: (H, W), or None if every pixel is opaque; format: Pillow's name of the file's format;
    colour_space: the file's, as of `cutline.pipeline.codecs.colour.colour_space_of`; metadata: what of the
    file's is kept, if it was asked for; rgb_u16: the colours in 16 bits (H, W, 3), if that was
    asked for and the file has them.
    """

    rgb_u8: U8
    alpha_u8: U8 | None
    format: str
    colour_space: str = "sRGB"
    metadata: FileMetadata | None = None
    rgb_u16: U16 | None = None

    @property
    def width(self) -> int:
        return int(self.rgb_u8.shape[1])

    @property
    def height(self) -> int:
        return int(self.rgb_u8.shape[0])


def decode_image(data: bytes, limits: PictureLimits, metadata: MetadataMode = "none", depth: Depth = 8) -> Picture:
    """Return the first frame of a picture file, turned upright, in sRGB, with its own alpha if it has one.

    Size in bytes, format and sides are checked before any pixel is decoded, so memory stays within about 12 bytes per
    pixel of the largest picture that `limits` allows, or 18 for a WEBP, whose decoder holds two canvases.

    Raises:
        InputRefused: for every other input.
    """
    name = _accepted_format(data, limits)
    try:
        # Plugins warn about damage; decoding either tolerates it or refuses the picture.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = _decode(data, name, limits)
    except Image.DecompressionBombError as error:
        raise InputRefused(Reason.RESOLUTION_TOO_HIGH, "The picture has too many pixels.") from error
    except PLUGIN_ERRORS as error:
        raise InputRefused(Reason.IMAGE_CORRUPT, "The picture cannot be decoded.") from error
    if depth > DEPTHS["8"]:
        picture = replace(picture, rgb_u16=_deep_colours(data, picture))
    if metadata == "none":
        return picture
    return replace(picture, metadata=read_metadata(data, name, metadata, PLUGIN_ERRORS))


def _deep_colours(data: bytes, picture: Picture) -> U16 | None:
    """Return the 16-bit colours of a decoded file, within 16 bytes a pixel; None where it has 8 bits.

    Raises InputRefused(RESOLUTION_TOO_HIGH).
    """
    if picture.format not in DEEP_FORMATS:
        return None
    if picture.width * picture.height > MAX_DEEP_PX:
        raise InputRefused(Reason.RESOLUTION_TOO_HIGH, f"With 16 bits a picture has at most {MAX_DEEP_PX} pixels.")
    try:
        rgb_u16 = read_deep(data, picture.format, turn_upright)
    except PLUGIN_ERRORS:
        return None
    return rgb_u16 if rgb_u16 is not None and rgb_u16.shape == picture.rgb_u8.shape else None


def _accepted_format(data: bytes, limits: PictureLimits) -> str:
    if not data:
        raise InputRefused(Reason.IMAGE_EMPTY, "The picture has no bytes.")
    if len(data) > limits.max_bytes:
        raise InputRefused(Reason.IMAGE_TOO_LARGE, f"The picture is larger than {limits.max_bytes} bytes.")
    formats = limits.formats if reads_heif() else limits.formats - {HEIF}
    name = sniff_format(data)
    if name is None or name not in formats:
        raise InputRefused(Reason.IMAGE_TYPE, f"Not one of {', '.join(sorted(formats))}.")
    return name


def _decode(data: bytes, name: str, limits: PictureLimits) -> Picture:
    if name == "WEBP" and (size := webp_size(data)) is not None:
        _check_sides(size, limits)
    if name == "JPEG":
        if jpeg_padding(data) > _MAX_PADDING_BYTES:
            raise InputRefused(Reason.IMAGE_CORRUPT, "The picture has too many bytes between its segments.")
        scans, is_ended = jpeg_scans(data)
        if scans > _MAX_SCANS:
            raise InputRefused(Reason.IMAGE_CORRUPT, f"The picture has more than {_MAX_SCANS} scans.")
        if not is_ended:
            return _decode_unended(data, limits)
    if name == "PNG":
        return _decode_png(data, limits)
    if name in (AVIF, HEIF) and not is_bounded(data):
        raise InputRefused(Reason.IMAGE_CORRUPT, "The picture is made of too many others.")
    if name == HEIF:
        _register_heif()
    return _decode_file(data, name, limits)


def _decode_unended(data: bytes, limits: PictureLimits) -> Picture:
    """Return the picture of a JPEG that lost only its end marker: what follows the last scan changes no pixel.

    Of 528 pictures that had lost 3 to 13 bytes, these bits detected each that no longer decoded to the same pixels.
    The restart marker is the one that would come next, if a whole interval between two of them is missing.
    """
    data = data.rstrip(b"\xff")
    restarts = _RESTART.findall(data, data.rfind(b"\xff\xda"))
    following = b"\xff" + bytes([0xD0 + (restarts[-1][1] + 1) % 8 if restarts else 0xD0])
    noise = b"\xaa" * 64
    picture = _decode_file(data + _END_OF_JPEG, "JPEG", limits)
    other = _decode_file(data + noise + following + noise + _END_OF_JPEG, "JPEG", limits)
    if not (jpeg_is_whole(data) and np.array_equal(picture.rgb_u8, other.rgb_u8)):
        raise InputRefused(Reason.IMAGE_CORRUPT, "The picture breaks off.")
    return picture


def _decode_png(data: bytes, limits: PictureLimits) -> Picture:
    """Texts, which say nothing about pixels, are left out where Pillow refuses the picture for them.

    So is a profile that is too large to be applied.
    """
    try:
        return _decode_file(data, "PNG", limits)
    except ValueError:
        for kinds in (PNG_TEXTS, PNG_TEXTS | PNG_PROFILE):
            bare = without_chunks(data, kinds)
            with suppress(ValueError):
                return _decode_file(bare, "PNG", limits)
        raise


def _decode_file(data: bytes, name: str, limits: PictureLimits) -> Picture:
    with Image.open(io.BytesIO(data), formats=[name]) as image:
        _check_sides(image.size, limits)
        _check_tiles(image, limits)
        image.load()
        # Again, because some plugins learn the frame's real size only while they decode.
        _check_sides(image.size, limits)
        if name == "PNG":
            _scale_key(image, data)
        colour_space = colour_space_of(image)
        rgb_u8, alpha_u8 = to_srgb(turn_upright(black_is_zero(image)))
    return Picture(rgb_u8, alpha_u8, name, colour_space)


def _check_sides(size: tuple[int, int], limits: PictureLimits) -> None:
    if max(size) > limits.max_side_px:
        raise InputRefused(Reason.RESOLUTION_TOO_HIGH, f"A side is longer than {limits.max_side_px} px.")
    if limits.max_pixels is not None and size[0] * size[1] > limits.max_pixels:
        raise InputRefused(Reason.RESOLUTION_TOO_HIGH, f"The picture has more than {limits.max_pixels} pixels.")
    if min(size) < limits.min_side_px:
        raise InputRefused(Reason.RESOLUTION_TOO_LOW, f"A side is shorter than {limits.min_side_px} px.")


def _check_tiles(image: Image.Image, limits: PictureLimits) -> None:
    """Refuses a TIFF whose tiles exceed the largest picture: libtiff unpacks a whole tile to read a corner of it."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return
    for tag in (TiffImagePlugin.TILEWIDTH, TiffImagePlugin.TILELENGTH):
        side = image.tag_v2.get(tag, 0)
        # Tile sides are multiples of 16, so the largest picture may need one a little larger than itself.
        if not isinstance(side, int) or side > limits.max_side_px + 15:
            raise InputRefused(Reason.IMAGE_CORRUPT, "The picture's tiles are larger than the picture may be.")


def _scale_key(image: Image.Image, data: bytes) -> None:
    """Scales a PNG's transparent colour to 8 bits, as the pixels are; Pillow keeps the file's depth (PNG 11.3.1.1)."""
    depth, kind = data[24], data[25]
    key = image.info.get("transparency")
    if kind == _PNG_GREY and depth in (2, 4) and isinstance(key, int):
        image.info["transparency"] = key * (255 // (2**depth - 1))
    elif kind == _PNG_RGB and depth == _PNG_DEEP and isinstance(key, tuple):
        # Pillow keeps the high byte of 16-bit pixels.
        image.info["transparency"] = tuple(part >> 8 for part in key)


def turn_upright(image: Image.Image) -> Image.Image:
    """Return the image turned as its EXIF orientation says; a broken EXIF block is ignored.

    Pillow turns a TIFF while loading it and then drops the tag.
    """
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except PLUGIN_ERRORS:
        return image
    method = _TRANSPOSITIONS.get(orientation) if isinstance(orientation, int) else None
    if method is None:
        return image
    turned = image.transpose(method)
    turned.info = dict(image.info)
    return turned


AVIF, HEIF = "AVIF", "HEIF"


@cache
def reads_heif() -> bool:
    """Return whether the optional package `pi-heif` is installed (layers/heif)."""
    return find_spec("pi_heif") is not None


@cache
def _register_heif() -> None:
    """Register HEIC with Pillow. Only the primary picture is decoded, in this thread only.

    Threads of libheif's own would each count against the decoder's memory.
    """
    from pi_heif import register_heif_opener  # noqa: PLC0415

    register_heif_opener(decode_threads=1, thumbnails=False, depth_images=False, aux_images=False)
