"""Several subjects of one picture, each by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from cutline.pipeline.cutout import Matte
from cutline.pipeline.filters import Bool, fit_within
from cutline.pipeline.layout.compose import VISIBLE_ALPHA
from cutline.pipeline.matting.components import Labels, label_components

# The search runs at this size: subjects that are nearer to each other than its pixel are one.
_SIDE_PX = 512
# A part smaller than this share of the largest, such as a strand or a shoelace, belongs to the nearest larger one.
_MIN_SHARE = 0.02
_MOST = 32


def separate(matte: Matte) -> list[Matte]:
    """Each separate subject of a matte by itself, from left to right; what touches is one subject. At most 32."""
    height, width = matte.alpha_u8.shape
    size = fit_within(width, height, _SIDE_PX)
    small_u8 = np.asarray(Image.fromarray(matte.alpha_u8).resize(size, Image.Resampling.BOX))
    labels, areas = label_components(small_u8 > VISIBLE_ALPHA)
    if len(areas) == 0:
        return []
    large = np.flatnonzero(areas >= _MIN_SHARE * areas.max())
    large = large[np.argsort(-areas[large])][:_MOST] + 1
    owners = _nearest(np.where(np.isin(labels, large), labels, 0))
    lefts = [int(np.flatnonzero((labels == name).any(axis=0))[0]) for name in large]
    return [_only(matte, owners == name) for _, name in sorted(zip(lefts, large, strict=True))]


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
