"""The page background: the colour of bare paper, a small map because light on a photographed page is uneven."""

from __future__ import annotations

import numpy as np
from PIL import Image

from cutline.pipeline.filters import F32, Bool, box_mean, resize_f32
from cutline.pipeline.matting.components import label_components

_CELLS = 24
# The darker share of a cell's pixels, which does not count; the paper's least lightness, as a share of the lightest's.
_DARK_SHARE, _NEAR = 0.6, 0.9
# A cell darker than this share of a neighbour is covered by ink; a cell whose channels differ this much is tinted.
_INKED, _TINTED = 0.85, 0.15
# Faded ink tints less, but more than the page's cells usually are, which JPEG colours by chance. A patch of it that
# touches the picture's border may be a shadow in coloured light.
_FAINT, _FAINT_USUAL = 0.025, 4.0
# Paper is lighter than this, and nine tenths of its cells differ from their surroundings by less than this share.
_DARKEST_PAPER, _ROUGHEST_PAPER = 60.0, 0.06


def estimate_page_background(small: F32) -> F32:
    """Return the page background (c, c, 3) in 0..255 of a picture (h, w, 3) in 0..255 of about 1,000 pixels a side.

    A cell's colour is the mean of the pixels nearly as light as its lightest 40 %; inked cells take their
    surroundings'.
    """
    height, width = small.shape[:2]
    rows = np.array_split(np.arange(height), min(_CELLS, height))
    columns = np.array_split(np.arange(width), min(_CELLS, width))
    cells = np.empty((len(rows), len(columns), 3), np.float32)
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            cell = small[r[0] : r[-1] + 1, c[0] : c[-1] + 1].reshape(-1, 3)
            light = cell.min(axis=1)
            lightest = light[light >= np.quantile(light, _DARK_SHARE)].mean()
            cells[i, j] = cell[light >= _NEAR * lightest].mean(axis=0)
    return _fill_inked_cells(cells)


def stretch(cells: F32, width: int, height: int, rows: slice | None = None) -> F32:
    """Return a small map (c, c, 3) or (c, c) resized to a picture of that size; only `rows` of it, if given."""
    if cells.ndim > 2:  # noqa: PLR2004
        return np.stack([stretch(cells[..., c], width, height, rows) for c in range(cells.shape[2])], -1)
    rows = rows or slice(0, height)
    box = (0.0, rows.start * cells.shape[0] / height, float(cells.shape[1]), rows.stop * cells.shape[0] / height)
    plane = Image.fromarray(np.ascontiguousarray(cells))
    size = (width, rows.stop - rows.start)
    return np.asarray(plane.resize(size, Image.Resampling.BILINEAR, box=box), np.float32)


def is_page(cells: F32) -> bool:
    """Return whether a page background looks like paper: not dark, and its lightness changes gradually."""
    light = cells.mean(axis=2)
    blurred = stretch(resize_f32(light, 6, 6, Image.Resampling.BOX), light.shape[1], light.shape[0])
    uneven = np.abs(light - blurred) / np.maximum(blurred, 1)
    return bool(np.median(light) > _DARKEST_PAPER and np.quantile(uneven, 0.9) < _ROUGHEST_PAPER)


def _fill_inked_cells(cells: F32) -> F32:
    """Cells that ink covers take the mean colour of the paper around them, which follows a shadow's gradient."""
    bare = ~_inked_cells(cells)
    filled = cells.copy()
    while bare.any() and not bare.all():
        weights = bare.astype(np.float32)
        planes = np.concatenate([filled * weights[..., None], weights[..., None]], axis=2)
        sums = box_mean(np.ascontiguousarray(np.moveaxis(planes, 2, 0)), 1)
        rim = ~bare & (sums[3] > 0)
        filled[rim] = (sums[:3, rim] / sums[3, rim]).T
        bare |= rim
    return filled


def _inked_cells(cells: F32) -> Bool:
    """Return the cells (c, c) that ink covers.

    Each such cell takes the colour of the lightest cell within two steps, until nothing changes: inside a patch of
    coloured ink this goes from its rim inwards. Inside a grey patch it does not, because a shadow is grey and covers
    paper.
    """
    inked = np.zeros(cells.shape[:2], bool)
    filled, grey_too = cells, True
    for _ in range(_CELLS // 2):
        best = _lightest_around(filled)
        ratio = filled / np.maximum(best, 1)
        tint = ratio.max(axis=2) - ratio.min(axis=2)
        faint = max(_FAINT, _FAINT_USUAL * float(np.median(tint)))
        found = (tint > _TINTED) | _inner(tint > faint)
        if grey_too:
            found |= ratio.min(axis=2) < _INKED
        if not found.any():
            break
        inked |= found
        filled, grey_too = np.where(found[..., None], best, filled), False
    return inked


def _inner(cells: Bool) -> Bool:
    """Return the components of cells (c, c) that do not touch the border."""
    labels = label_components(cells)[0]
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    inner: Bool = cells & ~np.isin(labels, border)
    return inner


def _lightest_around(cells: F32) -> F32:
    padded = np.pad(cells, ((2, 2), (2, 2), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), axis=(0, 1))
    around = windows.reshape(*cells.shape, 25)
    at = around.min(axis=2, keepdims=True).argmax(axis=3)
    best: F32 = np.take_along_axis(around, at[..., None], axis=3)[..., 0]
    return best
