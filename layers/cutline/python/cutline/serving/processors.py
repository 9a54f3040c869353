"""What the APIs do with a picture: the pipeline behind `cutline.serving.call.Processor`."""

from dataclasses import dataclass
from pathlib import Path

from cutline.contracts.wire import Job
from cutline.errors import InputRefused, Reason
from cutline.pipeline.codecs.decoder_process import decode_in_subprocess, start_decoder
from cutline.pipeline.codecs.memory import keep_freed_memory
from cutline.pipeline.garments.worn import cut_garments
from cutline.pipeline.inference.network import Network
from cutline.pipeline.options import GarmentOptions, SingleFileOptions
from cutline.pipeline.outputs.files import make_files
from cutline.pipeline.timing import StageTimer
from cutline.serving.call import Produced
from cutline.serving.removals import remove


@dataclass(frozen=True)
class MinCoverage:
    """The share of the picture up to which a subject counts as absent, and the reason for the refusal then."""

    coverage: float
    reason: Reason


ANY_SUBJECT = MinCoverage(0.0, Reason.NO_SUBJECT)
# Measured with the network `matte`: of 587 pictures of things, garments, rooms and houses its person alpha covers more
# than .02 in one (.05, a house front); of 108 of people it covers .06 or more in each.
A_PERSON = MinCoverage(0.02, Reason.NO_PERSON)


class CutoutProcessor:
    """Decodes, cuts out, encodes. The network is opened at INIT; a model that is missing fails calls, not the start.

    `min_coverage` None serves an empty cut-out like any other.
    """

    def __init__(self, models_dir: Path, model: str, threads: int, min_coverage: MinCoverage | None = None) -> None:
        self._models_dir = models_dir
        self._model = model
        self._threads = threads
        self._min_coverage = min_coverage
        self._network: Network | None = None
        start_decoder()
        keep_freed_memory()

    def open(self) -> Network:
        """The network, opened once; tried again on every call until it opens. Raises ServiceFault(MODEL_FAILED)."""
        if self._network is None:
            self._network = Network.open(self._models_dir, self._model, self._threads)
        return self._network

    def _min_coverage_for(self, job: Job) -> MinCoverage | None:
        if not job.needs_subject:
            return self._min_coverage
        return A_PERSON if job.cut.subject == "person" else ANY_SUBJECT

    def process(self, data: bytes, job: Job, timer: StageTimer) -> Produced:
        """The cut-out and its mask. Raises InputRefused for the picture and ServiceFault for the model."""
        if isinstance(job.options, SingleFileOptions):
            return remove(data, job, job.options, self.open(), timer)
        with timer.stage("decode"):
            picture = decode_in_subprocess(data, job.limits)
        made = make_files(picture, job.cut, self.open(), timer)
        min_coverage = self._min_coverage_for(job)
        if min_coverage is not None and made.metadata.coverage <= min_coverage.coverage:
            raise InputRefused(min_coverage.reason)
        results = {name: (file, made.content_type) for name, file in made.files.items()}
        return Produced(made.width, made.height, results, made.metadata.notes, made.metadata)


class CostumeProcessor:
    """Decodes, cuts the garments out, encodes. One network finds classes, the other the person or the foreground."""

    def __init__(self, models_dir: Path, threads: int) -> None:
        self._models_dir = models_dir
        self._threads = threads
        self._networks: tuple[Network, Network] | None = None
        start_decoder()
        keep_freed_memory()

    def open(self) -> tuple[Network, Network]:
        """Both networks, opened once; tried again on every call until they open. Raises ServiceFault(MODEL_FAILED)."""
        if self._networks is None:
            matte, costume = (Network.open(self._models_dir, name, self._threads) for name in ("matte", "costume"))
            self._networks = matte, costume
        return self._networks

    def process(self, data: bytes, job: Job, timer: StageTimer) -> Produced:
        """The garments, together and one by one. Raises InputRefused for the picture and ServiceFault for a model."""
        assert isinstance(job.options, GarmentOptions)
        with timer.stage("decode"):
            picture = decode_in_subprocess(data, job.limits)
        matte, costume = self.open()
        garments = cut_garments(picture, job.options, matte, costume, timer)
        if garments.image is None:
            raise InputRefused(Reason.NO_GARMENT, "none of the garments asked for was found")
        files = {"image": garments.image, **garments.classes}
        results = {name: (file, "image/png") for name, file in files.items()}
        notes = {"garments": garments.found, "confidence": round(garments.confidence, 4)}
        return Produced(garments.width, garments.height, results, notes)
