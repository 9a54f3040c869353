"""The files of one result and what is known of them, as options or a profile ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cutline.errors import InputRefused, Reason
from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.codecs.encode import ENCODERS, encode_deep_png
from cutline.pipeline.cutout import Cutout, Matte, Predictor, compose, matte_picture, placement_of
from cutline.pipeline.layout.deep import draw_deep
from cutline.pipeline.layout.framing import MAX_DEEP_PX, Box
from cutline.pipeline.mend import Mendable, View
from cutline.pipeline.options import CONTENT_TYPES, DEPTHS, LARGEST_PX, MEGAPIXEL, CutOptions
from cutline.pipeline.outputs.metadata import ResultMetadata
from cutline.pipeline.outputs.profiles import read_profiles
from cutline.pipeline.outputs.publish import publish
from cutline.pipeline.timing import StageTimer


@dataclass(frozen=True)
class OutputFiles:
    """Files by name ("image", "mask"), all of one type and size. box: the subject's in the picture, or None.

    mendable, view: what a mend of them needs besides the picture.
    """

    files: Mapping[str, bytes]
    content_type: str
    width: int
    height: int
    metadata: ResultMetadata
    box: Box | None
    mendable: Mendable = field(repr=False)
    view: View = field(repr=False)

    @property
    def image(self) -> bytes:
        """The cut-out. Raises KeyError where the options did not ask for it."""
        return self.files["image"]

    @property
    def mask(self) -> bytes:
        """The alpha. Raises KeyError where the options did not ask for it."""
        return self.files["mask"]


def make_files(
    picture: Picture, options: CutOptions, predictor: Predictor, timer: StageTimer, backdrop: Picture | None = None
) -> OutputFiles:
    """The files that the options ask for, on `backdrop` if that is a picture. Without a subject their `coverage` is 0.

    Raises InputRefused(NO_SUBJECT) for a profile, which has nothing to measure then, InputRefused(RESOLUTION_TOO_HIGH)
    where the options ask for a frame beyond LARGEST_PX, and ServiceFault.
    """
    return finish_files(matte_picture(picture, options, predictor, timer), options, timer, backdrop)


def finish_files(matte: Matte, options: CutOptions, timer: StageTimer, backdrop: Picture | None = None) -> OutputFiles:
    """The files that the options or their profile ask for, from a finished matte. Raises as `make_files`."""
    if options.profile:
        return _published(matte, options, timer)
    height, width = matte.alpha_u8.shape
    placement = placement_of(matte.box, (width, height), options)
    # A reduced canvas has LARGEST_PX, give or take a few; rounding must not decide whether it is refused.
    if placement.is_reduced or placement.width * placement.height > LARGEST_PX:
        raise InputRefused(
            Reason.RESOLUTION_TOO_HIGH, f"The result would have more than {LARGEST_PX // MEGAPIXEL} megapixels."
        )
    return encode_files(matte, options, timer, backdrop)


def encode_files(matte: Matte, options: CutOptions, timer: StageTimer, backdrop: Picture | None = None) -> OutputFiles:
    """The files that the options ask for, from a finished matte. Raises as `compose`."""
    with timer.stage("compose"):
        cutout = compose(matte, options, backdrop)
    encode, is_deep = ENCODERS[options.image_format], options.depth > DEPTHS["8"] and options.want_image
    wanted = {
        "image": cutout.pixels_u8 if options.want_image else None,
        "mask": cutout.rgba_u8[..., 3] if options.want_mask else None,
    }
    with timer.stage("encode"):
        files = {
            name: encode(pixels_u8, matte.metadata if name == "image" else None)
            for name, pixels_u8 in wanted.items()
            if pixels_u8 is not None and not (is_deep and name == "image")
        }
        if is_deep:
            files = {"image": deep_file(matte, cutout), **files}
    placement = cutout.placement
    asked = options.shadow.kind != "none"
    metadata = ResultMetadata(
        cutout.subject,
        cutout.coverage,
        cutout.confidence,
        placement.enlargement,
        shadow=cutout.shadow if asked else "",
        file_metadata=matte.file_metadata if options.want_image else "",
        depth=matte.depth_made if is_deep else "",
    )
    content_type = CONTENT_TYPES[options.image_format]
    view = View.of(placement, cutout.shown, cutout.picture_size)
    return OutputFiles(
        files, content_type, placement.width, placement.height, metadata, cutout.box, Mendable.of(matte), view
    )


def deep_file(matte: Matte, cutout: Cutout) -> bytes:
    """A PNG with 16 bits of what was composed. Raises InputRefused(RESOLUTION_TOO_HIGH)."""
    placement = cutout.placement
    if placement.width * placement.height > MAX_DEEP_PX:
        raise InputRefused(Reason.RESOLUTION_TOO_HIGH, f"With 16 bits a result has at most {MAX_DEEP_PX} pixels.")
    rgba_u16 = draw_deep(matte.rgb_u8, matte.rgb_u16, matte.alpha_u8, placement)
    return encode_deep_png(rgba_u16, matte.metadata)


def _published(matte: Matte, options: CutOptions, timer: StageTimer) -> OutputFiles:
    if matte.box is None:
        raise InputRefused(Reason.NO_SUBJECT)
    with timer.stage("encode"):
        made = publish(matte, read_profiles()[options.profile], options.shadow)
    placement = made.cutout.placement
    files, view = {"image": made.file}, View.of(placement, made.cutout.shown, made.cutout.picture_size)
    return OutputFiles(
        files,
        made.content_type,
        placement.width,
        placement.height,
        made.metadata,
        matte.box,
        Mendable.of(matte),
        view,
    )
