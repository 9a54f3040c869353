"""A task's results, made of its picture and the network's predictions."""

from collections.abc import Mapping
from dataclasses import dataclass

from cutline.errors import InputRefused, Reason
from cutline.pipeline.cutout import Predictor, cut_out, matte_picture
from cutline.pipeline.decode import Picture
from cutline.pipeline.options import CutOptions
from cutline.pipeline.profile import read_profiles
from cutline.pipeline.publish import publish
from cutline.pipeline.timing import StageTimer


@dataclass(frozen=True)
class Made:
    """Files by name ("image", "mask"), all of one type; facts: what is known of them, for their metadata."""

    files: Mapping[str, bytes]
    content_type: str
    facts: Mapping[str, str]


def make_results(picture: Picture, options: CutOptions, predictor: Predictor, timer: StageTimer) -> Made:
    """The files that the options ask for. Raises InputRefused(NO_SUBJECT) and ServiceFault."""
    if options.profile:
        return _published(picture, options, predictor, timer)
    cutout = cut_out(picture, options, predictor, timer)
    if cutout.coverage <= 0:
        raise InputRefused(Reason.NO_SUBJECT)
    named = {"image": cutout.image, "mask": cutout.mask}
    files = {name: file for name, file in named.items() if file is not None}
    return Made(files, cutout.content_type, _facts(cutout.subject, cutout.confidence, cutout.enlargement))


def _published(picture: Picture, options: CutOptions, predictor: Predictor, timer: StageTimer) -> Made:
    matte = matte_picture(picture, options, predictor, timer)
    if not matte.found:
        raise InputRefused(Reason.NO_SUBJECT)
    with timer.stage("encode"):
        made = publish(matte, read_profiles()[options.profile])
    facts = {
        **_facts(matte.subject, matte.confidence, made.composed.placement.enlargement),
        "profile": options.profile,
        "passed": "yes" if made.passed else "no",
        "verdicts": "; ".join(verdict.text for verdict in made.verdicts),
    }
    return Made({"image": made.file}, made.content_type, facts)


def _facts(subject: str, confidence: float, enlargement: float) -> dict[str, str]:
    return {"subject": subject, "confidence": f"{confidence:.4f}", "enlargement": f"{enlargement:.3f}"}
