"""Doubt: a network that hesitates sees the picture's mirror image too, and the mean of both looks counts."""

from __future__ import annotations

import numpy as np

from cutline.pipeline.filters import F32, U8
from cutline.pipeline.inference.confidence import doubt_of
from cutline.pipeline.inference.crop import Predict

# From this doubt on, a mean alpha of .947 in what was found, a second look pays.
_DOUBTED = -2.9
_HALF = np.float32(0.5)


def predict_doubted(predict: Predict, rgb_u8: U8, alpha_u8: U8 | None) -> dict[str, F32]:
    """Predictions (h, w) in [0, 1], "foreground" among them; where a subject is in doubt, the mean of two looks.

    Of 478 pictures with ground truth, a fifth get a second look, of products on plain ground hardly any: IoU rose by
    .002, and of 84 pictures with an IoU under .8 one was mended.
    """
    first = predict(rgb_u8, alpha_u8)
    doubt = doubt_of(first["foreground"])
    if doubt is None or doubt < _DOUBTED:
        return first
    mirrored = np.ascontiguousarray(rgb_u8[:, ::-1])
    second = predict(mirrored, None if alpha_u8 is None else np.ascontiguousarray(alpha_u8[:, ::-1]))
    return {name: (plane + second[name][:, ::-1]) * _HALF for name, plane in first.items()}
