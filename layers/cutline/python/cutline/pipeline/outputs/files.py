"""The files of one result and what is known of them, as options or a profile ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cutline.errors import InputRefused, Reason
from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.codecs.encode import ENCODERS
from cutline.pipeline.cutout import Matte, Predictor, compose, matte_picture, placement_of
from cutline.pipeline.layout.framing import Box
from cutline.pipeline.options import CONTENT_TYPES, LARGEST_PX, MEGAPIXEL, CutOptions
from cutline.pipeline.outputs.metadata import ResultMetadata
from cutline.pipeline.outputs.profiles import read_profiles
from cutline.pipeline.outputs.publish import publish
from cutline.pipeline.timing import StageTimer


@dataclass(frozen=True)
class OutputFiles:
    """Files by name ("image", "mask"), all of one type and size. box: the subject's in the picture, or None."""

    files: Mapping[str, bytes]
    content_type: str
    width: int
    height: int
    metadata: ResultMetadata
    box: Box | None

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
    matte = matte_picture(picture, options, predictor, timer)
    if options.profile:
        return _published(matte, options, timer)
    placement = placement_of(matte.box, (picture.width, picture.height), options)
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
    encode = ENCODERS[options.image_format]
    wanted = {
        "image": cutout.pixels_u8 if options.want_image else None,
        "mask": cutout.rgba_u8[..., 3] if options.want_mask else None,
    }
    with timer.stage("encode"):
        files = {
            name: encode(pixels_u8, matte.metadata if name == "image" else None)
            for name, pixels_u8 in wanted.items()
            if pixels_u8 is not None
        }
    placement = cutout.placement
    asked = options.shadow.kind != "none"
    metadata = ResultMetadata(
        cutout.subject,
        cutout.coverage,
        cutout.confidence,
        placement.enlargement,
        shadow=cutout.shadow if asked else "",
        file_metadata=matte.file_metadata if options.want_image else "",
    )
    content_type = CONTENT_TYPES[options.image_format]
    return OutputFiles(files, content_type, placement.width, placement.height, metadata, cutout.box)


def _published(matte: Matte, options: CutOptions, timer: StageTimer) -> OutputFiles:
    if matte.box is None:
        raise InputRefused(Reason.NO_SUBJECT)
    with timer.stage("encode"):
        made = publish(matte, read_profiles()[options.profile], options.shadow)
    placement = made.cutout.placement
    files = {"image": made.file}
    return OutputFiles(files, made.content_type, placement.width, placement.height, made.metadata, matte.box)
