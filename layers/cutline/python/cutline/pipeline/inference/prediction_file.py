"""A network's predictions as one small PNG: the network runs on one machine, refinement on another.

A grey PNG holds the foreground; grey and alpha hold the foreground and the person, two planes that any decoder reads.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from PIL import Image

from cutline.errors import Reason, ServiceFault
from cutline.pipeline.codecs.encode import encode_png
from cutline.pipeline.filters import F32, U8

# Channels of models.toml by Pillow's mode.
CHANNELS = {"L": ("foreground",), "LA": ("foreground", "person")}
_FORMAT = "PNG"
_UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning)


class KnownPredictions:
    """Implements `cutline.pipeline.cutout.Predictor` with predictions that another machine made."""

    view_size = (0, 0)

    def __init__(self, predictions: dict[str, F32]) -> None:
        self._predictions = predictions

    def predict(self, rgb_u8: U8, alpha_u8: U8 | None = None) -> dict[str, F32]:
        """The predictions given to the constructor, which must be those of the same picture."""
        return self._predictions


def encode_predictions(predictions: Mapping[str, F32]) -> bytes:
    """A PNG (h, w), 8 bits per plane, of predictions (h, w) in [0, 1] by channel name."""
    names = [name for name in CHANNELS["LA"] if name in predictions]
    planes_u8 = [np.rint(predictions[name] * 255).astype(np.uint8) for name in names]
    return encode_png(planes_u8[0] if len(planes_u8) == 1 else np.dstack(planes_u8))


def decode_predictions(data: bytes) -> dict[str, F32]:
    """Predictions (h, w) float32 in [0, 1] by channel name, from a file of `encode_predictions`.

    Raises:
        ServiceFault: if the bytes are no such file; they come from our own service, not from a caller.
    """
    try:
        with Image.open(io.BytesIO(data), formats=[_FORMAT]) as image:
            names = CHANNELS[image.mode]
            planes = np.asarray(image, np.float32) / np.float32(255)
    except (*_UNREADABLE, KeyError) as error:
        raise ServiceFault(Reason.MODEL_FAILED, "the predictions cannot be read") from error
    return dict(zip(names, np.atleast_3d(planes).transpose(2, 0, 1), strict=True))
