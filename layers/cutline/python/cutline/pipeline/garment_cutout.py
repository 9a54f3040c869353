"""One picture's garments cut out from end to end: classes, person, edges, encode."""

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
from cutline.pipeline.options import CutRequest, GarmentForm, GarmentRequest
from cutline.pipeline.timing import StageTimer

# The share of the picture up to which a garment is a stray patch of the network's and no garment; a hat or a pair of
# shoes in a full-body picture takes more.
LEAST_GARMENT_COVERAGE = 0.0005
_WHITE = (255, 255, 255)


@dataclass(frozen=True)
class Garments:
    """PNG files of the picture's own size: `image` is the union, None where nothing of it was found."""

    image: bytes | None
    classes: Mapping[str, bytes]
    found: tuple[str, ...]
    width: int
    height: int


def cut_garments(
    picture: Picture, request: GarmentRequest, matte: Network, costume: Network, timer: StageTimer
) -> Garments:
    """The garments that people in a picture wear or carry, delivered as the request says.

    The person alpha bounds every garment, so that its outline is as clean as a person's, and so that the network,
    which was shown clothed people alone, finds no garments on things.

    Raises:
        ServiceFault: where a network fails.
    """
    with timer.stage("classes"):
        maps = costume.predict(picture.rgb_u8, picture.alpha_u8)
    wearer = matte_picture(picture, CutRequest(subject="person"), matte, timer)
    with timer.stage("garments"):
        masks = garment_masks(maps, picture.rgb_u8, wearer.alpha_u8)
        masks = {name: mask for name, mask in masks.items() if mask.mean() / 255 > LEAST_GARMENT_COVERAGE}
        wanted = {name: mask for name, mask in masks.items() if not request.merged or name in request.classes}
        union = unite(wanted, maps, picture.rgb_u8, wearer.alpha_u8) if wanted else None
    with timer.stage("encode"):
        image = None if union is None else _encode(wearer.rgb_u8, union, request.form)
        classes = {name: _encode(wearer.rgb_u8, masks[name], request.form) for name in request.classes if name in masks}
    return Garments(image, classes, tuple(masks), picture.width, picture.height)


def _encode(rgb_u8: U8, alpha_u8: U8, form: GarmentForm) -> bytes:
    if form == "mask":
        return encode_png(alpha_u8)
    rgba_u8 = merge_alpha(rgb_u8, alpha_u8)
    return encode_png(put_on_colour(rgba_u8, _WHITE) if form == "white" else rgba_u8)
