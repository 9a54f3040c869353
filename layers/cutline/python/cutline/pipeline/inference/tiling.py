"""Tiling of wide pictures: a row of people squeezed into the network's square no longer looks like people."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np
from PIL import Image

from cutline.pipeline.filters import F32, U8, resize_f32
from cutline.pipeline.inference.crop import Predict
from cutline.pipeline.inference.model_config import ModelEntry
from cutline.pipeline.inference.preprocess import fit_picture

# A picture is wide from the first ratio of width to height to the second; 16:9 is not. Wider ones show no people.
WIDE, STRIP = 1.8, 6.0
_OVERLAP = 0.25


def is_wide(rgb_u8: U8) -> bool:
    """Return whether a picture (H, W, 3) is wide enough for `predict_tiled`."""
    height, width = rgb_u8.shape[:2]
    return bool(WIDE <= width / height <= STRIP)


def is_tiled(entry: ModelEntry, rgb_u8: U8) -> bool:
    """Return whether a network tiles this picture: it squashes, has a person channel, and the picture is wide."""
    return not entry.letterbox and "person" in entry.channels and is_wide(rgb_u8)


def reduce_picture(entry: ModelEntry, rgb_u8: U8, alpha_u8: U8 | None) -> U8:
    """Return the picture (h, w, 3) at the smallest size that gives the network's passes, tiles and crop full detail.

    It is tiled or cropped as the whole would be. A reduced picture is returned unchanged, so one machine can reduce it
    and another run the network. Transparent pixels become mid-grey.
    """
    if not entry.letterbox:
        view_height, view_width = _view_size(entry, rgb_u8)
        entry = replace(entry, height=view_height, width=view_width)
    return fit_picture(entry, rgb_u8, alpha_u8)


def _view_size(entry: ModelEntry, rgb_u8: U8) -> tuple[int, int]:
    """Height and width of the reduced picture, which stays wide, a strip or neither."""
    height, width = rgb_u8.shape[:2]
    if is_tiled(entry, rgb_u8):
        tile_height = min(height, entry.height)
        return tile_height, min(width, max(round(entry.height * width / height), ceil(WIDE * tile_height)))
    if width > STRIP * height:
        strip_width = min(width, 2 * entry.view_width)
        return min(height, max(1, ceil(strip_width / STRIP) - 1)), strip_width
    return min(height, entry.view_height), min(width, entry.view_width)


def predict_tiled(predict: Predict, rgb_u8: U8) -> dict[str, F32]:
    """Predictions (h, w) in [0, 1], "person" among them, of a wide picture: of the whole and of overlapping tiles.

    "person" is the maximum of both, which was best on rows of two to four portraits and on close-ups. The other
    planes are the mean of both, because the whole picture decides what is in front. Costs one pass per tile and one
    for the whole.
    """
    height, width = rgb_u8.shape[:2]
    count = int(np.ceil((width / height - _OVERLAP) / (1 - _OVERLAP)))
    lefts = np.linspace(0, width - height, count).round().astype(int)
    tiles = [predict(rgb_u8[:, x : x + height]) for x in lefts]
    joined = {name: _join([tile[name] for tile in tiles], lefts / height) for name in tiles[0]}
    size = joined["person"].shape[::-1]
    squashed = predict(rgb_u8)
    whole = {name: resize_f32(plane, size[0], size[1], Image.Resampling.BILINEAR) for name, plane in squashed.items()}
    person = np.maximum(whole["person"], joined["person"])
    mean = {name: (whole[name] + joined[name]) / 2 for name in joined}
    return {name: person if name == "person" else np.maximum(plane, person) for name, plane in mean.items()}


def _join(planes: list[F32], lefts: F32) -> F32:
    """Blend one plane from overlapping square ones, with weights that peak in each middle; lefts: in sides."""
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
