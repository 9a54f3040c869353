"""Flip augmentation: at low confidence, average the predictions of the image and its mirror image."""

from __future__ import annotations

import numpy as np

from cutline.pipeline.filters import F32, U8
from cutline.pipeline.inference.confidence import uncertainty_of
from cutline.pipeline.inference.crop import Predict

# The uncertainty from which on the mirror image pays: a mean alpha of .971 inside the subject.
UNCERTAIN = -3.5
# Of what either view takes for the subject, the share on which they contradict each other and a mean would be a ghost.
_CONTRADICTED = 0.4
_HALF = np.float32(0.5)


def predict_with_flip(predict: Predict, rgb_u8: U8) -> dict[str, F32]:
    """Predictions (h, w) in [0, 1], "foreground" among them; the mean with the mirror image's where uncertain.

    Of 1,042 pictures with ground truth two fifths get the second pass, of products on plain background few. IoU .8931,
    143 under .8; with the second pass for an eighth (-2.9) .8911 [-.0029, -.0011] and 149, for all .8937 and 141.
    """
    first = predict(rgb_u8)
    uncertainty = uncertainty_of(first["foreground"])
    if uncertainty is None or uncertainty < UNCERTAIN:
        return first
    second = predict(np.ascontiguousarray(rgb_u8[:, ::-1]))
    return {name: _merged(plane, second[name][:, ::-1]) for name, plane in first.items()}


def _merged(first: F32, second: F32) -> F32:
    """The mean of two views, or the first where the other sees another subject.

    A person to one view only would be half-transparent all over. Of 1,042 pictures with ground truth the views
    contradict each other about the foreground of five: the first's mean IoU is .61, that of both .54.
    """
    seen = np.count_nonzero(np.maximum(first, second) > _HALF)
    if np.count_nonzero(np.abs(first - second) > _HALF) > _CONTRADICTED * seen:
        return first
    return (first + second) * _HALF
