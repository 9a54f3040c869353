"""The network for a task: in this process, or on the GPU endpoint."""

import random
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from cutline.adapters.sagemaker import EndpointFault, GpuEndpoint
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.codecs.decode import decode_image
from cutline.pipeline.inference.network import Network
from cutline.pipeline.inference.prediction_file import KnownPredictions, encode_predictions

_VIEW = PictureLimits(frozenset({"PNG"}), max_bytes=6 * MIB, max_side_px=2400)
_TRIES = 3
_PAUSE_S = 0.4


class CpuPredictor:
    """Runs the network here; `open` opens it once: at INIT or, if that failed, on the call that needs it."""

    def __init__(self, models_dir: Path, model: str, threads: int) -> None:
        self.open = cache(partial(Network.open, models_dir, model, threads))

    def predict(self, view: bytes) -> bytes:
        """Return the maps file of a prepared picture. Raises ServiceFault."""
        network = self.open()
        planes = network.predict(decode_image(view, _VIEW).rgb_u8)
        return encode_predictions(KnownPredictions(planes, network.calibration))


class EndpointPredictor:
    """Calls the endpoint, and a busy one up to twice more after a pause."""

    def __init__(self, endpoint: GpuEndpoint, sleep: Callable[[float], None] = time.sleep) -> None:
        self._endpoint = endpoint
        self._sleep = sleep

    def predict(self, view: bytes) -> bytes:
        """Return the maps file of a prepared picture. Raises EndpointFault."""
        for tries in range(1, _TRIES):
            try:
                return self._endpoint.alpha(view, "image/png")
            except EndpointFault as fault:
                if not fault.passing:
                    raise
            # Full jitter, so that workers refused together do not come back together.
            self._sleep(random.uniform(0, _PAUSE_S * tries))
        return self._endpoint.alpha(view, "image/png")
