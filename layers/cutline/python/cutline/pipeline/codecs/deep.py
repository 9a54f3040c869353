"""The 16-bit colours of a PNG or TIFF, which Pillow decodes to 8: both bytes of each sample, then sRGB.

Pillow's decoders undo filters and compression for samples of two bytes and then keep the first byte of each. Set to
the other order of bytes they keep the second, so that two runs give both.
"""

from __future__ import annotations

import io
import warnings

import numpy as np
import numpy.typing as npt
from PIL import Image, TiffImagePlugin

from cutline.pipeline.codecs.deep_colour import Conversion, conversion_from
from cutline.pipeline.filters import U8

U16 = npt.NDArray[np.uint16]
DEEP_FORMATS = ("PNG", "TIFF")
_GREY = ("I;16", "I;16B", "I;16L", "I;16N")
# Raw modes in pairs: of the first byte of each sample, and of the second. Native order is the little one here.
_SWAPPED = {
    f"{bands};16{order}": f"{bands};16{other}"
    for bands in ("RGB", "RGBA")
    for order, other in (("L", "B"), ("B", "L"), ("N", "B"))
}
_GREY_ALPHA = "LA;16B"
_STRIP_ROWS = 64
_WHITE_IS_ZERO, _WHITE = 0, np.uint16(65535)


def read_deep(data: bytes, name: str, upright: object) -> U16 | None:
    """Return the colours (H, W, 3) of a file that was decoded as the format `name`, in sRGB.

    None if its samples have 8 bits, or a form or a profile of which only 8 bits can be had. upright: the function that
    turns an image as its orientation says. Raises what Pillow's plugins raise.
    """
    assert callable(upright)
    if name not in DEEP_FORMATS:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first = _opened(data, name)
        raw = _raw_mode(first)
        profile = first.info.get("icc_profile")
        if first.mode in _GREY:
            first.load()
            grey_u16 = np.asarray(upright(black_is_zero(first))).astype(np.uint16)
            return _converted(np.repeat(grey_u16[..., None], 3, axis=2), conversion_from(profile, is_grey=True))
        is_grey = raw == _GREY_ALPHA
        if not is_grey and raw not in _SWAPPED:
            return None
        conversion = conversion_from(profile, is_grey=is_grey)
        if conversion is None:
            return None
        if is_grey:
            # Four bytes: both of grey, both of alpha.
            pairs_u8 = _pixels(first, "RGBA", upright)
            rgb_u16 = np.repeat(_joined(pairs_u8[..., :1], pairs_u8[..., 1:2]), 3, axis=2)
        else:
            high_u8 = _pixels(first, raw, upright)
            rgb_u16 = _joined(high_u8, _pixels(_opened(data, name), _SWAPPED[raw], upright))
    return _converted(rgb_u16, conversion)


def black_is_zero(image: Image.Image) -> Image.Image:
    """Return a loaded image with 16-bit grey the right way round: Pillow ignores that a TIFF's 0 is white (6.0, 8)."""
    tags = getattr(image, "tag_v2", {})
    if image.mode not in _GREY or tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) != _WHITE_IS_ZERO:
        return image
    positive = Image.fromarray(_WHITE - np.asarray(image).astype(np.uint16))
    positive.info = dict(image.info)
    return positive


def _opened(data: bytes, name: str) -> Image.Image:
    return Image.open(io.BytesIO(data), formats=[name])


def _raw_mode(image: Image.Image) -> str:
    tiles = getattr(image, "tile", [])
    if len({str(_first(tile.args)) for tile in tiles}) != 1:
        return ""
    return str(_first(tiles[0].args))


def _first(arguments: object) -> object:
    return arguments[0] if isinstance(arguments, tuple) else arguments


def _pixels(image: Image.Image, raw: str, upright: object) -> U8:
    """Return the bytes (H, W, 3 or 4) that a raw mode takes of each sample."""
    assert callable(upright)
    tiles = getattr(image, "tile", [])
    image.tile = [  # type: ignore[attr-defined]
        tile._replace(args=(raw, *tile.args[1:]) if isinstance(tile.args, tuple) else raw) for tile in tiles
    ]
    image.load()
    pixels: U8 = np.asarray(upright(image))
    return pixels


def _joined(high_u8: U8, low_u8: U8) -> U16:
    bands = min(3, high_u8.shape[2])
    joined: U16 = high_u8[..., :bands].astype(np.uint16)
    joined <<= 8
    joined |= low_u8[..., :bands]
    return joined


def _converted(rgb_u16: U16, conversion: Conversion | None) -> U16 | None:
    if conversion is None:
        return None
    for top in range(0, len(rgb_u16), _STRIP_ROWS):
        strip = rgb_u16[top : top + _STRIP_ROWS]
        strip[:] = conversion(strip)
    return rgb_u16
