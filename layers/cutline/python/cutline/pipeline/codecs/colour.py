"""Any of Pillow's modes to 8-bit sRGB and an optional 8-bit alpha; bounds on ICC profiles."""

from __future__ import annotations

import io
import struct
from math import prod

import numpy as np
from PIL import Image, ImageCms

from cutline.limits import MIB
from cutline.pipeline.filters import U8

_DEEP_GREY = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
_WITH_ALPHA = frozenset({"RGBA", "LA", "PA", "La", "RGBa"})
_OPAQUE = 255
# Modes that littlecms reads directly; all others are converted to RGB first.
_PROFILED_MODES = frozenset({"RGB", "L", "CMYK"})
# Larger pictures are copied in strips, which stay in the processor's cache.
_LARGE_PX, _STRIP_ROWS = 2_000_000, 64
_OTHER_SPACES = frozenset({"CMYK", "LAB"})
_MAX_NAME_CHARS = 60
_PROFILE_ERRORS = (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError, MemoryError)
# In the names of profiles with sRGB's colours and another curve, such as sRGB-elle-V2-g10.icc.
_LINEAR = ("g10", "linear", "Linear")


def to_srgb(image: Image.Image) -> tuple[U8, U8 | None]:
    """RGB (H, W, 3) and alpha (H, W) or None where the picture is opaque, from a loaded image of any mode.

    A broken or unfitting ICC profile is ignored, as browsers do.
    """
    image, alpha_u8 = _split_alpha(image)
    if image.mode in _DEEP_GREY:
        profile = image.info.get("icc_profile")
        image = Image.fromarray(_deep_grey_to_u8(image))
        image.info["icc_profile"] = profile
    elif image.mode == "LAB":
        image = _from_lab(image)
    elif image.mode not in _PROFILED_MODES:
        image = image.convert("RGB")
    image = _apply_profile(image, image.info.get("icc_profile"))
    rgb_u8 = _to_array(image if image.mode == "RGB" else image.convert("RGB"))
    if alpha_u8 is not None and alpha_u8.min() == _OPAQUE:
        alpha_u8 = None
    return rgb_u8, alpha_u8


def _to_array(image: Image.Image) -> U8:
    """(H, W, 3) of an RGB image; Pillow would copy a large one three times."""
    if image.width * image.height < _LARGE_PX:
        return np.array(image)
    rgb_u8 = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, image.height)
        rgb_u8[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return rgb_u8


def _split_alpha(image: Image.Image) -> tuple[Image.Image, U8 | None]:
    """Return the image without its alpha, and the alpha; a tRNS colour key becomes alpha 0."""
    key = image.info.get("transparency")
    profile = image.info.get("icc_profile")
    if image.mode in _DEEP_GREY:
        if not isinstance(key, int):
            return image, None
        return image, np.where(np.asarray(image) == key, 0, 255).astype(np.uint8)
    if image.mode not in _WITH_ALPHA and key is None:
        return image, None
    if image.mode in ("L", "LA", "La"):
        # As grey, because its profile fits nothing else.
        grey = image if image.mode == "LA" else image.convert("LA")
        opaque, alpha = grey.getchannel("L"), grey.getchannel("A")
    else:
        full = image if image.mode == "RGBA" else image.convert("RGBA")
        opaque, alpha = full.convert("RGB"), full.getchannel("A")
    opaque.info = {"icc_profile": profile} if profile else {}
    return opaque, np.array(alpha)


def _deep_grey_to_u8(image: Image.Image) -> U8:
    """(H, W) bytes from 16-bit, 32-bit or float grey: 65535 is white, and 1.0 in a float picture of mostly less."""
    values = np.asarray(image)
    if image.mode == "F":
        finite = np.nan_to_num(values, nan=0.0, posinf=255.0, neginf=0.0)
        # Not the brightest pixel: one overshoot would turn the whole picture black.
        white = 255.0 if np.quantile(finite, 0.99) <= 1.0 else 1.0
        scaled: U8 = np.clip(np.rint(finite * white), 0, 255).astype(np.uint8)
        return scaled
    cut: U8 = ((np.clip(values, 0, 65535).astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    return cut


def _from_lab(image: Image.Image) -> Image.Image:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    if converted is None:
        raise ValueError("LAB conversion gave nothing")
    converted.info = {}
    return converted


def _apply_profile(image: Image.Image, profile: object) -> Image.Image:
    """Return the image in sRGB; unchanged if it has no profile, an sRGB one, or one beyond the bounds or invalid."""
    bounded = bounded_profile(profile) if isinstance(profile, bytes) else None
    if bounded is None:
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(bounded))
        # The transform costs 25 ms per megapixel, and sRGB to sRGB would only add rounding.
        if _names_srgb(ImageCms.getProfileDescription(source)):
            return image
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except _PROFILE_ERRORS:
        return image
    return image if converted is None else converted


def colour_space_of(image: Image.Image) -> str:
    """Name the colour space of an image as opened: "sRGB", CMYK or LAB, or what its ICC profile is called."""
    if image.mode in _OTHER_SPACES:
        return image.mode
    profile = image.info.get("icc_profile")
    bounded = bounded_profile(profile) if isinstance(profile, bytes) else None
    if bounded is None:
        return "sRGB"
    try:
        description = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(bounded)))
    except _PROFILE_ERRORS:
        return "sRGB"  # as browsers read it
    shown = " ".join(description.split())[:_MAX_NAME_CHARS]
    return "sRGB" if _names_srgb(description) else shown or "a profile without a name"


def is_srgb_profile(bounded: bytes) -> bool:
    """Return whether a bounded profile's colours are sRGB's, as those of a broken one count."""
    try:
        return _names_srgb(ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(bounded))))
    except _PROFILE_ERRORS:
        return True


def _names_srgb(description: str) -> bool:
    return description.startswith("sRGB") and not any(word in description for word in _LINEAR)


# Bounds of an ICC profile, checked before littlecms reads it (ICC.1:2022 7 and 10). littlecms builds everything that a
# tag points to, once per reference: 951 bytes of PNG can hold 6,000 processing elements that share one curve and cost
# half a minute. A profile within the bounds costs less than a second. The largest that printing houses offer, for CMYK,
# have 2.7 MiB.
MAX_PROFILE_BYTES = 4 * MIB
# True ones have 9 to 40; littlecms itself stops at 100.
_MAX_TAGS = 64
_PROFILE_HEADER_BYTES = 128
_TAG_ENTRY_BYTES = 12
# What a picture may embed (ICC.1:2022 B.1): input, display, output, colour space.
_PROFILE_CLASSES = frozenset({b"scnr", b"mntr", b"prtr", b"spac"})
# Tags of version 4.3 and later, in addition to the older ones that every profile must have. Only these may hold
# elements.
_ELEMENT_TAGS = frozenset({b"D2B0", b"D2B1", b"D2B2", b"D2B3", b"B2D0", b"B2D1", b"B2D2", b"B2D3"})
_ELEMENTS = b"mpet"
# Tables by the bytes of a node's number; those with curves say it themselves, one byte at least.
_TABLE_BYTES = {b"mft1": 1, b"mft2": 2}
_CURVED_TABLES = frozenset({b"mAB ", b"mBA "})


def bounded_profile(profile: bytes) -> bytes | None:
    """Return the profile without tags of processing elements; None if it is not a profile, or too expensive to apply.

    The tags stay in the table under unused names, so that no offset changes.
    """
    if not _PROFILE_HEADER_BYTES + 4 <= len(profile) <= MAX_PROFILE_BYTES or profile[36:40] != b"acsp":
        return None
    if profile[12:16] not in _PROFILE_CLASSES:
        return None
    (count,) = struct.unpack_from(">I", profile, _PROFILE_HEADER_BYTES)
    table = _PROFILE_HEADER_BYTES + 4
    if count > _MAX_TAGS or table + count * _TAG_ENTRY_BYTES > len(profile):
        return None
    bounded = bytearray(profile)
    for at in range(table, table + count * _TAG_ENTRY_BYTES, _TAG_ENTRY_BYTES):
        name, offset = struct.unpack_from(">4sI", profile, at)
        if name in _ELEMENT_TAGS:
            bounded[at : at + 2] = b"~~"
            bounded[at + 2 : at + 4] = name[:1] + name[3:]
        elif profile[offset : offset + 4] == _ELEMENTS or _claimed_bytes(profile, offset) > len(profile) - offset:
            return None
    return bytes(bounded)


def _claimed_bytes(profile: bytes, offset: int) -> int:
    """Return how many bytes the names or the table of a tag should have (ICC.1:2022 10.10 to 10.12, 10.15).

    littlecms reserves and clears memory for all of them before it reads the first: 474 MiB for a tag of 300 bytes.
    """
    kind, (inputs, outputs, points) = profile[offset : offset + 4], profile[offset + 8 : offset + 11].ljust(3, b"\0")
    if kind == b"mluc":
        return 16 + 12 * int.from_bytes(profile[offset + 8 : offset + 12], "big")
    if kind in _TABLE_BYTES:
        return int(_TABLE_BYTES[kind] * outputs * points**inputs)
    if kind not in _CURVED_TABLES:
        return 0
    grid = int.from_bytes(profile[offset + 24 : offset + 28], "big")
    return grid + outputs * prod(profile[offset + grid : offset + grid + min(inputs, 16)]) if grid else 0
