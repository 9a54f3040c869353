"""The way of a cut-out: `matte_picture` runs the network, refine and foreground; `compose` draws the result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from PIL import Image

from cutline.errors import InputRefused, Reason
from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.codecs.deep import U16
from cutline.pipeline.codecs.file_metadata import FileMetadata
from cutline.pipeline.filters import F32, U8, fit_within, resize_u8
from cutline.pipeline.finish.backgrounds import paint
from cutline.pipeline.finish.layers import stack
from cutline.pipeline.finish.options import NO_SHADOW, ShadowKind
from cutline.pipeline.finish.shadows import FoundShadow, find_shadow
from cutline.pipeline.inference.confidence import confidence_of
from cutline.pipeline.inference.model_config import Calibration, ModelEntry
from cutline.pipeline.inference.tiling import reduce_picture
from cutline.pipeline.layout.compose import crop, draw, merge_alpha, put_on_colour, subject_box
from cutline.pipeline.layout.deep import deepened
from cutline.pipeline.layout.framing import MAX_AVIF_PX, MAX_WEBP_SIDE_PX, Box, Placement, Region, place
from cutline.pipeline.matting.cleanup import close_torn_holes, remove_haze
from cutline.pipeline.matting.components import remove_specks
from cutline.pipeline.matting.foreground import estimate_foreground
from cutline.pipeline.matting.refine import guide_side, stretch_alpha, upsample_alpha
from cutline.pipeline.matting.roi import RoiCrop, crop_to_roi, roi_crop
from cutline.pipeline.matting.stamp import extract_stamp
from cutline.pipeline.matting.subject import select_subject
from cutline.pipeline.options import CutOptions
from cutline.pipeline.timing import StageTimer

__all__ = [
    "CutOptions",
    "Cutout",
    "Matte",
    "ResolvedSubject",
    "compose",
    "matte_picture",
    "view_for",
]


class Predictor(Protocol):
    """`cutline.pipeline.inference.network.Network`, or the `KnownPredictions` of another machine's network."""

    @property
    def view_size(self) -> tuple[int, int]:
        """The largest height and width of use to `predict`."""

    @property
    def calibration(self) -> Calibration | None:
        """The fit of the network's confidence, or None if there is none."""

    def predict(self, rgb_u8: U8, alpha_u8: U8 | None = None) -> dict[str, F32]:
        """Predictions (h, w) in [0, 1] by channel name, 0 where alpha (H, W) is. Raises ServiceFault."""


ResolvedSubject = Literal["person", "object", "stamp"]
_WHITE = (255, 255, 255)
_OPAQUE = 255


@dataclass(frozen=True)
class Matte:
    """A picture's subject at the picture's own size.

    rgb_u8: (H, W, 3), with the subject's own colours where alpha is soft; alpha_u8: (H, W); confidence: the probability
    that it is good (cutline.pipeline.inference.confidence) or None if the network has no fit; for a stamp how clear its
    ink is; covered_u8: (H, W), alpha of all that is not the photographed background, if that is more than the subject;
    metadata: what results keep of the picture's file;
    rgb_u16: `rgb_u8` in 16 bits, if the picture has them.
    """

    rgb_u8: U8
    alpha_u8: U8
    subject: ResolvedSubject
    confidence: float | None = 1.0
    covered_u8: U8 | None = None
    metadata: FileMetadata | None = None
    rgb_u16: U16 | None = None

    @property
    def file_metadata(self) -> str:
        """Return which parts of the file's metadata results keep; empty if none was asked for."""
        return "" if self.metadata is None else self.metadata.text

    @property
    def depth_made(self) -> str:
        """Return what a result of 16 bits is."""
        return "8 in 16" if self.rgb_u16 is None else "16"

    @property
    def photo(self) -> tuple[U8, U8]:
        """Colours, and alpha of all that is not the photographed background."""
        return self.rgb_u8, self.alpha_u8 if self.covered_u8 is None else self.covered_u8

    @cached_property
    def box(self) -> Box | None:
        """The subject's, or None if there is nothing but background."""
        return subject_box(self.alpha_u8)


@dataclass(frozen=True)
class Cutout:
    """The pixels that the options ask for, from a finished matte.

    rgba_u8: (h, w, 4), the subject on its canvas; pixels_u8: the same with the shadow, or (h, w, 3) on the background;
    subject: the kind found; shadow: the one that the subject has;
    coverage: the subject's share of the picture in [0, 1], exactly 0 if there is none; confidence: the probability that
    the cut-out is good, or None if the network has no fit; box: the subject's in the picture of `picture_size` (width,
    height), or None; placement: where it went; shown: its source in the picture, beyond which a shadow may reach.
    """

    rgba_u8: U8
    pixels_u8: U8
    subject: ResolvedSubject
    coverage: float
    confidence: float | None
    box: Box | None
    placement: Placement
    picture_size: tuple[int, int]
    shown: Box
    shadow: ShadowKind = "none"


def matte_picture(picture: Picture, options: CutOptions, network: Predictor, timer: StageTimer) -> Matte:
    """The subject's alpha and colours at the picture's size, before crop, background and size. Raises ServiceFault.

    "auto" takes the network's foreground: all persons and things in front. "person" takes its person plane; "object"
    the foreground without the person, or all of it if nothing else remains; "stamp" the ink, or the object if there
    is no ink. A network without a person plane (the quality tier) answers everything but stamps with its foreground.
    With a region the network is shown the region only, and everything outside of it is background. An empty matte is
    not an error here.
    """
    return with_file_parts(_matte_in_region(picture, options, network, timer), picture)


def with_file_parts(matte: Matte, picture: Picture) -> Matte:
    """Return the matte with what its picture's file has besides 8-bit colours: alpha, metadata, 16 bits."""
    deep_u16 = None
    if picture.rgb_u16 is not None:
        deep_u16 = deepened(picture.rgb_u16, picture.rgb_u8, matte.rgb_u8)
    return replace(with_covered(matte, picture), metadata=picture.metadata, rgb_u16=deep_u16)


def with_covered(matte: Matte, picture: Picture) -> Matte:
    """Return the matte with what its picture's own alpha hides, if it has one."""
    if picture.alpha_u8 is None:
        return matte
    # What the file says of colours that it hides is not the photograph.
    hidden_u8 = np.where(picture.alpha_u8 < _OPAQUE, np.uint8(_OPAQUE), matte.alpha_u8)
    return replace(matte, covered_u8=hidden_u8)


def _matte_in_region(picture: Picture, options: CutOptions, network: Predictor, timer: StageTimer) -> Matte:
    if options.roi is None:
        return _matte(picture, options, network, timer, None)
    view = roi_crop(options.roi, picture.width, picture.height)
    alpha_u8 = np.zeros((picture.height, picture.width), np.uint8)
    if view is None:
        kind: ResolvedSubject = "person" if options.subject == "person" else "object"
        return Matte(picture.rgb_u8, alpha_u8, kind, None if network.calibration is None else 0.0)
    part = _matte(view.cut(picture), options, network, timer, view)
    rgb_u8 = picture.rgb_u8.copy()
    crop(rgb_u8, view.box)[:] = part.rgb_u8
    region = view.region
    crop(alpha_u8, region.moved(view.box.left, view.box.top))[:] = crop(part.alpha_u8, region)
    return replace(part, rgb_u8=rgb_u8, alpha_u8=alpha_u8)


def _matte(picture: Picture, options: CutOptions, network: Predictor, timer: StageTimer, view: RoiCrop | None) -> Matte:
    """The matte of all that is shown; with `view`, without subjects that lie mostly outside of its region."""
    if options.subject == "stamp":
        with timer.stage("stamp"):
            found = extract_stamp(on_white(picture))
        if found is not None:
            return Matte(*found, "stamp", _clearness(found[1]))
    height, width = picture.height, picture.width
    with timer.stage("network"):
        guide_u8 = _guide(picture.rgb_u8)
        predictions = network.predict(_view(picture, guide_u8, network.view_size), picture.alpha_u8)
    with timer.stage("refine"):
        asked = "person" if options.subject == "person" and "person" in predictions else "foreground"
        predictions = {**predictions, asked: close_torn_holes(predictions[asked], guide_u8)}
        subject, small_f32 = select_subject(predictions, "object" if options.subject == "stamp" else options.subject)
        if view is not None:
            small_f32 = view.choose(small_f32)
        confidence = confidence_of(small_f32, network.calibration)
        small_f32 = remove_specks(remove_haze(stretch_alpha(small_f32)))
        alpha_u8 = _join_alpha(upsample_alpha(small_f32, picture.rgb_u8, guide_u8), picture.alpha_u8)
    with timer.stage("foreground"):
        wanted = options.want_image and alpha_u8.any()
        rgb_u8 = estimate_colours_of(picture, alpha_u8, guide_u8) if wanted else picture.rgb_u8
    return Matte(rgb_u8, alpha_u8.reshape(height, width), subject, confidence)


def estimate_colours_of(picture: Picture, alpha_u8: U8, guide_u8: U8 | None = None) -> U8:
    """The subject's own colours (H, W, 3) under an alpha (H, W) of the picture."""
    rgb_u8 = picture.rgb_u8.copy()
    estimate_foreground(rgb_u8, alpha_u8, guide_u8)
    if picture.alpha_u8 is not None:
        # Where the file has its own alpha, its colours are the subject's already.
        own = picture.alpha_u8 < _OPAQUE
        rgb_u8[own] = picture.rgb_u8[own]
    return rgb_u8


def view_for(picture: Picture, roi: Region | None, entry: ModelEntry) -> U8:
    """The picture (h, w, 3) that the network of `entry` gets from `matte_picture`, for a network elsewhere."""
    shown = crop_to_roi(picture, roi)
    view_u8 = _view(shown, _guide(shown.rgb_u8), (entry.view_height, entry.view_width))
    return reduce_picture(entry, view_u8, shown.alpha_u8)


def placement_of(box: Box | None, size: tuple[int, int], options: CutOptions) -> Placement:
    """Place a subject with this box in a picture of this size (width, height)."""
    target = options.target_width, options.target_height
    # A target cuts to the subject, as `crop` does; where there is no subject, the whole picture stands for it.
    cropped = box is not None and (options.crop or any(target))
    return place(size, box or Box(0, 0, *size), options.framing, crop=cropped, target=target)


def compose(matte: Matte, options: CutOptions, backdrop: Picture | None = None) -> Cutout:
    """The pixels that the options ask for, from a finished matte; `backdrop` is their background picture.

    Raises:
        InputRefused: RESOLUTION_TOO_HIGH for a picture with a longer side or more pixels than its format can have.
    """
    box = matte.box
    height, width = matte.alpha_u8.shape
    shadow = _shadow_of(matte, options)
    framed, shadow, placement, shown = _framed(matte, options, shadow)
    if options.image_format == "webp" and max(placement.width, placement.height) > MAX_WEBP_SIDE_PX:
        raise InputRefused(Reason.RESOLUTION_TOO_HIGH, f"a side of a WebP is at most {MAX_WEBP_SIDE_PX} px")
    if options.image_format == "avif" and placement.width * placement.height > MAX_AVIF_PX:
        raise InputRefused(Reason.RESOLUTION_TOO_HIGH, f"an AVIF has at most {MAX_AVIF_PX} pixels")
    source = placement.source
    rgba_u8 = draw(merge_alpha(crop(framed.rgb_u8, source), crop(framed.alpha_u8, source)), placement)
    return Cutout(
        rgba_u8=rgba_u8,
        pixels_u8=_finished(rgba_u8, framed, placement, options, shadow, backdrop),
        subject=matte.subject,
        coverage=_coverage(matte.alpha_u8, box),
        confidence=0.0 if box is None and matte.confidence is not None else matte.confidence,
        box=box,
        placement=placement,
        picture_size=(width, height),
        shown=shown,
        shadow=shadow.kind,
    )


def _shadow_of(matte: Matte, options: CutOptions) -> FoundShadow:
    if options.shadow.kind == "none" or matte.box is None or matte.subject == "stamp" or not options.want_image:
        return FoundShadow(NO_SHADOW, "none")
    rgb_u8, covered_u8 = matte.photo
    return find_shadow(rgb_u8, matte.alpha_u8, covered_u8, options.shadow)


def _framed(matte: Matte, options: CutOptions, shadow: FoundShadow) -> tuple[Matte, FoundShadow, Placement, Box]:
    """The placement, around subject and shadow if the options ask for that; both grow where it leaves the picture.

    Last its source in the picture that did not grow.
    """
    height, width = matte.alpha_u8.shape
    fallen = shadow.box(matte.alpha_u8) if shadow.asked.whole and options.crop else None
    if fallen is None or matte.box is None:
        placement = placement_of(matte.box, (width, height), options)
        return matte, shadow, placement, placement.source
    both = matte.box.around(fallen)
    pads = (max(0, -both.top), max(0, both.bottom - height)), (max(0, -both.left), max(0, both.right - width))
    kept_u8 = None if shadow.kept_u8 is None else np.pad(shadow.kept_u8, pads)
    covered_u8 = np.pad(matte.photo[1], pads, constant_values=_OPAQUE)
    grown = replace(
        matte,
        rgb_u8=np.pad(matte.rgb_u8, (*pads, (0, 0))),
        alpha_u8=np.pad(matte.alpha_u8, pads),
        covered_u8=covered_u8,
    )
    size = width + sum(pads[1]), height + sum(pads[0])
    placement = placement_of(both.moved(pads[1][0], pads[0][0]), size, options)
    shown = placement.source.moved(-pads[1][0], -pads[0][0])
    return grown, replace(shadow, kept_u8=kept_u8), placement, shown


def _finished(
    rgba_u8: U8,
    matte: Matte,
    placement: Placement,
    options: CutOptions,
    shadow: FoundShadow,
    backdrop: Picture | None,
) -> U8:
    """The subject on its canvas (h, w, 4) over its shadow and background."""
    background = options.background or (_WHITE if options.image_format == "jpeg" else None)
    if background is None and shadow.kind == "none":
        return rgba_u8
    if isinstance(background, tuple) and shadow.kind == "none":
        return put_on_colour(rgba_u8, background)
    height, width = matte.alpha_u8.shape
    density_u8 = shadow.on_canvas(rgba_u8[..., 3], placement, (width, height))
    rgb_u8, covered_u8 = matte.photo
    if shadow.kept_u8 is not None:  # or the blurred background would have it a second time
        covered_u8 = np.maximum(covered_u8, shadow.kept_u8)
    return stack(
        rgba_u8,
        density_u8,
        None if background is None else paint(background, placement, (rgb_u8, covered_u8), backdrop),
    )


def _guide(rgb_u8: U8) -> U8:
    height, width = rgb_u8.shape[:2]
    return resize_u8(rgb_u8, *fit_within(width, height, guide_side(width, height)), Image.Resampling.BOX)


def on_white(picture: Picture) -> U8:
    """The picture (H, W, 3) on white, so that transparent pixels hold no ink."""
    if picture.alpha_u8 is None:
        return picture.rgb_u8
    return put_on_colour(merge_alpha(picture.rgb_u8, picture.alpha_u8), _WHITE)


def _view(picture: Picture, guide_u8: U8, view_size: tuple[int, int]) -> U8:
    """The guide if it is large enough for the network, which saves a reduction of the picture; else the picture."""
    height, width = view_size
    enough = guide_u8.shape[0] >= height and guide_u8.shape[1] >= width
    return guide_u8 if enough else picture.rgb_u8


def _join_alpha(alpha_u8: U8, own_u8: U8 | None) -> U8:
    """Our alpha times the picture's own alpha, rounded."""
    if own_u8 is None:
        return alpha_u8
    product = alpha_u8.astype(np.uint16) * own_u8 + 127
    return (product // 255).astype(np.uint8)


def _coverage(alpha_u8: U8, box: Box | None) -> float:
    return 0.0 if box is None else float(alpha_u8.mean() / 255)


def _clearness(alpha_u8: U8) -> float:
    """Mean |2a - 1| over the subject's box."""
    box = subject_box(alpha_u8)
    if box is None:
        return 0.0
    counts = np.bincount(crop(alpha_u8, box).ravel(), minlength=256)
    return float((counts * np.abs(2 * np.arange(256) / 255 - 1)).sum() / counts.sum())
