"""A network's maps as one small PNG, to be made on one machine and refined on another.

Grey is the foreground. Grey and alpha are the foreground and the person: a file of two planes that every decoder reads.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from PIL import Image

from cutline.errors import Reason, ServiceFault
from cutline.pipeline.encode import encode_png
from cutline.pipeline.filters import F32, U8

# The channels of models.toml by Pillow's mode.
CHANNELS = {"L": ("foreground",), "LA": ("foreground", "person")}
_FORMAT = "PNG"
_UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning)


class KnownMaps:
    """Takes a network's place where the network has run before: predicts what it was given."""

    view_size = (0, 0)

    def __init__(self, maps: dict[str, F32]) -> None:
        self._maps = maps

    def predict(self, rgb_u8: U8, alpha_u8: U8 | None = None) -> dict[str, F32]:
        """The maps, which must be those of the same picture."""
        return self._maps


def encode_maps(maps: Mapping[str, F32]) -> bytes:
    """A PNG of their size, 8 bits per plane, from maps (h, w) in [0, 1] by channel name."""
    planes_u8 = [np.rint(maps[name] * 255).astype(np.uint8) for name in CHANNELS["LA"] if name in maps]
    return encode_png(planes_u8[0] if len(planes_u8) == 1 else np.dstack(planes_u8))


def decode_maps(data: bytes) -> dict[str, F32]:
    """The maps of `encode_maps` again, (height, width) float32 in [0, 1].

    Raises:
        ServiceFault: where the bytes are no such file; they come from a service of ours, not from a caller.
    """
    try:
        with Image.open(io.BytesIO(data), formats=[_FORMAT]) as image:
            names = CHANNELS[image.mode]
            planes = np.asarray(image, np.float32) / np.float32(255)
    except (*_UNREADABLE, KeyError) as error:
        raise ServiceFault(Reason.MODEL_FAILED, "the maps cannot be read") from error
    return dict(zip(names, np.atleast_3d(planes).transpose(2, 0, 1), strict=True))
