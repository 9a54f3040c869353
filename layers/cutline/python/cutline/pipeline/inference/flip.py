"""Flip augmentation: at low confidence, average the predictions of the image and its mirror image."""

from __future__ import annotations

import numpy as np

from cutline.pipeline.filters import F32, U8
from cutline.pipeline.inference.confidence import uncertainty_of
from cutline.pipeline.inference.crop import Predict

# The uncertainty from which on the mirror image pays: a mean alpha of .947 inside the subject.
UNCERTAIN = -2.9
_HALF = np.float32(0.5)


def predict_with_flip(predict: Predict, rgb_u8: U8, alpha_u8: U8 | None) -> dict[str, F32]:
    """Predictions (h, w) in [0, 1], "foreground" among them; the mean with the mirror image's where uncertain.

    Of 478 pictures with ground truth, a fifth get the second pass, of products on plain background hardly any: IoU rose
    by .002, and of 84 pictures with an IoU under .8 one was mended.
    """
    first = predict(rgb_u8, alpha_u8)
    uncertainty = uncertainty_of(first["foreground"])
    if uncertainty is None or uncertainty < UNCERTAIN:
        return first
    flipped_u8 = np.ascontiguousarray(rgb_u8[:, ::-1])
    second = predict(flipped_u8, None if alpha_u8 is None else np.ascontiguousarray(alpha_u8[:, ::-1]))
    return {name: (plane + second[name][:, ::-1]) * _HALF for name, plane in first.items()}
