"""One picture's garments from end to end: classes, person, edges, encode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cutline.pipeline.compose import merge_alpha, put_on_colour
from cutline.pipeline.cutout import matte_picture
from cutline.pipeline.decode import Picture
from cutline.pipeline.encode import encode_png
from cutline.pipeline.filters import U8
from cutline.pipeline.garment_masks import garment_masks, unite
from cutline.pipeline.network import Network
from cutline.pipeline.options import CutOptions, GarmentForm, GarmentOptions
from cutline.pipeline.timing import StageTimer

# A smaller share of the picture is a stray patch; a hat or a pair of shoes in a full-body picture covers more.
LEAST_GARMENT_COVERAGE = 0.0005
_WHITE = (255, 255, 255)


@dataclass(frozen=True)
class GarmentCutout:
    """PNG files of the picture's own size.

    image: the union, or None if no garment of it was found; classes: the requested classes by name; found: all classes.
    """

    image: bytes | None
    classes: Mapping[str, bytes]
    found: tuple[str, ...]
    width: int
    height: int


def cut_garments(
    picture: Picture, options: GarmentOptions, matte: Network, costume: Network, timer: StageTimer
) -> GarmentCutout:
    """The garments that people in a picture wear or carry, in the form that the options ask for.

    The person's alpha bounds every garment. This gives clean outlines, and it keeps the network, which was trained on
    clothed people alone, from finding garments on things.

    Raises:
        ServiceFault: if a network fails.
    """
    with timer.stage("classes"):
        probabilities = costume.predict(picture.rgb_u8, picture.alpha_u8)
    wearer = matte_picture(picture, CutOptions(subject="person"), matte, timer)
    with timer.stage("garments"):
        masks = garment_masks(probabilities, picture.rgb_u8, wearer.alpha_u8)
        masks = {name: mask for name, mask in masks.items() if mask.mean() / 255 > LEAST_GARMENT_COVERAGE}
        wanted = {name: mask for name, mask in masks.items() if not options.merged or name in options.classes}
        union = unite(wanted, probabilities, picture.rgb_u8, wearer.alpha_u8) if wanted else None
    with timer.stage("encode"):
        image = None if union is None else _encode(wearer.rgb_u8, union, options.form)
        classes = {name: _encode(wearer.rgb_u8, masks[name], options.form) for name in options.classes if name in masks}
    return GarmentCutout(image, classes, tuple(masks), picture.width, picture.height)


def _encode(rgb_u8: U8, alpha_u8: U8, form: GarmentForm) -> bytes:
    if form == "mask":
        return encode_png(alpha_u8)
    rgba_u8 = merge_alpha(rgb_u8, alpha_u8)
    return encode_png(put_on_colour(rgba_u8, _WHITE) if form == "white" else rgba_u8)
