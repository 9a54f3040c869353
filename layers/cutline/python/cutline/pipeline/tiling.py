"""Wide pictures, such as a row of people: squeezed into a network's square nobody in them looks like a person."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np
from PIL import Image

from cutline.pipeline.filters import F32, U8, resize_f32
from cutline.pipeline.model_entry import ModelEntry
from cutline.pipeline.preprocess import fit_picture
from cutline.pipeline.zoom import Predict

# Width per height from which on a picture is wide, and from which on it is a strip with nobody on it; 16:9 is neither.
WIDE, STRIP = 1.8, 6.0
_OVERLAP = 0.25


def is_wide(rgb_u8: U8) -> bool:
    """Whether a picture (H, W, 3) is one for `predict_wide`."""
    height, width = rgb_u8.shape[:2]
    return bool(WIDE <= width / height <= STRIP)


def sees_squares(entry: ModelEntry, rgb_u8: U8) -> bool:
    """Whether a network looks at a picture in squares too: one that squashes, and tells persons, at a wide one."""
    return not entry.letterbox and "person" in entry.channels and is_wide(rgb_u8)


def reduce_picture(entry: ModelEntry, rgb_u8: U8, alpha_u8: U8 | None) -> U8:
    """The picture (h, w, 3) reduced so far that the network still sees what it would see of the whole.

    What alpha hides is mid-grey. For a network to run elsewhere; there it makes `predict_wide` of a wide picture and
    looks closer at a small subject too.
    """
    if not entry.letterbox:
        view_height, view_width = _view_size(entry, rgb_u8)
        entry = replace(entry, height=view_height, width=view_width)
    return fit_picture(entry, rgb_u8, alpha_u8)


def _view_size(entry: ModelEntry, rgb_u8: U8) -> tuple[int, int]:
    """Height and width of a view that is wide, a strip, or neither, as the picture is."""
    height, width = rgb_u8.shape[:2]
    if sees_squares(entry, rgb_u8):
        squares_height = min(height, entry.height)
        return squares_height, min(width, max(round(entry.height * width / height), ceil(WIDE * squares_height)))
    if width > STRIP * height:
        strip_width = min(width, 2 * entry.view_width)
        return min(height, max(1, ceil(strip_width / STRIP) - 1)), strip_width
    return min(height, entry.view_height), min(width, entry.view_width)


def predict_wide(predict: Predict, rgb_u8: U8, alpha_u8: U8 | None) -> dict[str, F32]:
    """Maps (h, w) in [0, 1], "person" among them, of a wide picture, seen whole and in overlapping squares.

    A person is who looks like one either way: measured on rows of two to four portraits and on close-ups. What else
    is in front depends on the whole as well, so both have an equal say. Costs one run of the network per square.
    """
    height, width = rgb_u8.shape[:2]
    count = int(np.ceil((width / height - _OVERLAP) / (1 - _OVERLAP)))
    lefts = np.linspace(0, width - height, count).round().astype(int)
    squares = [
        predict(rgb_u8[:, x : x + height], None if alpha_u8 is None else alpha_u8[:, x : x + height]) for x in lefts
    ]
    joined = {name: _join([square[name] for square in squares], lefts / height) for name in squares[0]}
    size = joined["person"].shape[::-1]
    seen = predict(rgb_u8, alpha_u8)
    whole = {name: resize_f32(plane, size[0], size[1], Image.Resampling.BILINEAR) for name, plane in seen.items()}
    person = np.maximum(whole["person"], joined["person"])
    mean = {name: (whole[name] + joined[name]) / 2 for name in joined}
    return {name: person if name == "person" else np.maximum(plane, person) for name, plane in mean.items()}


def _join(planes: list[F32], lefts: F32) -> F32:
    """One plane of overlapping square ones; each counts most in its middle. `lefts`: in sides of a square."""
    side = planes[0].shape[0]
    starts = (lefts * side).round().astype(int)
    total = np.zeros((side, starts[-1] + side), np.float32)
    weight = np.zeros_like(total)
    column = np.arange(side)
    middle = np.minimum(column + 1, side - column).astype(np.float32)[None]
    for plane, start in zip(planes, starts, strict=True):
        total[:, start : start + side] += resize_f32(plane, side, side, Image.Resampling.BILINEAR) * middle
        weight[:, start : start + side] += middle
    joined: F32 = np.divide(total, weight, dtype=np.float32)
    return joined
