"""Pictures and backgrounds as callers on this machine name them: files, addresses, bytes, PIL images and arrays."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from cutline.adapters.fetch import FetchPolicy, fetch
from cutline.errors import InputRefused, Reason
from cutline.limits import LOCAL_LIMITS
from cutline.local_file import read_file
from cutline.pipeline.codecs.colour import to_srgb
from cutline.pipeline.codecs.decode import Picture, decode_image, turn_upright
from cutline.pipeline.filters import U8
from cutline.pipeline.finish.options import UPLOAD, Background, BackgroundPicture, Rgb, read_background, read_fit
from cutline.pipeline.options import Depth, MetadataMode

_GREY, _COLOURED, _RGB, _RGBA = 2, 3, 3, 4
POLICY = FetchPolicy()


@dataclass(frozen=True)
class ChosenBackground:
    """A background; picture: what is in it, where it is a `BackgroundPicture`."""

    value: Background | None = None
    picture: Picture | None = None


def choose_background(given: object, fit: str = "cover") -> ChosenBackground:
    """Read a background: a colour, or text as of `read_background`, or a picture: an address, or as of `open_picture`.

    Raises ValueError for what is none of these, InputRefused for a picture that cannot be fetched or read, and OSError.
    """
    if given is None:
        return ChosenBackground()
    if isinstance(given, tuple | list):
        return ChosenBackground(_checked_colour(given))
    if isinstance(given, str):
        try:
            value = read_background(given, fit)
        except ValueError as error:
            read_fit(fit)
            if not Path(given).is_file():
                raise ValueError(f"{error}, or a file: {given[:100]!r}") from error
        else:
            return _fetched(value) if isinstance(value, BackgroundPicture) else ChosenBackground(value)
    try:
        return ChosenBackground(BackgroundPicture(fit=read_fit(fit)), open_picture(given))
    except TypeError as error:
        raise ValueError(f"a background is a colour, a text or a picture: {error}") from error
    except InputRefused as error:
        raise _of_background(error) from error


def _fetched(value: BackgroundPicture) -> ChosenBackground:
    if value.source.startswith(UPLOAD):
        raise ValueError("an upload is of a service; here a background is a file or an address")
    try:
        picture = decode_image(fetch(value.source, LOCAL_LIMITS.max_bytes, POLICY), LOCAL_LIMITS)
    except InputRefused as error:
        raise _of_background(error) from error
    return ChosenBackground(BackgroundPicture(fit=value.fit), picture)


def _of_background(error: InputRefused) -> InputRefused:
    return InputRefused(error.reason, f"the background: {error.detail or error.reason}")


def _checked_colour(given: tuple[int, ...] | list[int]) -> Rgb:
    try:
        red, green, blue = (int(value) for value in given)
        bytes((red, green, blue))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`background` must be three numbers in 0..255 or a colour such as #1f6feb: {given}"
        ) from error
    return red, green, blue


def open_picture(image: object, metadata: MetadataMode = "none", depth: Depth = 8) -> Picture:
    """Decode a file's bytes, a path, a PIL image or a uint8 array (H, W), (H, W, 3) or (H, W, 4).

    Raises InputRefused, OSError, ValueError and TypeError.
    """
    match image:
        case bytes():
            return decode_image(image, LOCAL_LIMITS, metadata, depth)
        case str() | os.PathLike():
            return decode_image(read_file(Path(image)), LOCAL_LIMITS, metadata, depth)
        case Image.Image():
            _check_size(*image.size)
            image.load()
            return Picture(*to_srgb(turn_upright(image)), image.format or "")
        case np.ndarray():
            return _picture_of(image)
    raise TypeError(f"expected bytes, a path, a PIL image or a NumPy array, not {type(image).__name__}")


def _check_size(width: int, height: int) -> None:
    """Hold arrays and PIL images to the limits of files. Raises ValueError and InputRefused."""
    if not width or not height:
        raise ValueError(f"the picture has no pixels: {width} x {height}")
    if max(width, height) > LOCAL_LIMITS.max_side_px:
        detail = f"The picture has {width} x {height} pixels; a side may have {LOCAL_LIMITS.max_side_px}"
        raise InputRefused(Reason.RESOLUTION_TOO_HIGH, detail)


def _picture_of(pixels: U8) -> Picture:
    coloured = pixels.ndim == _COLOURED and pixels.shape[2] in (_RGB, _RGBA)
    if pixels.dtype != np.uint8 or not (pixels.ndim == _GREY or coloured):
        raise ValueError("an array must be uint8 with the shape (H, W), (H, W, 3) or (H, W, 4)")
    _check_size(pixels.shape[1], pixels.shape[0])
    if not coloured:
        return Picture(np.repeat(pixels[..., None], _RGB, axis=2), None, "")
    alpha_u8 = np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == _RGBA else None
    return Picture(np.ascontiguousarray(pixels[..., :3]), alpha_u8, "")
