"""A network's predictions as one small PNG: the network runs on one machine, refinement on another.

A grey PNG holds the foreground; grey and alpha hold the foreground and the person, two planes that any decoder reads.
A text chunk holds the fit of the network's confidence, if there is one, because only that machine knows the network.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from PIL import Image

from cutline.errors import Reason, ServiceFault
from cutline.pipeline.codecs.decode import PLUGIN_ERRORS
from cutline.pipeline.codecs.encode import encode_png
from cutline.pipeline.filters import F32, U8
from cutline.pipeline.inference.model_config import Calibration
from cutline.pipeline.inference.preprocess import hide

# Channels of models.toml by Pillow's mode.
CHANNELS = {"L": ("foreground",), "LA": ("foreground", "person")}
_FORMAT = "PNG"
_KEYWORD = "confidence"
# Of the chunk IEND, which ends a file.
_END_BYTES = 12


@dataclass(frozen=True)
class KnownPredictions:
    """Implements `cutline.pipeline.cutout.Predictor` with predictions that another machine made.

    planes: (h, w) float32 in [0, 1] by channel name; calibration: of that machine's network.
    """

    planes: Mapping[str, F32]
    calibration: Calibration | None

    view_size: ClassVar = (0, 0)

    def predict(self, rgb_u8: U8, alpha_u8: U8 | None = None) -> dict[str, F32]:
        """Return the planes, which must be those of the same picture, 0 where its alpha (H, W) is."""
        return hide(self.planes, alpha_u8)


def encode_predictions(predictions: KnownPredictions) -> bytes:
    """Encode predictions (h, w) as a PNG of 8 bits per plane: exactly, as `predict_in_passes` makes 256 levels."""
    names = [name for name in CHANNELS["LA"] if name in predictions.planes]
    planes_u8 = [np.rint(predictions.planes[name] * 255).astype(np.uint8) for name in names]
    data = encode_png(planes_u8[0] if len(planes_u8) == 1 else np.dstack(planes_u8))
    if predictions.calibration is None:
        return data
    chunk = b"tEXt" + _KEYWORD.encode() + b"\0" + " ".join(map(str, predictions.calibration)).encode()
    framed = struct.pack(">I", len(chunk) - len(b"tEXt")) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return data[:-_END_BYTES] + framed + data[-_END_BYTES:]


def decode_predictions(data: bytes) -> KnownPredictions:
    """Decode a file of `encode_predictions`.

    Raises:
        ServiceFault: if the bytes are no such file; they come from our own service, not from a caller.
    """
    try:
        # Pillow warns about damage that it tolerates.
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=[_FORMAT]) as image:
            names = CHANNELS[image.mode]
            planes = np.asarray(image, np.float32) / np.float32(255)
            text = image.info.get(_KEYWORD)
            offset, slope = (None, None) if text is None else map(float, text.split())
    except (*PLUGIN_ERRORS, Image.DecompressionBombError) as error:
        raise ServiceFault(Reason.MODEL_FAILED, "the predictions cannot be read") from error
    by_name = dict(zip(names, np.atleast_3d(planes).transpose(2, 0, 1), strict=True))
    return KnownPredictions(by_name, None if offset is None or slope is None else (offset, slope))
