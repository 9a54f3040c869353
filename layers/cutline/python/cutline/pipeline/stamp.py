"""The ink of a seal or stamp, taken off its paper without a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from cutline.pipeline.grids import F32, U8, fit_within, resize_f32, resize_u8
from cutline.pipeline.refine import strips

LEAST_SHARE, MOST_SHARE = 0.0005, 0.40
_ANALYSIS_SIDE_PX = 1024
_PAPER_CELLS = 24
# Chroma distance from the paper, in YCbCr bytes, below which nothing is called ink: JPEG noise on grey stays under it.
_LEAST_CHROMA = 14.0
_HUE_BINS, _HUE_REACH = 72, 2
_OTSU_BINS = 64
# Chroma direction (Cb, Cr) of vermilion; red wins over a larger area of blue pen where both are on the page.
_RED = np.array([-0.35, 0.94], np.float32)
_RED_CONE = 0.75
# ITU-R BT.601, full range: Cb and Cr from RGB bytes.
_CHROMA = np.array([[-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)


@dataclass(frozen=True)
class Ink:
    """What is needed to lift the ink off: its chroma axis, the chroma that counts as ink, its colour and the paper's.

    axis: (2,) unit vector in (Cb, Cr); threshold: chroma along it; colour: (3,) in 0..255; paper: (h, w, 3) in 0..255,
    a small map, because a photographed page is never evenly lit.
    """

    axis: F32
    threshold: float
    colour: F32
    paper: F32


def extract_stamp(rgb_u8: U8) -> tuple[U8, U8] | None:
    """Colours (H, W, 3) and alpha (H, W) of the coloured ink in a picture, or None where there is no stamp to find.

    Alpha is the pixel's place on the line from paper to ink, `<P - I, P - C> / |P - C|^2`, times a ramp on chroma that
    keeps black print out. None where ink covers less than 0.05 % or more than 40 % of the picture. Memory: one strip
    of float planes beside the result.
    """
    ink = find_ink(rgb_u8)
    if ink is None:
        return None
    height, width = rgb_u8.shape[:2]
    alpha_u8 = np.empty((height, width), np.uint8)
    colour_u8 = np.zeros_like(rgb_u8)
    for rows in strips(height):
        seen = rgb_u8[rows].astype(np.float32)
        paper = _paper_rows(ink.paper, rows, width, height)
        alpha = _project(seen, paper, ink)
        alpha_u8[rows] = np.rint(alpha * 255).astype(np.uint8)
        at = np.nonzero(alpha_u8[rows])
        a = alpha[at][:, None]
        # Below a quarter the division would amplify paper noise into colour; faint ink leans on the ink's own colour.
        lifted = (seen[at] - (1 - a) * paper[at]) / np.maximum(a, np.float32(0.05))
        weight = np.clip(a * 4, 0, 1)
        colour_u8[rows][at] = np.rint(np.clip(weight * lifted + (1 - weight) * ink.colour, 0, 255)).astype(np.uint8)
    return colour_u8, alpha_u8


def find_ink(rgb_u8: U8) -> Ink | None:
    """The dominant coloured ink of a page (red before any other), or None."""
    size = fit_within(rgb_u8.shape[1], rgb_u8.shape[0], _ANALYSIS_SIDE_PX)
    small = resize_u8(rgb_u8, *size, Image.Resampling.BOX).astype(np.float32)
    paper = _paper_map(small)
    offset = _chroma(small - _stretch(paper, *small.shape[:2]))
    axis = _dominant_axis(offset)
    if axis is None:
        return None
    along = _along(offset, axis)
    threshold = max(_LEAST_CHROMA, _otsu(along[along > _LEAST_CHROMA / 2]))
    inked = along > threshold
    if not LEAST_SHARE <= float(inked.mean()) <= MOST_SHARE:
        return None
    strongest = along >= np.quantile(along[inked], 0.8)
    return Ink(axis, threshold, np.median(small[strongest], axis=0).astype(np.float32), paper)


def _paper_map(small: F32) -> F32:
    """(c, c, 3) colour of the bare paper: per cell the mean of its lightest 40 %, inked cells from neighbours."""
    height, width = small.shape[:2]
    rows = np.array_split(np.arange(height), min(_PAPER_CELLS, height))
    columns = np.array_split(np.arange(width), min(_PAPER_CELLS, width))
    cells = np.empty((len(rows), len(columns), 3), np.float32)
    for i, r in enumerate(rows):
        for j, c in enumerate(columns):
            cell = small[r[0] : r[-1] + 1, c[0] : c[-1] + 1].reshape(-1, 3)
            light = cell.min(axis=1)
            cells[i, j] = cell[light >= np.quantile(light, 0.6)].mean(axis=0)
    return _lift_inked_cells(cells)


def _lift_inked_cells(cells: F32) -> F32:
    """Cells that ink fills wholly take the colour of the lightest cell within two steps."""
    light = cells.min(axis=2)
    padded = np.pad(cells, ((2, 2), (2, 2), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), axis=(0, 1))
    around = windows.reshape(*cells.shape, 25)
    best = np.take_along_axis(around, around.min(axis=2, keepdims=True).argmax(axis=3)[..., None], axis=3)[..., 0]
    lifted: F32 = np.where((light < 0.85 * best.min(axis=2))[..., None], best, cells)
    return lifted


def _stretch(cells: F32, height: int, width: int) -> F32:
    planes = [resize_f32(cells[..., c], width, height, Image.Resampling.BILINEAR) for c in range(3)]
    return np.stack(planes, -1)


def _paper_rows(paper: F32, rows: slice, width: int, height: int) -> F32:
    """The paper map stretched to the picture, for these rows only."""
    cell_height, cell_width = paper.shape[:2]
    box = (0.0, rows.start * cell_height / height, float(cell_width), rows.stop * cell_height / height)
    size = (width, rows.stop - rows.start)
    planes = [
        Image.fromarray(np.ascontiguousarray(paper[..., c])).resize(size, Image.Resampling.BILINEAR, box=box)
        for c in range(3)
    ]
    return np.stack([np.asarray(plane, np.float32) for plane in planes], -1)


def _dominant_axis(offset: F32) -> F32 | None:
    """Unit chroma direction (Cb, Cr) of the ink, or None where all is grey."""
    strength = np.hypot(offset[..., 0], offset[..., 1])
    coloured = strength > _LEAST_CHROMA
    if coloured.mean() < LEAST_SHARE:
        return None
    vectors, weights = offset[coloured], strength[coloured]
    red = (vectors @ _RED) > _RED_CONE * weights
    if red.sum() >= LEAST_SHARE * strength.size:
        vectors, weights = vectors[red], weights[red]
    hue = np.arctan2(vectors[:, 1], vectors[:, 0])
    bins = ((hue + np.pi) * (_HUE_BINS / (2 * np.pi))).astype(np.intp) % _HUE_BINS
    histogram = np.bincount(bins, weights=weights, minlength=_HUE_BINS)
    smooth = sum(np.roll(histogram, shift) for shift in (-1, 0, 1))
    distance = np.abs((bins - int(np.argmax(smooth)) + _HUE_BINS // 2) % _HUE_BINS - _HUE_BINS // 2)
    mean = vectors[distance <= _HUE_REACH].mean(axis=0)
    axis: F32 = (mean / max(float(np.hypot(*mean)), 1e-6)).astype(np.float32)
    return axis


def _chroma(rgb: F32) -> F32:
    """(h, w, 2) Cb and Cr of (h, w, 3) colours or differences of colours."""
    chroma: F32 = np.matmul(rgb, _CHROMA.T, dtype=np.float32)
    return chroma


def _along(offset: F32, axis: F32) -> F32:
    """Chroma along the ink's axis, less what lies across it, so that other inks do not count."""
    across = np.abs(offset[..., 0] * axis[1] - offset[..., 1] * axis[0])
    along: F32 = offset @ axis - np.maximum(across - np.abs(offset @ axis), 0)
    return along


def _otsu(values: F32) -> float:
    """The threshold that splits the values with the greatest variance between both sides (Otsu 1979), set low.

    A soft edge has a wide valley; 0.6 of the threshold keeps thin strokes.
    """
    if len(values) == 0 or values.max() - values.min() < 1:
        return 0.0
    counts, edges = np.histogram(values, bins=_OTSU_BINS)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    mass = np.cumsum(counts * centres)
    above = len(values) - below
    # Neither side is ever empty: a histogram's first and last bins hold its least and greatest value.
    between = below * above * (mass[:-1] / below - (mass[-1] - mass[:-1]) / above) ** 2
    return 0.6 * float(edges[1 + int(np.argmax(between))])


def _project(seen: F32, paper: F32, ink: Ink) -> F32:
    """Alpha (h, w) of ink in [0, 1] over the paper behind each pixel."""
    span = paper - ink.colour
    length = np.maximum(np.einsum("hwc,hwc->hw", span, span), np.float32(1.0))
    alpha = np.einsum("hwc,hwc->hw", paper - seen, span) / length
    chroma = _along(_chroma(seen - paper), ink.axis)
    low = 0.4 * ink.threshold
    ramp = np.clip((chroma - low) / np.float32(ink.threshold - low), 0, 1)
    inked: F32 = np.clip(alpha, 0, 1) * ramp
    return inked
