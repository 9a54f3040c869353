"""Several subjects of one picture, each by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from cutline.pipeline.cutout import Matte
from cutline.pipeline.filters import U8, Bool, fit_within
from cutline.pipeline.layout.compose import VISIBLE_ALPHA
from cutline.pipeline.matting.components import Labels, label_components

# The search runs at this size: subjects that are nearer to each other than its pixel are one.
_SIDE_PX = 512
# A part smaller than this share of the largest, such as a strand or a shoelace, belongs to the nearest larger one.
_MIN_SHARE = 0.02
_MOST = 32


def separate(matte: Matte) -> list[Matte]:
    """Each separate subject of a matte by itself, from left to right; what touches is one subject. At most 32."""
    labels, areas = _components(matte.alpha_u8)
    if len(areas) == 0:
        return []
    large = np.flatnonzero(areas >= _MIN_SHARE * areas.max())
    large = large[np.argsort(-areas[large])][:_MOST] + 1
    owners = _nearest(np.where(np.isin(labels, large), labels, 0))
    lefts = [int(np.flatnonzero((labels == name).any(axis=0))[0]) for name in large]
    return [_only(matte, owners == name) for _, name in sorted(zip(lefts, large, strict=True))]


def count_subjects(alpha_u8: U8, min_share: float) -> int:
    """Count the separate subjects that have at least `min_share` of the largest one's pixels."""
    _, areas = _components(alpha_u8)
    return int((areas >= min_share * areas.max()).sum()) if len(areas) else 0


def _components(alpha_u8: U8) -> tuple[Labels, npt.NDArray[np.int64]]:
    """Label the parts (h, w) from 1 on, and return the pixels of each."""
    height, width = alpha_u8.shape
    size = fit_within(width, height, _SIDE_PX)
    small_u8 = np.asarray(Image.fromarray(alpha_u8).resize(size, Image.Resampling.BOX))
    return label_components(small_u8 > VISIBLE_ALPHA)


def _nearest(labels: Labels) -> Labels:
    """The label (h, w) that is nearest to each pixel, by growing all at once."""
    owners: Labels = labels.copy()
    while (owners == 0).any():
        padded = np.pad(owners, 1)
        around = [padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
        grown = np.maximum.reduce(around)
        owners = np.where(owners == 0, grown, owners)
    return owners


def _only(matte: Matte, mine: Bool) -> Matte:
    """Return the matte with alpha 0 outside its own part of the picture, `mine` (h, w)."""
    height, width = matte.alpha_u8.shape
    area = np.asarray(Image.fromarray(mine).resize((width, height), Image.Resampling.NEAREST))
    return replace(matte, alpha_u8=np.where(area, matte.alpha_u8, np.uint8(0)), covered_u8=matte.photo[1])
