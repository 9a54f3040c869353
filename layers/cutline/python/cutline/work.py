"""What the APIs do with a picture: the pipeline behind `cutline.service.Work`."""

from pathlib import Path

from cutline.contracts.wire import Job
from cutline.pipeline.cutout import cut_out
from cutline.pipeline.decode import decode_image
from cutline.pipeline.network import Network
from cutline.pipeline.timing import StageTimer
from cutline.service import Produced


class CutoutWork:
    """Decodes, cuts out, encodes. The network is opened at INIT; a model that is missing fails calls, not the start."""

    def __init__(self, models_dir: Path, model: str, threads: int) -> None:
        self._models_dir = models_dir
        self._model = model
        self._threads = threads
        self._network: Network | None = None

    @property
    def network(self) -> Network:
        """The open network; tried again on every call until it opens. Raises ServiceFault(MODEL_FAILED)."""
        if self._network is None:
            self._network = Network.open(self._models_dir, self._model, self._threads)
        return self._network

    def __call__(self, data: bytes, job: Job, timer: StageTimer) -> Produced:
        """Raises InputRefused for the picture and ServiceFault for the model."""
        with timer.stage("decode"):
            picture = decode_image(data, job.limits)
        cutout = cut_out(picture, job.cut, self.network, timer)
        results = {}
        if cutout.image is not None:
            results["image"] = (cutout.image, cutout.content_type)
        if cutout.mask is not None:
            results["mask"] = (cutout.mask, cutout.content_type)
        notes = {"subject": cutout.subject, "coverage": round(cutout.coverage, 4)}
        return Produced(cutout.width, cutout.height, results, notes)
