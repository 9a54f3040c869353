"""What training minimises: alphas for `matte`, classes for `costume`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from training.targets import IGNORED, local_maximum

EDGE_REACH_PX = 5
EDGE_GAIN = 4.0
AUXILIARY_SHARE = 0.3
# Of `matte`'s loss: whole subjects, outlines at every scale, and structure (windows of this side).
IOU_SHARE, PYRAMID_SHARE, STRUCTURE_SHARE = 0.7, 2.0, 0.5
PYRAMID_LEVELS = 4
WINDOW_PX = 7
# Those of Wang et al. 2004, for values in [0, 1].
LUMINANCE_FLOOR, CONTRAST_FLOOR = 0.01**2, 0.03**2
# Where the foreground is unknown, people who take this share of the picture are taken to be part of it.
PROMINENT_SHARE = 0.08
# Share of training pixels of each costume class, measured on the 850 training pictures.
CLASS_SHARES = (0.7696, 0.0320, 0.0464, 0.0392, 0.0383, 0.0132, 0.0108, 0.0010, 0.0494)


def edge_weights(targets: Tensor) -> Tensor:
    """1 away from the outlines of `targets` (N, C, S, S), 1 + EDGE_GAIN within EDGE_REACH_PX of one."""
    spread = local_maximum(targets, EDGE_REACH_PX) + local_maximum(-targets, EDGE_REACH_PX)
    return 1 + EDGE_GAIN * spread


def dice_loss(alphas: Tensor, targets: Tensor) -> Tensor:
    """1 - Dice for each map of each picture, (N, C); the 1 keeps an empty map's loss small and finite."""
    shared = (alphas * targets).sum(dim=(2, 3))
    total = (alphas + targets).sum(dim=(2, 3))
    return 1 - (2 * shared + 1) / (total + 1)


def iou_loss(alphas: Tensor, targets: Tensor) -> Tensor:
    """1 - soft intersection over union for each map of each picture, (N, C); the 1 keeps an empty map's loss finite."""
    shared = (alphas * targets).sum(dim=(2, 3))
    union = (alphas + targets - alphas * targets).sum(dim=(2, 3))
    return 1 - (shared + 1) / (union + 1)


def pyramid_loss(alphas: Tensor, targets: Tensor) -> Tensor:
    """L1 distance of Laplacian pyramids, mean of PYRAMID_LEVELS levels, (N, C).

    After Hou and Liu, Context-Aware Image Matting (https://arxiv.org/abs/1909.09725), with box means for Gaussians.
    The pyramid is linear, so one of the difference is enough.
    """
    rest = alphas - targets
    total = rest.new_zeros(rest.shape[:2])
    for _ in range(PYRAMID_LEVELS):
        coarse = F.avg_pool2d(rest, 2)
        wide = F.interpolate(coarse, size=rest.shape[-2:], mode="bilinear")
        total = total + (rest - wide).abs().mean(dim=(2, 3))
        rest = coarse
    return (total + rest.abs().mean(dim=(2, 3))) / (PYRAMID_LEVELS + 1)


def structure_loss(alphas: Tensor, targets: Tensor) -> Tensor:
    """1 - SSIM (Wang et al. 2004) over windows of WINDOW_PX at half the size, mean of each map, (N, C)."""
    found, there = F.avg_pool2d(alphas, 2), F.avg_pool2d(targets, 2)
    planes = torch.cat([found, there, found * found, there * there, found * there], dim=1)
    mean_a, mean_b, square_a, square_b, product = F.avg_pool2d(planes, WINDOW_PX, stride=1).chunk(5, dim=1)
    likeness = (2 * mean_a * mean_b + LUMINANCE_FLOOR) * (2 * (product - mean_a * mean_b) + CONTRAST_FLOOR)
    spread = (square_a - mean_a**2 + square_b - mean_b**2).clamp(min=0) + CONTRAST_FLOOR
    return (1 - likeness / ((mean_a**2 + mean_b**2 + LUMINANCE_FLOOR) * spread)).mean(dim=(2, 3))


def matte_loss(logits: Tensor, coarse: Tensor | None, targets: Tensor, known: Tensor) -> Tensor:
    """The mean over known maps of BCE and L1, 1 + EDGE_GAIN fold near edges, soft IoU, Laplacian pyramids and SSIM.

    Where the foreground is unknown, it is still learned that it covers people who are large in the picture.
    logits: (N, 2, S, S). coarse: (N, 2, S/16, S/16), the auxiliary head's, or None for a network without. targets:
    (N, 2, S, S) in [0, 1]. known: (N, 2), 0 or 1.
    """
    weights = edge_weights(targets)
    scale = weights.mean(dim=(2, 3))
    alphas = logits.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    error = entropy + 2 * (alphas - targets).abs()
    per_map = (error * weights).mean(dim=(2, 3)) / scale
    if coarse is not None:
        small = F.interpolate(targets, size=coarse.shape[-2:], mode="area")
        guide = F.binary_cross_entropy_with_logits(coarse, small, reduction="none").mean(dim=(2, 3))
        per_map = per_map + AUXILIARY_SHARE * guide
    per_map = per_map + IOU_SHARE * iou_loss(alphas, targets) + STRUCTURE_SHARE * structure_loss(alphas, targets)
    per_map = per_map + PYRAMID_SHARE * pyramid_loss(alphas, targets)
    inside = targets[:, 1]
    prominent = (1 - known[:, 0]) * (inside.mean(dim=(1, 2)) > PROMINENT_SHARE)
    covered = ((error[:, 0] * inside).mean(dim=(1, 2)) * prominent).sum()
    return ((per_map * known).sum() + covered) / known.sum()


def balanced_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Class-balanced cross entropy, each picture counting alike: one large garment must not outweigh a street's eight.

    logits: (N, 9, S, S). labels: (N, S, S) class numbers, IGNORED where unknown.
    """
    # Square root: full balancing would make the net see hats everywhere.
    balance = logits.new_tensor(CLASS_SHARES).rsqrt()
    entropy = F.cross_entropy(logits, labels, weight=balance, ignore_index=IGNORED, reduction="none")
    weights = torch.cat([balance, balance.new_zeros(1)])[labels.clamp(max=len(CLASS_SHARES))]
    per_picture: Tensor = entropy.sum(dim=(1, 2)) / weights.sum(dim=(1, 2)).clamp(min=1)
    return per_picture.mean()


def costume_loss(logits: Tensor, coarse: Tensor, targets: Tensor) -> Tensor:
    """Class-balanced cross entropy plus Dice over the classes that are present.

    logits: (N, 9, S, S). coarse: (N, 9, S/16, S/16). targets: (N, 1, S, S) class numbers, IGNORED where unknown.
    """
    labels = targets[:, 0].long()
    known = (labels != IGNORED).unsqueeze(1).float()
    one_hot = F.one_hot(labels.clamp(max=logits.shape[1] - 1), logits.shape[1]).permute(0, 3, 1, 2) * known
    present = (one_hot.sum(dim=(2, 3)) > 0).float()
    dice = (dice_loss(logits.softmax(1) * known, one_hot) * present).sum() / present.sum()
    small = F.interpolate(targets, size=coarse.shape[-2:], mode="nearest")[:, 0].long()
    return balanced_entropy(logits, labels) + dice + AUXILIARY_SHARE * balanced_entropy(coarse, small)
