"""Implementations of `cutline.serving.call.Processor`: cut-outs, garments, and single files small enough to answer."""

from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from cutline.contracts.wire import Job
from cutline.errors import InputRefused, Reason, ServiceFault
from cutline.limits import MAX_INLINE_BYTES
from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.codecs.decoder_process import decode_in_subprocess, start_decoder
from cutline.pipeline.codecs.memory import keep_freed_memory
from cutline.pipeline.cutout import Predictor
from cutline.pipeline.garments.worn import cut_garments, network_names
from cutline.pipeline.inference.network import Network
from cutline.pipeline.options import MEGAPIXEL, CheckOptions, GarmentOptions, SingleFileOptions
from cutline.pipeline.outputs.check import check
from cutline.pipeline.outputs.files import make_files
from cutline.pipeline.outputs.mend_file import keep_first
from cutline.pipeline.outputs.metadata import confidence_field, finish_notes
from cutline.pipeline.outputs.profiles import read_profiles
from cutline.pipeline.outputs.single_file import (
    CONTENT_TYPES,
    SingleFile,
    encode_as,
    encode_single_file,
    make_single_file,
)
from cutline.pipeline.timing import StageTimer
from cutline.serving.call import Produced


@dataclass(frozen=True)
class MinCoverage:
    """The share of the picture up to which a subject counts as absent, and the reason for the refusal then."""

    coverage: float
    reason: Reason


ANY_SUBJECT = MinCoverage(0.0, Reason.NO_SUBJECT)
# Measured with the network `matte`: of 587 pictures of things, garments, interiors and houses its person alpha covers
# more than .02 in one (.05, a house front); of 108 of people it covers .06 or more in each.
A_PERSON = MinCoverage(0.02, Reason.NO_PERSON)


class CutoutProcessor:
    """Decodes, cuts out, encodes. `min_coverage` None serves an empty cut-out like any other.

    `open` opens the network once: at INIT or, if that failed, on the next call. It raises ServiceFault(MODEL_FAILED).
    """

    def __init__(self, models_dir: Path, model: str, threads: int, min_coverage: MinCoverage | None = None) -> None:
        self.open = cache(partial(Network.open, models_dir, model, threads))
        self._min_coverage = min_coverage
        start_decoder()
        keep_freed_memory()

    def _min_coverage_for(self, job: Job) -> MinCoverage | None:
        if not job.needs_subject:
            return self._min_coverage
        return A_PERSON if job.cut.subject == "person" else ANY_SUBJECT

    def process(self, data: bytes, job: Job, timer: StageTimer) -> Produced:
        """Return the cut-out and its mask. Raises InputRefused for the picture and ServiceFault for the model."""
        if isinstance(job.options, SingleFileOptions):
            return single_file_answer(data, job, job.options, self.open(), timer)
        if isinstance(job.options, CheckOptions):
            return check_answer(data, job, job.options, self.open(), timer)
        with timer.stage("decode"):
            picture = decode_in_subprocess(data, job.limits, job.cut.metadata, job.cut.depth)
            backdrop = decode_backdrop(job)
        made = make_files(picture, job.cut, self.open(), timer, backdrop)
        min_coverage = self._min_coverage_for(job)
        if min_coverage is not None and made.metadata.coverage <= min_coverage.coverage:
            raise InputRefused(min_coverage.reason)
        results = {name: (file, made.content_type) for name, file in made.files.items()}
        behind = None if job.backdrop is None else job.backdrop.data
        keep = partial(keep_first, data, job.cut, made, behind)
        return Produced(made.width, made.height, results, made.metadata.notes, made.metadata, keep)


class CostumeProcessor:
    """Decodes, cuts the garments out, encodes. One network finds classes, the other the person or the foreground.

    `open` opens both as `CutoutProcessor.open` does.
    """

    def __init__(self, models_dir: Path, threads: int) -> None:
        self.open = cache(partial(_open_both, models_dir, threads))
        start_decoder()
        keep_freed_memory()

    def process(self, data: bytes, job: Job, timer: StageTimer) -> Produced:
        """Return the garments, merged and one by one. Raises InputRefused for the picture, ServiceFault for a model."""
        assert isinstance(job.options, GarmentOptions)
        with timer.stage("decode"):
            picture = decode_in_subprocess(data, job.limits, job.options.metadata)
            backdrop = decode_backdrop(job)
        matte, costume = self.open()
        garments = cut_garments(picture, job.options, matte, costume, timer, backdrop)
        if garments.image is None:
            raise InputRefused(Reason.NO_GARMENT, "none of the garments asked for was found")
        files = {"image": garments.image, **garments.classes}
        results = {name: (file, "image/png") for name, file in files.items()}
        finish = finish_notes(garments.shadow, garments.file_metadata)
        notes = {"garments": garments.found, **confidence_field(garments.confidence), **finish}
        return Produced(garments.width, garments.height, results, notes)


def decode_backdrop(job: Job) -> Picture | None:
    """Return the job's background picture. Raises InputRefused, whose detail says that it is about this picture."""
    if job.backdrop is None:
        return None
    try:
        return decode_in_subprocess(job.backdrop.data or b"", job.limits)
    except InputRefused as error:
        raise InputRefused(error.reason, f"the background: {error.detail or error.reason}") from error


def _open_both(models_dir: Path, threads: int) -> tuple[Network, Network]:
    matte, costume = (Network.open(models_dir, name, threads) for name in network_names(models_dir))
    return matte, costume


def single_file_answer(
    data: bytes, job: Job, options: SingleFileOptions, network: Predictor, timer: StageTimer
) -> Produced:
    """Return the file. Raises InputRefused, also if it is too large for an answer, and ServiceFault for the model."""
    with timer.stage("decode"):
        picture, backdrop = decode_in_subprocess(data, job.limits, options.metadata), decode_backdrop(job)
    single = make_single_file(picture, options, backdrop, network, timer)
    with timer.stage("encode"):
        file, name = encode_single_file(single, options)
        if len(file) > MAX_INLINE_BYTES:
            raise InputRefused(Reason.RESOLUTION_TOO_HIGH, _what_fits(single, options, name, len(file)))
    content_type = CONTENT_TYPES[name]
    notes = {
        "subject": "person" if single.person else "object",
        "coverage": round(single.coverage, 4),
        **confidence_field(single.confidence),
        **finish_notes(single.shadow, "" if single.kept is None else single.kept.text),
    }
    results = {"image": (file, content_type)}
    return Produced(single.width, single.height, results, notes, single.metadata(content_type))


def check_answer(data: bytes, job: Job, options: CheckOptions, network: Predictor, timer: StageTimer) -> Produced:
    """Return the verdicts on a picture, and no file. Raises as `CutoutProcessor.process` does."""
    with timer.stage("decode"):
        picture = decode_in_subprocess(data, job.limits)
    metadata = check(picture, len(data), read_profiles()[options.profile], network, timer).metadata
    notes = {**metadata.notes, "passed": metadata.passed}
    return Produced(picture.width, picture.height, {}, notes, metadata)


def _what_fits(single: SingleFile, options: SingleFileOptions, name: str, size: int) -> str:
    """Return which other format fits, if one does, and up to how many pixels this one fits."""
    pixels = single.width * single.height
    fitting = int(0.9 * pixels * MAX_INLINE_BYTES / size) / MEGAPIXEL
    text = (
        f"The result takes {_megabytes(size)} as {name} at {pixels / MEGAPIXEL:.1f} megapixels, "
        f"and an answer carries {_megabytes(MAX_INLINE_BYTES)}"
    )
    for other in options.alternatives:
        # JPEG has no transparency, so it replaces only opaque results.
        if other != name and (other != "jpg" or single.pixels_u8.shape[-1] != len("RGBA")):
            try:
                length = len(encode_as(single, options, other))
            except ServiceFault:  # no time is left to find out
                continue
            if length <= MAX_INLINE_BYTES:
                return (
                    f"{text}; format={other} takes {_megabytes(length)}, and {name} fits up to {fitting:.1f} megapixels"
                )
    return f"{text}; {name} fits up to {fitting:.1f} megapixels"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
