"""One picture's garments cut out from end to end: classes, person, edges, encode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cutline.pipeline.compose import merge_alpha, put_on_colour
from cutline.pipeline.costume import garment_masks, unite
from cutline.pipeline.cutout import Matte, matte_picture
from cutline.pipeline.decode import Picture
from cutline.pipeline.encode import encode_png
from cutline.pipeline.grids import U8
from cutline.pipeline.network import Network
from cutline.pipeline.request import CutRequest, GarmentForm, GarmentRequest
from cutline.pipeline.timing import StageTimer

# The share of the picture up to which a garment is a stray patch of the network's and no garment; a hat or a pair of
# shoes in a full-body picture takes more.
LEAST_GARMENT_COVERAGE = 0.0005
# Up to this share of the picture the person map is taken for empty: a garment that nobody wears.
_NOBODY = 0.01
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
    """The garments of a picture, delivered as the request says.

    Raises:
        ServiceFault: where a network fails.
    """
    with timer.stage("classes"):
        maps = costume.predict(picture.rgb_u8, picture.alpha_u8)
    subject = _wearer(picture, matte, timer)
    with timer.stage("garments"):
        masks = garment_masks(maps, picture.rgb_u8, subject.alpha_u8)
        masks = {name: mask for name, mask in masks.items() if mask.mean() / 255 > LEAST_GARMENT_COVERAGE}
        wanted = {name: mask for name, mask in masks.items() if not request.merged or name in request.classes}
    with timer.stage("encode"):
        image = _encode(subject.rgb_u8, unite(wanted), request.form) if wanted else None
        classes = {
            name: _encode(subject.rgb_u8, masks[name], request.form) for name in request.classes if name in masks
        }
    return Garments(image, classes, tuple(masks), picture.width, picture.height)


def _wearer(picture: Picture, matte: Network, timer: StageTimer) -> Matte:
    """The person who bounds the garments, or all of the foreground where nobody wears them."""
    person = matte_picture(picture, CutRequest(subject="person"), matte, timer)
    if person.alpha_u8.mean() / 255 > _NOBODY:
        return person
    return matte_picture(picture, CutRequest(), matte, timer)


def _encode(rgb_u8: U8, alpha_u8: U8, form: GarmentForm) -> bytes:
    if form == "mask":
        return encode_png(alpha_u8)
    rgba_u8 = merge_alpha(rgb_u8, alpha_u8)
    return encode_png(put_on_colour(rgba_u8, _WHITE) if form == "white" else rgba_u8)
