"""A stored cut-out at another size, on another background, in another format."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from PIL import Image

from cutline.errors import InputRefused, Reason
from cutline.pipeline.codecs.encode import ENCODERS, encode_png
from cutline.pipeline.cutout import Matte
from cutline.pipeline.filters import U8
from cutline.pipeline.finish.backgrounds import paint
from cutline.pipeline.finish.drop_shadow import draw_shadow
from cutline.pipeline.finish.layers import stack
from cutline.pipeline.layout.framing import Box, Placement
from cutline.pipeline.options import VariantOptions
from cutline.pipeline.outputs.profiles import read_profiles
from cutline.pipeline.outputs.publish import publish

# Enough for variants of `MAX_SMALL_PX` (serving/variants.py).
REDUCED_SIDE_PX = 1024
_WHITE = (255, 255, 255)
# A reduction by whole pixels first, which is fast, leaves at least this factor to the filter.
_REDUCING_GAP = 1.25


def render_variant(png: bytes, options: VariantOptions) -> bytes:
    """The file of a variant of a stored PNG (RGB or RGBA).

    Raises InputRefused: PARAMETER_INVALID for one of too many pixels, or whose source hides what it would show;
    NO_SUBJECT.
    """
    image = _opened(png)
    background = options.background
    options.check_transparency(transparent=image.mode == "RGBA")
    image_format = options.image_format or "png"
    if options.profile:
        profile = read_profiles()[options.profile]
        pixels_u8 = np.array(image)
        matte = Matte(pixels_u8[..., :3], np.ascontiguousarray(pixels_u8[..., 3]), "object", None)
        if matte.box is None:
            raise InputRefused(Reason.NO_SUBJECT)
        published = publish(matte, profile, options.shadow)
        if (options.width, options.height, options.image_format) == (None, None, None):
            return published.file
        image = Image.fromarray(published.cutout.pixels_u8)
        background, image_format = profile.background, options.image_format or profile.image_format
        # It has its shadow.
        options = replace(options, shadow=VariantOptions().shadow)
    if image_format == "jpeg" and background is None:
        background = _WHITE
    rgba_u8 = _on_canvas(image, options)
    return ENCODERS[image_format](_finished(rgba_u8, replace(options, background=background)))


def reduce_result(png: bytes) -> bytes:
    """A copy of a stored PNG (RGB or RGBA) whose longer side has `REDUCED_SIDE_PX`."""
    image = _opened(png)
    factor = REDUCED_SIDE_PX / max(image.size)
    width, height = (max(1, round(side * factor)) for side in image.size)
    pixels_u8 = _on_canvas(image, VariantOptions(width=width, height=height))
    return encode_png(pixels_u8 if image.mode == "RGBA" else pixels_u8[..., :3])


def _opened(png: bytes) -> Image.Image:
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        image.load()
    return image


def _on_canvas(image: Image.Image, options: VariantOptions) -> U8:
    """The cut-out on a transparent canvas (h, w, 4) of the size asked for."""
    width, height = options.canvas_of(*image.size)
    # Colours weighted by alpha, so that no fringe appears.
    weighted = image.convert("RGBa" if image.mode == "RGBA" else "RGB")
    ratios = width / image.width, height / image.height
    if options.fit == "cover":
        part = width / max(ratios), height / max(ratios)
        left, top = (image.width - part[0]) / 2, (image.height - part[1]) / 2
        box = (max(0.0, left), max(0.0, top), min(left + part[0], image.width), min(top + part[1], image.height))
        inner = width, height
    else:
        box = (0.0, 0.0, float(image.width), float(image.height))
        inner = max(1, round(image.width * min(ratios))), max(1, round(image.height * min(ratios)))
    resized = weighted.resize(inner, Image.Resampling.LANCZOS, box=box, reducing_gap=_REDUCING_GAP).convert("RGBA")
    if inner == (width, height):
        return np.array(resized)
    canvas = Image.new("RGBA", (width, height))
    canvas.paste(resized, ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return np.array(canvas)


def _finished(rgba_u8: U8, options: VariantOptions) -> U8:
    """The canvas (h, w, 4) over its shadow and background: (h, w, 3), or (h, w, 4) without a background."""
    alpha_u8 = np.ascontiguousarray(rgba_u8[..., 3])
    density_u8 = draw_shadow(alpha_u8, options.shadow) if options.shadow.kind == "drop" else None
    if options.background is None:
        return stack(rgba_u8, density_u8, None)
    height, width = alpha_u8.shape
    everywhere = Box(0, 0, width, height)
    placement = Placement(width, height, everywhere, everywhere)
    return stack(rgba_u8, density_u8, paint(options.background, placement, (rgba_u8[..., :3], alpha_u8), None))
