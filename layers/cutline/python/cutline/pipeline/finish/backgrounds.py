"""A background at the result's size: a colour, a gradient, a picture, or the photograph's own blurred."""

from __future__ import annotations

from math import cos, radians, sin

import numpy as np
from PIL import Image

from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.filters import F32, U8, box_mean, fit_within, grow, resize_u8
from cutline.pipeline.finish.options import Background, BackgroundPicture, Blur, Fit, Gradient
from cutline.pipeline.layout.framing import Placement

_WHITE = (255, 255, 255)
# Steps of a gradient: more than a byte has, so that rounding makes no band wider.
_STEPS, _BAND_PX = 2048, 1 << 20
# The blurred background is made at this size, with box means of these shares of the longer side: the wider ones fill
# what the subject covers.
_BLUR_SIDE_PX, _BLUR, _FILLS, _PRIOR = 256, 0.025, (0.5, 0.25, 0.1, 0.05), np.float32(0.02)
_VISIBLE = 4


def paint(background: Background, placement: Placement, photo: tuple[U8, U8], picture: Picture | None) -> Image.Image:
    """The background (RGB) for a canvas.

    photo: colours (H, W, 3) and alpha (H, W) of all that is not background, for `Blur`; picture: for
    `BackgroundPicture`. Raises ValueError if it is missing.
    """
    size = placement.width, placement.height
    match background:
        case Gradient():
            return Image.fromarray(_gradient(background, *size))
        case Blur():
            return _blurred(*photo, placement)
        case BackgroundPicture():
            if picture is None:
                raise ValueError("the background picture is missing")
            return place_picture(picture, size, background.fit)
    return Image.new("RGB", size, background)


def place_picture(picture: Picture, size: tuple[int, int], fit: Fit = "cover") -> Image.Image:
    """A picture (RGB) in the middle of a canvas: resized to fill it, or to fit into it with white around.

    White is under its transparent pixels too.
    """
    image = Image.fromarray(picture.rgb_u8)
    if picture.alpha_u8 is not None:
        image = Image.composite(image, Image.new("RGB", image.size, _WHITE), Image.fromarray(picture.alpha_u8))
    (width, height), ratios = size, (size[0] / image.width, size[1] / image.height)
    if fit == "contain":
        scale = min(ratios)
        inner = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        canvas = Image.new("RGB", size, _WHITE)
        canvas.paste(
            image.resize(inner, Image.Resampling.LANCZOS, reducing_gap=2.0),
            ((width - inner[0]) // 2, (height - inner[1]) // 2),
        )
        return canvas
    scale = max(ratios)
    part = width / scale, height / scale
    left, top = (image.width - part[0]) / 2, (image.height - part[1]) / 2
    box = (max(0.0, left), max(0.0, top), min(left + part[0], image.width), min(top + part[1], image.height))
    return image.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=2.0)


def _gradient(gradient: Gradient, width: int, height: int) -> U8:
    """(height, width, 3); the line and its length are those of CSS images 3, 3.1.1."""
    ends = np.array([gradient.start, gradient.end], np.float32)
    shares = np.linspace(0, 1, _STEPS, dtype=np.float32)[:, None]
    colours = np.rint(ends[0] + (ends[1] - ends[0]) * shares).astype(np.uint8)
    across, down = sin(radians(gradient.angle)), -cos(radians(gradient.angle))
    length = abs(width * across) + abs(height * down)
    x = ((np.arange(width) + 0.5) / width - 0.5) * width * across / length
    y = ((np.arange(height) + 0.5) / height - 0.5) * height * down / length
    rgb_u8 = np.empty((height, width, 3), np.uint8)
    rows = max(1, _BAND_PX // width)
    for top in range(0, height, rows):
        share = y[top : top + rows, None] + (x + 0.5)
        rgb_u8[top : top + rows] = colours[np.clip(share * (_STEPS - 1) + 0.5, 0, _STEPS - 1).astype(np.intp)]
    return rgb_u8


def _blurred(rgb_u8: U8, covered_u8: U8, placement: Placement) -> Image.Image:
    """The photograph's background where the canvas shows it, its outermost colours continued beyond."""
    height, width = covered_u8.shape
    size = fit_within(width, height, _BLUR_SIDE_PX)
    small_u8 = _filled(rgb_u8, covered_u8, size)
    at, source = placement.drawn, placement.source
    across, down = source.width / at.width * size[0] / width, source.height / at.height * size[1] / height
    left, top = source.left * size[0] / width - at.left * across, source.top * size[1] / height - at.top * down
    right, bottom = left + placement.width * across, top + placement.height * down
    # Of Pillow's box the picture must hold all; its filter takes some pixels around it too.
    pads = [max(0, int(np.ceil(by)) + 1) for by in (-top, bottom - size[1], -left, right - size[0])]
    padded = np.pad(small_u8, (tuple(pads[:2]), tuple(pads[2:]), (0, 0)), mode="edge")
    box = (left + pads[2], top + pads[0], right + pads[2], bottom + pads[0])
    return Image.fromarray(padded).resize((placement.width, placement.height), Image.Resampling.BICUBIC, box=box)


def _filled(rgb_u8: U8, covered_u8: U8, size: tuple[int, int]) -> U8:
    """The background blurred (h, w, 3), from its own pixels only; white where a picture has none."""
    photo = resize_u8(rgb_u8, *size, Image.Resampling.BOX).astype(np.float32).transpose(2, 0, 1)
    free = ~grow(resize_u8(covered_u8, *size, Image.Resampling.BOX) > _VISIBLE, 2)
    weight = free.astype(np.float32)
    known = photo * weight
    if not free.any():
        return np.full((size[1], size[0], 3), _WHITE, np.uint8)
    blurred: F32 = np.broadcast_to(known.sum(axis=(1, 2), keepdims=True) / weight.sum(), photo.shape)
    for share in (*_FILLS, _BLUR, _BLUR):
        radius = max(1, round(share * max(size)))
        means = box_mean(known, radius) + _PRIOR * blurred
        blurred = means / (box_mean(weight, radius) + _PRIOR)
        if share == _BLUR:  # the second time over what the first has made of it
            known, weight = blurred, np.ones_like(weight)
    return np.rint(np.clip(blurred, 0, 255)).astype(np.uint8).transpose(1, 2, 0).copy()
