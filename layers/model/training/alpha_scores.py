"""Scores of an alpha against the true one: what users see, and what papers print. Needs no PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

BETA_SQUARED = 0.3
HALF = 127
EDGE_PX = 8
# The long side at which the scores further than EDGE_PX from an outline are measured.
FAR_SIDE = 512
# Alphas between these are half-transparent; from OPAQUE on the background is invisible.
SOFT = (13, 242)
OPAQUE = 250
BAD_IOU = 0.8
COLUMNS = ("IoU", "<.8", "MAE", "maxF", "edge", "far", "haze", "inner")


@dataclass(frozen=True)
class AlphaScore:
    """One picture's scores, each in [0, 1] but sad; f_curve: (256,) F-measure at every threshold.

    far_mae, far_soft: mean error, and share of half-transparent pixels, further than EDGE_PX from the outline where the
    long side has FAR_SIDE px. inner_low: share of pixels there under OPAQUE among those inside the subject. sad: sum of
    absolute differences in thousands of pixels (Rhemann et al. 2009).
    """

    iou: float
    mae: float
    edge_mae: float
    far_mae: float
    far_soft: float
    inner_low: float
    sad: float
    f_curve: np.ndarray


def edge_band(mask: np.ndarray, reach_px: int) -> np.ndarray:
    """True within `reach_px` (as a square) of an outline of `mask` (H, W) uint8, cut at one half."""
    window = 2 * reach_px + 1
    inside = np.pad(mask > HALF, reach_px, mode="edge").astype(np.int32)
    sums = np.pad(inside, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    rows = sums[window:] - sums[:-window]
    counts = rows[:, window:] - rows[:, :-window]
    band: np.ndarray = (counts > 0) & (counts < window**2)
    return band


def f_measures(alpha: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the F-measure with BETA_SQUARED at each of the 256 thresholds; alpha, truth: (H, W) uint8."""
    positive = truth > HALF
    hits = np.bincount(alpha[positive], minlength=256)[::-1].cumsum()[::-1]
    claimed = np.bincount(alpha.ravel(), minlength=256)[::-1].cumsum()[::-1]
    precision = hits / np.maximum(claimed, 1)
    recall = hits / max(int(positive.sum()), 1)
    curve: np.ndarray = (1 + BETA_SQUARED) * precision * recall / np.maximum(BETA_SQUARED * precision + recall, 1e-9)
    return curve


def score_alpha(alpha: np.ndarray, truth: np.ndarray) -> AlphaScore:
    """Score how well `alpha` fits `truth`, both (H, W) uint8."""
    claimed, true = alpha > HALF, truth > HALF
    union = np.logical_or(claimed, true).sum()
    error = np.abs(alpha.astype(np.float32) - truth) / 255
    edge = edge_band(truth, EDGE_PX)
    return AlphaScore(
        iou=float(np.logical_and(claimed, true).sum() / union) if union else 1.0,
        mae=float(error.mean()),
        edge_mae=float(error[edge].mean()) if edge.any() else 0.0,
        sad=float(error.sum(dtype=np.float64) / 1000),
        **far_scores(alpha, truth),
        f_curve=f_measures(alpha, truth),
    )


def far_scores(alpha: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """AlphaScore's three measures away from the outline."""
    height, width = truth.shape
    scale = FAR_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    shown, true = (np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BILINEAR)) for one in (alpha, truth))
    far = ~edge_band(true, EDGE_PX)
    inside = far & (true > HALF)
    soft = (shown > SOFT[0]) & (shown < SOFT[1])
    return {
        "far_mae": float((np.abs(shown.astype(np.float32) - true) / 255)[far].mean()) if far.any() else 0.0,
        "far_soft": float(soft[far].mean()) if far.any() else 0.0,
        "inner_low": float((shown[inside] < OPAQUE).mean()) if inside.any() else 0.0,
    }


def summary(scores: list[AlphaScore]) -> tuple[float, ...]:
    """Return the values of COLUMNS over at least one picture: means, share of bad ones, the mean curve's maximum."""
    bad = float(np.mean([score.iou < BAD_IOU for score in scores]))
    max_f = float(np.mean([score.f_curve for score in scores], axis=0).max())
    parts = ("iou", "mae", "edge_mae", "far_mae", "far_soft", "inner_low")
    iou, mae, *rest = (float(np.mean([getattr(score, part) for score in scores])) for part in parts)
    return (iou, bad, mae, max_f, *rest)
