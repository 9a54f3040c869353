"""Scores of alphas and class maps against ground truth, and a short check for use while training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from training.network import SegmentationNet, normalise
from training.pictures import Pool
from training.targets import COSTUME_CLASSES, HALF, edge_band

BETA_SQUARED = 0.3
EDGE_PX = 8
# Long side at which it is asked what is seen further than EDGE_PX from an outline.
FAR_SIDE = 512
# Alphas between these are half-transparent; from OPAQUE on nobody sees through.
SOFT = (13, 242)
OPAQUE = 250
JUDGED_CLASSES = range(1, 8)


@dataclass(frozen=True)
class AlphaScore:
    """One picture's scores, each in [0, 1]; f_curve: (256,) F-measure at every threshold.

    far_mae, far_soft: mean error, and share of half-transparent pixels, further than EDGE_PX from the outline where the
    long side has FAR_SIDE px. inner_low: share of pixels there under OPAQUE among those inside the subject.
    """

    iou: float
    mae: float
    edge_mae: float
    far_mae: float
    far_soft: float
    inner_low: float
    f_curve: np.ndarray


def f_measures(alpha: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """F-measure with BETA_SQUARED at each of the 256 thresholds; alpha, truth: (H, W) uint8."""
    positive = truth > HALF
    hits = np.bincount(alpha[positive], minlength=256)[::-1].cumsum()[::-1]
    claimed = np.bincount(alpha.ravel(), minlength=256)[::-1].cumsum()[::-1]
    precision = hits / np.maximum(claimed, 1)
    recall = hits / max(int(positive.sum()), 1)
    curve: np.ndarray = (1 + BETA_SQUARED) * precision * recall / np.maximum(BETA_SQUARED * precision + recall, 1e-9)
    return curve


def score_alpha(alpha: np.ndarray, truth: np.ndarray) -> AlphaScore:
    """How well `alpha` fits `truth`, both (H, W) uint8."""
    claimed, true = alpha > HALF, truth > HALF
    union = np.logical_or(claimed, true).sum()
    error = np.abs(alpha.astype(np.float32) - truth) / 255
    edge = edge_band(((truth > HALF) * 255).astype(np.uint8), EDGE_PX)
    return AlphaScore(
        iou=float(np.logical_and(claimed, true).sum() / union) if union else 1.0,
        mae=float(error.mean()),
        edge_mae=float(error[edge].mean()) if edge.any() else 0.0,
        **far_scores(alpha, truth),
        f_curve=f_measures(alpha, truth),
    )


def far_scores(alpha: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """AlphaScore's three measures away from the outline."""
    height, width = truth.shape
    scale = FAR_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    shown, true = (np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BILINEAR)) for one in (alpha, truth))
    far = ~edge_band(((true > HALF) * 255).astype(np.uint8), EDGE_PX)
    inside = far & (true > HALF)
    soft = (shown > SOFT[0]) & (shown < SOFT[1])
    return {
        "far_mae": float((np.abs(shown.astype(np.float32) - true) / 255)[far].mean()) if far.any() else 0.0,
        "far_soft": float(soft[far].mean()) if far.any() else 0.0,
        "inner_low": float((shown[inside] < OPAQUE).mean()) if inside.any() else 0.0,
    }


def confusion(predicted: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    """(classes, classes) pixel counts, rows the truth; pixels whose truth is no class are left out."""
    known = truth < classes
    pairs = truth[known].astype(np.int64) * classes + predicted[known]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def class_ious(counts: np.ndarray) -> np.ndarray:
    """Intersection over union of each class from a confusion matrix summed over pictures."""
    hits = np.diag(counts)
    ious: np.ndarray = hits / np.maximum(counts.sum(0) + counts.sum(1) - hits, 1)
    return ious


@torch.inference_mode()
def quick_score(net: SegmentationNet, pool: Pool) -> tuple[float, str]:
    """One number to choose a checkpoint by, and its parts as text; at the network's size, without resampling."""
    net.eval()
    return _quick_costume(net, pool) if pool.costume else _quick_matte(net, pool)


def _logits(net: SegmentationNet, pool: Pool, index: int) -> torch.Tensor:
    rgb = normalise(pool.rgb[index : index + 1].float() / 255).contiguous(memory_format=torch.channels_last)
    logits: torch.Tensor = net(rgb)[0].cpu()
    return logits


def _quick_matte(net: SegmentationNet, pool: Pool) -> tuple[float, str]:
    groups: dict[str, list[tuple[float, float]]] = {}
    for index, row in enumerate(pool.rows):
        name = "person" if row.folder == "person" else "general"
        channel = int(row.folder == "person")
        alpha = (_logits(net, pool, index)[channel].sigmoid() * 255).round().byte().numpy()
        score = score_alpha(alpha, pool.targets[index, channel].cpu().numpy())
        groups.setdefault(name + row.split[3:], []).append((score.iou, score.edge_mae))
    means = {name: np.mean(values, axis=0) for name, values in sorted(groups.items())}
    # The first split's two groups and the second's count alike.
    total = sum(float(iou - 0.5 * edge) for iou, edge in means.values())
    return total, " ".join(f"{name}_iou={iou:.4f} {name}_edge={edge:.4f}" for name, (iou, edge) in means.items())


def _quick_costume(net: SegmentationNet, pool: Pool) -> tuple[float, str]:
    classes = len(COSTUME_CLASSES)
    counts = np.zeros((classes, classes), np.int64)
    single: list[float] = []
    clothed: list[float] = []
    for index, row in enumerate(pool.rows):
        truth = pool.targets[index, 0].cpu().numpy()
        logits = _logits(net, pool, index)
        predicted = logits.argmax(0).numpy()
        if row.costume_group == "street":
            counts += confusion(predicted, truth, classes)
        elif row.costume_group == "thing":
            clothed.append(float(np.isin(predicted, JUDGED_CLASSES).mean()))
        else:
            shown = (truth > 0) & (truth < classes)
            pooled = logits.softmax(0).numpy()[:, shown].mean(axis=1)
            single.append(float(1 + pooled[1:8].argmax() == truth[shown].max() and pooled[1:8].sum() > pooled[0]))
    ious = class_ious(counts)
    mean = float(ious[list(JUDGED_CLASSES)].mean())
    text = " ".join(f"{COSTUME_CLASSES[k].replace(' ', '_')}={ious[k]:.3f}" for k in JUDGED_CLASSES)
    parts = {"single_right": single, "things_clothed": clothed}
    text += "".join(f" {name}={np.mean(values):.3f}" for name, values in parts.items() if values)
    return mean + (float(np.mean(single)) / 2 if single else 0.0), f"mean={mean:.4f} {text}"
