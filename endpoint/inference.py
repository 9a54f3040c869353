"""The four functions that SageMaker's serving containers call, around the pipeline's own network and decoder.

`serve.py` calls them; the prebuilt framework containers could load this file unchanged.
"""

import os
from pathlib import Path
from typing import Protocol

import onnxruntime as ort

from cutline.environment import choice, number
from cutline.errors import Reason, ServiceFault
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.codecs.decode import Picture, decode_image
from cutline.pipeline.filters import F32, U8
from cutline.pipeline.inference.model_config import Calibration, names_with
from cutline.pipeline.inference.network import CPU, Network, Provider
from cutline.pipeline.inference.prediction_file import CHANNELS, KnownPredictions, encode_predictions

# SageMaker's limit on a call's body; a picture of network size has less.
MAX_BYTES = 6 * MIB
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG"}
_DEFAULT_MODEL = "isnet"
# The widest picture that the network tiles: six times its height of 384.
_MAX_SIDE_PX = 2400
# The exhaustive search would time every convolution again for each new batch size, while calls wait.
_CUDA: Provider = ("CUDAExecutionProvider", {"cudnn_conv_algo_search": "HEURISTIC"})


class UnsupportedType(ValueError):
    """The Content-Type is not in `FORMATS`."""


class Predictor(Protocol):
    """A `Network`, or something that queues in front of one."""

    def predict(self, rgb_u8: U8, alpha_u8: U8 | None = None) -> dict[str, F32]:
        """Raises ServiceFault."""

    @property
    def calibration(self) -> Calibration | None:
        """The fit of the network's confidence."""


def model_fn(model_dir: str) -> Network:
    """Open the network that the variable ENDPOINT_MODEL names (isnet), on the GPU if there is one.

    Raises:
        ServiceFault: if models.toml or the model cannot be opened, or has channels that `output_fn` cannot write.
        SettingsError: if ENDPOINT_MODEL or THREADS is out of range.
    """
    names = sorted(names_with(Path(model_dir)), key=lambda name: name != _DEFAULT_MODEL)
    name = choice(os.environ, "ENDPOINT_MODEL", tuple(names))
    threads = number(os.environ, "THREADS", int, 1, 256, len(os.sched_getaffinity(0)))
    with_gpu = _CUDA[0] in ort.get_available_providers()
    network = Network.open(Path(model_dir), name, threads, (_CUDA, CPU) if with_gpu else (CPU,))
    if network.channels not in CHANNELS.values():
        raise ServiceFault(Reason.MODEL_FAILED, f"{name} makes {', '.join(network.channels)}")
    return network


def input_fn(body: bytes, content_type: str) -> Picture:
    """The picture, upright and in sRGB. Raises UnsupportedType, and InputRefused for the bytes."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in FORMATS:
        raise UnsupportedType(f"Content-Type is one of {', '.join(FORMATS)}")
    return decode_image(body, PictureLimits(frozenset({FORMATS[kind]}), MAX_BYTES, max_side_px=_MAX_SIDE_PX))


def predict_fn(picture: Picture, model: Predictor) -> KnownPredictions:
    """Return the network's predictions. Raises ServiceFault."""
    return KnownPredictions(model.predict(picture.rgb_u8, picture.alpha_u8), model.calibration)


def output_fn(prediction: KnownPredictions, accept: str = "") -> tuple[bytes, str]:
    """Encode the predictions as a PNG of their own size (prediction_file), whatever `accept` says."""
    return encode_predictions(prediction), "image/png"
