"""One picture cut out from end to end: network, refine, foreground, compose, encode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from PIL import Image

from cutline.pipeline.components import remove_specks
from cutline.pipeline.compose import (
    Box,
    crop,
    fit_to_canvas,
    merge_alpha,
    put_on_colour,
    subject_box,
    target_size,
)
from cutline.pipeline.decode import Picture
from cutline.pipeline.encode import CONTENT_TYPES, encode_jpeg, encode_png
from cutline.pipeline.filters import F32, U8, fit_within, resize_u8
from cutline.pipeline.foreground import recover_foreground
from cutline.pipeline.holes import close_torn_holes
from cutline.pipeline.options import CutRequest
from cutline.pipeline.refine import guide_side, lift_alpha, stretch_alpha
from cutline.pipeline.stamp import extract_stamp
from cutline.pipeline.subject import select_subject
from cutline.pipeline.timing import StageTimer

__all__ = ["CutRequest", "Cutout", "Matte", "ResolvedSubject", "cut_out", "matte_picture", "render"]


class Predictor(Protocol):
    """A network, or what another machine's network has said: `cutline.pipeline.network.Network`, `KnownMaps`."""

    @property
    def view_size(self) -> tuple[int, int]:
        """Height and width from which on a reduced picture will do for `predict`."""

    def predict(self, rgb_u8: U8, alpha_u8: U8 | None = None) -> dict[str, F32]:
        """Maps (h, w) in [0, 1] by channel name. Raises ServiceFault."""


ResolvedSubject = Literal["person", "object", "stamp"]
_WHITE = (255, 255, 255)
_OPAQUE = 255


@dataclass(frozen=True)
class Matte:
    """A picture's subject at the picture's own size.

    rgb_u8: (H, W, 3), the subject's own colours where alpha is soft; alpha_u8: (H, W).
    """

    rgb_u8: U8
    alpha_u8: U8
    subject: ResolvedSubject


@dataclass(frozen=True)
class Cutout:
    """Encoded results and what is known about them.

    image and mask: files, where they were asked for, both of `content_type` and of the same width and height;
    subject: what the request resolved to; coverage: share of the picture in [0, 1] that the subject takes, exactly 0
    for "nothing found"; confidence: mean |2a - 1| over the subject's box; box: that box in the picture, or None.
    """

    image: bytes | None
    mask: bytes | None
    content_type: str
    width: int
    height: int
    subject: ResolvedSubject
    coverage: float
    confidence: float
    box: Box | None


def cut_out(picture: Picture, request: CutRequest, network: Predictor, timer: StageTimer) -> Cutout:
    """The subject of a picture, delivered as the request says.

    "auto" takes the network's foreground: every person and thing in front, together. "person" takes its person map;
    "object" the foreground without the person, or all of it where nothing else remains; "stamp" its ink, or the
    object where there is none. A network without a person map (the quality tier) answers all but stamps with its
    foreground. An empty matte is no error here: its `coverage` is 0.

    Raises:
        ServiceFault: where the network fails.
    """
    return render(matte_picture(picture, request, network, timer), request, timer)


def matte_picture(picture: Picture, request: CutRequest, network: Predictor, timer: StageTimer) -> Matte:
    """The subject's alpha and colours at the picture's size, before crop, background and size."""
    if request.subject == "stamp":
        with timer.stage("stamp"):
            found = extract_stamp(_on_white(picture))
        if found is not None:
            return Matte(*found, "stamp")
    height, width = picture.height, picture.width
    with timer.stage("network"):
        guide_u8 = _guide(picture.rgb_u8)
        maps = network.predict(_network_view(picture, guide_u8, network), picture.alpha_u8)
    with timer.stage("refine"):
        asked = "person" if request.subject == "person" and "person" in maps else "foreground"
        maps = {**maps, asked: close_torn_holes(maps[asked], guide_u8)}
        subject, small_f32 = select_subject(maps, "object" if request.subject == "stamp" else request.subject)
        small_f32 = remove_specks(stretch_alpha(small_f32))
        alpha_u8 = _join_alpha(lift_alpha(small_f32, picture.rgb_u8, guide_u8), picture.alpha_u8)
    with timer.stage("foreground"):
        rgb_u8 = picture.rgb_u8
        if request.want_image and alpha_u8.any():
            rgb_u8 = rgb_u8.copy()
            recover_foreground(rgb_u8, alpha_u8, guide_u8)
            if picture.alpha_u8 is not None:
                # The file's own soft edges hold the subject's colours already, with no background mixed in.
                own = picture.alpha_u8 < _OPAQUE
                rgb_u8[own] = picture.rgb_u8[own]
    return Matte(rgb_u8, alpha_u8.reshape(height, width), subject)


def render(matte: Matte, request: CutRequest, timer: StageTimer) -> Cutout:
    """The files that the request asks for, from a finished matte."""
    with timer.stage("compose"):
        box = subject_box(matte.alpha_u8)
        framed = _frame(matte, request, box)
        height, width = framed.shape[:2]
        jpeg = request.image_format == "jpeg"
        background = request.background or (_WHITE if jpeg else None)
        pixels_u8 = framed if background is None else put_on_colour(framed, background)
    encode = encode_jpeg if jpeg else encode_png
    with timer.stage("encode"):
        image = encode(pixels_u8) if request.want_image else None
        mask = encode(framed[..., 3]) if request.want_mask else None
    return Cutout(
        image=image,
        mask=mask,
        content_type=CONTENT_TYPES[request.image_format],
        width=width,
        height=height,
        subject=matte.subject,
        coverage=_coverage(matte.alpha_u8, box),
        confidence=_confidence(matte.alpha_u8, box),
        box=box,
    )


def _guide(rgb_u8: U8) -> U8:
    height, width = rgb_u8.shape[:2]
    return resize_u8(rgb_u8, *fit_within(width, height, guide_side(width, height)), Image.Resampling.BOX)


def _on_white(picture: Picture) -> U8:
    """The picture as paper shows it: what transparency hides is no ink."""
    if picture.alpha_u8 is None:
        return picture.rgb_u8
    return put_on_colour(merge_alpha(picture.rgb_u8, picture.alpha_u8), _WHITE)


def _network_view(picture: Picture, guide_u8: U8, network: Predictor) -> U8:
    """The guide where it is large enough for the network, which spares a second reduction of the whole picture."""
    height, width = network.view_size
    enough = guide_u8.shape[0] >= height and guide_u8.shape[1] >= width
    return guide_u8 if enough else picture.rgb_u8


def _join_alpha(alpha_u8: U8, own_u8: U8 | None) -> U8:
    """Our alpha times the picture's own, rounded."""
    if own_u8 is None:
        return alpha_u8
    product = alpha_u8.astype(np.uint16) * own_u8 + 127
    return (product // 255).astype(np.uint8)


def _frame(matte: Matte, request: CutRequest, box: Box | None) -> U8:
    """RGBA (h, w, 4) cropped and sized; one target side alone frames the subject, as two do with `crop`."""
    rgba_u8 = merge_alpha(matte.rgb_u8, matte.alpha_u8)
    sized = request.target_width is not None or request.target_height is not None
    if box is not None and (request.crop or sized):
        rgba_u8 = crop(rgba_u8, box)
    height, width = rgba_u8.shape[:2]
    return fit_to_canvas(rgba_u8, *target_size(width, height, request.target_width, request.target_height))


def _coverage(alpha_u8: U8, box: Box | None) -> float:
    return 0.0 if box is None else float(alpha_u8.mean() / 255)


def _confidence(alpha_u8: U8, box: Box | None) -> float:
    if box is None:
        return 0.0
    counts = np.bincount(crop(alpha_u8, box).ravel(), minlength=256)
    return float((counts * np.abs(2 * np.arange(256) / 255 - 1)).sum() / counts.sum())
