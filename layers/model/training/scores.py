"""Scores of class maps against ground truth, and a short check for use while training."""

from __future__ import annotations

import numpy as np
import torch

from training.alpha_scores import score_alpha
from training.network import SegmentationNet, normalise
from training.pictures import Pool
from training.targets import COSTUME_CLASSES

JUDGED_CLASSES = range(1, 8)


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
