"""The files of one result and what is known of them, as options or a profile ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cutline.errors import InputRefused, Reason
from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.cutout import Matte, Predictor, matte_picture, placement_of, render
from cutline.pipeline.options import LARGEST_PX, MEGAPIXEL, CutOptions
from cutline.pipeline.outputs.metadata import ResultFacts
from cutline.pipeline.outputs.profiles import read_profiles
from cutline.pipeline.outputs.publish import publish
from cutline.pipeline.timing import StageTimer


@dataclass(frozen=True)
class Results:
    """Files by name ("image", "mask"), all of one type and size in pixels."""

    files: Mapping[str, bytes]
    content_type: str
    width: int
    height: int
    facts: ResultFacts


def make_results(picture: Picture, options: CutOptions, predictor: Predictor, timer: StageTimer) -> Results:
    """The files that the options ask for. Without a subject their `coverage` is 0.

    Raises InputRefused(NO_SUBJECT) for a profile, which has nothing to measure then, InputRefused(RESOLUTION_TOO_HIGH)
    where the options ask for a frame beyond LARGEST_PX, and ServiceFault.
    """
    matte = matte_picture(picture, options, predictor, timer)
    if options.profile:
        return _published(matte, options.profile, timer)
    placement = placement_of(matte.box, (picture.width, picture.height), options)
    # A reduced canvas has LARGEST_PX, give or take a few; rounding must not decide whether it is refused.
    if placement.is_reduced or placement.width * placement.height > LARGEST_PX:
        raise InputRefused(
            Reason.RESOLUTION_TOO_HIGH, f"The result would have more than {LARGEST_PX // MEGAPIXEL} megapixels."
        )
    cutout = render(matte, options, timer)
    named = {"image": cutout.image, "mask": cutout.mask}
    files = {name: file for name, file in named.items() if file is not None}
    facts = ResultFacts(cutout.subject, cutout.coverage, cutout.confidence, cutout.enlargement)
    return Results(files, cutout.content_type, cutout.width, cutout.height, facts)


def _published(matte: Matte, profile: str, timer: StageTimer) -> Results:
    if matte.box is None:
        raise InputRefused(Reason.NO_SUBJECT)
    with timer.stage("encode"):
        made = publish(matte, read_profiles()[profile])
    placement = made.composed.placement
    return Results({"image": made.file}, made.content_type, placement.width, placement.height, made.facts)
