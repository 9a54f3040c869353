"""What each row's files say that the networks should answer, as uint8 maps of one square size."""

from __future__ import annotations

from typing import IO

import numpy as np
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from training.alpha_scores import HALF, edge_band
from training.manifest import Row

IGNORED = 255
COSTUME_CLASSES = ("background", "tops", "coat", "skirt", "pants", "bag", "shoes", "hat", "other person")
COAT, SKIRT, BAG, OTHER_PERSON = 2, 3, 5, 8
# Alphas between these are neither garment nor background.
AMBIGUOUS = (90, 140)
AGREEMENT_IOU = 0.8
# Sides of a cut-out's frame, the lesser by the greater, at least.
SLIMMEST = 0.7
# Where a portrait's drawn mask and the teacher differ by more, it is the mask that lost a shoulder.
PORTRAIT_IOU = 0.93
TEACHER_SHARE = 0.7
EDGE_BAND_SHARE = 0.03


def read_square(file: IO[bytes], mode: str, size: int, smooth: bool = True) -> np.ndarray:
    """The picture in `file` squashed to (size, size[, channels]) uint8; nearest neighbour unless `smooth`."""
    with file, Image.open(file) as picture:
        resample = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
        return np.asarray(picture.convert(mode).resize((size, size), resample, reducing_gap=2.0 if smooth else None))


def read_cut_out(file: IO[bytes], size: int) -> np.ndarray:
    """Read the cut-out in `file` as (size, size, 4) uint8; a slim one gets margins, so that it is not widened."""
    with file, Image.open(file) as picture:
        rgba = picture.convert("RGBA")
    width, height = rgba.size
    frame = (max(width, round(height * SLIMMEST)), max(height, round(width * SLIMMEST)))
    framed = Image.new("RGBA", frame)
    framed.paste(rgba, ((frame[0] - width) // 2, frame[1] - height))
    return np.asarray(framed.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0))


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two uint8 alphas cut at one half."""
    a, b = first > HALF, second > HALF
    union = np.logical_or(a, b).sum()
    return float(np.logical_and(a, b).sum() / union) if union else 1.0


def local_maximum(maps: Tensor, reach_px: int) -> Tensor:
    """Greatest value within `reach_px` (as a square) of each pixel of `maps` (N, C, H, W)."""
    window = 2 * reach_px + 1
    across = F.max_pool2d(maps, (1, window), stride=1, padding=(0, reach_px))
    return F.max_pool2d(across, (window, 1), stride=1, padding=(reach_px, 0))


def mend_edge(mask: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    """Ground truth whose outline is mostly the teacher's, where both show the same object; (H, W) uint8.

    A polygon's corners are off by pixels where the teacher follows the picture; away from the outline, and wherever
    the two disagree about the object, the ground truth stands.
    """
    if overlap(mask, teacher) < AGREEMENT_IOU:
        return mask
    mixed = TEACHER_SHARE * teacher + (1 - TEACHER_SHARE) * mask
    band = edge_band(mask, max(3, round(mask.shape[0] * EDGE_BAND_SHARE)))
    return np.where(band, mixed, mask).astype(np.uint8)


def matte_targets(row: Row, size: int) -> np.ndarray:
    """Foreground and person alpha (2, size, size) uint8; the person map counts only where the row knows it."""
    if row.labels:
        labels = read_square(row.open(row.labels), "L", size, smooth=False)
        foreground = ((labels > 0) * 255).astype(np.uint8)
    elif row.mask:
        foreground = read_square(row.open(row.mask), "L", size)
        if row.teacher and row.split == "train" and not row.is_exact:
            teacher = read_square(row.open(row.teacher), "L", size)
            foreground = teacher if row.is_portrait and overlap(foreground, teacher) < PORTRAIT_IOU else foreground
            foreground = mend_edge(foreground, teacher)
    else:
        foreground = read_square(row.open(row.teacher), "L", size)
    return np.stack([foreground, foreground if row.is_person else np.zeros_like(foreground)])


def garment_labels(alpha: np.ndarray, number: int) -> np.ndarray:
    """Return (1, S, S) uint8: class `number` where `alpha` (S, S) uint8 shows the garment, IGNORED where ambiguous."""
    low, high = AMBIGUOUS
    return np.where(alpha > high, number, np.where(alpha < low, 0, IGNORED)).astype(np.uint8)[None]


def shape(row: Row, size: int) -> np.ndarray:
    """Alpha (size, size) uint8 of the subject of a row with a mask or a teacher's alpha."""
    return read_square(row.open(row.mask or row.teacher), "L", size)


def aspect(row: Row) -> float:
    """Width over height of the row's picture."""
    with row.open(row.file) as file, Image.open(file) as picture:
        return picture.width / picture.height


def costume_targets(row: Row, size: int) -> np.ndarray:
    """Class numbers (1, size, size) uint8, IGNORED where the row's labels are ambiguous."""
    if row.costume_group == "thing":
        return np.zeros((1, size, size), np.uint8)
    if row.costume_group == "bag":
        return garment_labels(read_square(row.open(row.mask), "L", size), BAG)
    if row.garment_class:
        return garment_labels(read_square(row.open(row.teacher), "L", size), row.garment_class)
    labels = read_square(row.open(row.labels), "L", size, smooth=False).copy()
    if "suit-with-trousers" in row.subject:
        labels[labels == COAT] = IGNORED
    elif "ambiguous" in row.subject:
        labels[labels == SKIRT] = IGNORED
    return labels[None]
