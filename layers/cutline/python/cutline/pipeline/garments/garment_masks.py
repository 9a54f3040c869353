"""One alpha per garment class at the picture's size, from the costume network's class probabilities."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from cutline.pipeline.filters import F32, U8
from cutline.pipeline.matting.components import label_components
from cutline.pipeline.matting.refine import stretch_alpha, upsample_alpha
from cutline.pipeline.options import GARMENTS

U16 = npt.NDArray[np.uint16]

_HALF = 0.5
# Least mean probability of the pixels that a class wins. On the 54 validation photographs .7 finds 92 % of the garments
# that are there and 21 % of those that are not; .55 finds 96 % and 37 %.
_SURE = 0.7
# Least share of all clothing that a garment of no sure class has; smaller ones are the edges between two garments.
_LEAST_UNSURE = 0.05
# Half the ramp around one half, in probability: wide enough to keep a soft edge after resampling.
_RAMP = np.float32(0.15)


def settle_classes(probabilities: Mapping[str, F32]) -> dict[str, F32]:
    """`probabilities` with each garment that wavers between classes given to the one it most is.

    A jumper that is half top and half coat is clothing for certain, but neither class wins it. Each connected part of
    the clothing that no sure class won goes to the class with the greatest sum there. On 54 street photographs this
    raised the union's IoU from .843 to .858, on cuts at .45 of the figure from .691 to .814.
    """
    names = [name for name in GARMENTS if name in probabilities]
    clothing: F32 = np.sum([probabilities[name] for name in names], axis=0, dtype=np.float32)
    unsure = worn = clothing > _HALF
    for name in names:
        if _is_there(probabilities[name]):
            unsure = unsure & (probabilities[name] <= _HALF)
    labels, areas = label_components(unsure)
    settled = dict(probabilities)
    for label in np.flatnonzero(areas >= max(1, _LEAST_UNSURE * worn.sum())) + 1:
        part = labels == label
        if clothing[part].mean() >= _SURE:
            winner = max(names, key=lambda name: float(probabilities[name][part].sum()))
            for name in names:
                settled[name] = np.where(part, clothing if name == winner else 0, settled[name]).astype(np.float32)
    return settled


def garment_masks(
    probabilities: Mapping[str, F32], rgb_u8: U8, subject_u8: U8 | None = None, guide_u8: U8 | None = None
) -> dict[str, U8]:
    """One alpha (H, W) per garment class in the picture; at no pixel does their sum exceed the subject's alpha.

    probabilities: planes (h, w) in [0, 1] by class name, as `Network.predict` returns them; subject_u8: alpha (H, W)
    of the person or foreground, None for no bound; guide_u8: as of `upsample_alpha`. Classes that the network is not
    sure of are left out.
    """
    names = [name for name in GARMENTS if name in probabilities and _is_there(probabilities[name])]
    alphas = {name: upsample_alpha(_decide(probabilities[name]), rgb_u8, guide_u8) for name in names}
    if not alphas:
        return {}
    total: U16 = np.zeros(rgb_u8.shape[:2], np.uint16)
    for alpha_u8 in alphas.values():
        total += alpha_u8
    room: U16 = np.full_like(total, 255) if subject_u8 is None else subject_u8.astype(np.uint16)
    return {name: _share(alpha_u8, total, room) for name, alpha_u8 in alphas.items()}


def unite(
    masks: Mapping[str, U8],
    probabilities: Mapping[str, F32],
    rgb_u8: U8,
    subject_u8: U8 | None = None,
    guide_u8: U8 | None = None,
) -> U8:
    """The union (H, W) of some of the masks that `garment_masks` made from the same arguments.

    Where the network wavers between two of the classes neither has a mask, so the union adds the pixels at which the
    sum of their probabilities wins. On 54 street photographs this raised the union's IoU from .82 to .86.
    """
    total = np.sum([mask.astype(np.uint16) for mask in masks.values()], axis=0, dtype=np.uint16)
    summed = np.minimum(total, 255).astype(np.uint8)
    if len(masks) == 1:
        return summed
    summed_f32: F32 = np.sum([probabilities[name] for name in masks], axis=0, dtype=np.float32)
    worn = upsample_alpha(_decide(summed_f32), rgb_u8, guide_u8)
    return np.maximum(summed, worn if subject_u8 is None else np.minimum(worn, subject_u8))


def _is_there(probability: F32) -> bool:
    """Whether the mean probability of the pixels that a class wins is high enough."""
    won = probability > _HALF
    return bool(won.any()) and float(probability[won].mean()) >= _SURE


def _decide(probability: F32) -> F32:
    """Probability to alpha: a steep ramp around one half, because doubt about a class is not translucency."""
    return stretch_alpha(np.clip((probability - _HALF) / (2 * _RAMP) + np.float32(0.5), 0, 1).astype(np.float32))


def _share(alpha_u8: U8, total: U16, room: U16) -> U8:
    """Alpha (H, W) scaled down where the sum of all garments, total, exceeds the room."""
    crowded = total > room
    if not crowded.any():
        return alpha_u8
    shared = alpha_u8.copy()
    shared[crowded] = alpha_u8[crowded].astype(np.uint32) * room[crowded] // total[crowded]
    return shared
