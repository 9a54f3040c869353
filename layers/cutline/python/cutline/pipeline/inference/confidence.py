"""Confidence: the probability that a cut-out is good, from the network's certainty about the subject's own pixels.

An uncertain network gives the subject a grey, not a white, plane. The mean m of alpha over the pixels that it takes for
the subject (above one half) orders pictures by their risk, and P(IoU < .8) = 1 / (1 + exp(-(a + b log(c - m)))) fits
that risk. models.toml has a and b of each network, as `make confidence` fits them (training/fit_confidence.py). Those
of `matte` come from 529 pictures outside its training data, 17 % of them bad: in each of eight bins the predicted share
of good ones was met within .09, and of the tenth with the lowest confidence 81 % were bad. Further signs (softness away
from edges, number of components, coverage of the border, agreement with the flipped image's prediction) added nothing.
"""

from __future__ import annotations

import numpy as np

from cutline.pipeline.filters import F32
from cutline.pipeline.inference.model_config import Calibration

# Keeps the logarithm finite where the network is certain.
CERTAIN = 1.002
_HALF = 0.5


def confidence_of(alpha_f32: F32, calibration: Calibration | None) -> float | None:
    """Return the probability in [0, 1] that a cut-out is good (IoU of .8 or more), or None without a calibration.

    alpha: (h, w) from the network; 0 if it took no pixel for the subject.
    """
    if calibration is None:
        return None
    uncertainty, (offset, slope) = uncertainty_of(alpha_f32), calibration
    return 0.0 if uncertainty is None else float(1 / (1 + np.exp(offset + slope * uncertainty)))


def uncertainty_of(alpha_f32: F32) -> float | None:
    """Return log(c - m) as above, or None where the network took no pixel for the subject."""
    inside = alpha_f32[alpha_f32 > _HALF]
    return float(np.log(CERTAIN - inside.mean(dtype=np.float64))) if len(inside) else None
