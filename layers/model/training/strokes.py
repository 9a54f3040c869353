"""Measures strokes on simulated users: what one to five strokes make of the pictures that the network cuts badly.

`python -m training.strokes --data DIR [--split train] [--limit N] [--set hold=0.03 ...]`

From the difference to the truth the largest wrong region gets one stroke through its middle, then the next one, as a
person would: a line between the two points of the region that are furthest from each other, along its middle, as thick
as half of what fits. Pictures are those of the validation split with a mask whose IoU is under .8. Needs no PyTorch.
"""

from __future__ import annotations

import argparse
import heapq
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from cutline import resources
from cutline.limits import LOCAL_LIMITS
from cutline.pipeline.codecs.decode import decode_image
from cutline.pipeline.cutout import matte_picture
from cutline.pipeline.filters import fit_within
from cutline.pipeline.inference.network import Network
from cutline.pipeline.matting.components import label_components
from cutline.pipeline.matting.strokes import Tuning, mend_alpha
from cutline.pipeline.options import CutOptions
from cutline.pipeline.stroke import Do, Point, Stroke
from cutline.pipeline.timing import StageTimer
from training.alpha_scores import BAD_IOU, HALF
from training.manifest import Row, data_folders, read_manifests, split_rows

STROKES, GOOD_IOU = 5, 0.9
_GRID_PX = 56
_MIN_RADIUS, _MAX_RADIUS = 0.006, 0.04
# A line ends where the region gets thinner than this share of its thickest place.
_CORE = 0.35
_POINTS = 12
_STEPS = [(dy, dx, float(np.hypot(dy, dx))) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]

Case = tuple[np.ndarray, np.ndarray, np.ndarray]


def iou(alpha: np.ndarray, truth: np.ndarray) -> float:
    """The overlap of two (H, W) uint8 masks, cut at one half."""
    claimed, true = alpha > HALF, truth > HALF
    return float((claimed & true).sum() / max(1, (claimed | true).sum()))


def largest_wrong(alpha: np.ndarray, truth: np.ndarray) -> tuple[Do, np.ndarray] | None:
    """What to do with the largest wrong region, and the region (H, W); None where nothing is wrong."""
    claimed, true = alpha > HALF, truth > HALF
    wrong: dict[Do, np.ndarray] = {"keep": true & ~claimed, "remove": claimed & ~true}
    found = {do: label_components(mask) for do, mask in wrong.items()}
    do = max(found, key=lambda name: found[name][1].max(initial=0))
    labels, areas = found[do]
    return None if len(areas) == 0 else (do, labels == areas.argmax() + 1)


def next_stroke(alpha: np.ndarray, truth: np.ndarray) -> Stroke | None:
    """The stroke that a person would draw next, or None where nothing is wrong."""
    wrong = largest_wrong(alpha, truth)
    if wrong is None:
        return None
    points, thickness = middle_line(wrong[1])
    return Stroke(wrong[0], float(np.clip(thickness / 2, _MIN_RADIUS, _MAX_RADIUS)), points)


def middle_line(region: np.ndarray) -> tuple[tuple[Point, ...], float]:
    """Points along a region's (H, W) middle, in shares, and how far its border is from them, of the longer side."""
    height, width = region.shape
    size = fit_within(width, height, _GRID_PX)
    cover = np.asarray(Image.fromarray(region.astype(np.uint8) * 255).resize(size, Image.Resampling.BOX))
    labels, areas = label_components(cover > min(HALF, int(cover.max()) - 1))
    depths = _depths(labels == areas.argmax() + 1)
    deepest = float(depths.max())
    costs = np.where(depths > 0, 1 + 0.5 * (deepest / np.maximum(depths, 0.5)) ** 2, np.inf)
    core = np.flatnonzero(depths >= _CORE * deepest)
    first = int(core[_distances(costs, int(depths.argmax()))[0][core].argmax()])
    distances, previous = _distances(costs, first)
    path = [int(core[distances[core].argmax()])]
    while previous[path[-1]] >= 0:
        path.append(int(previous[path[-1]]))
    rows, columns = np.divmod(np.array(path), size[0])
    chosen = np.unique(np.linspace(0, len(path) - 1, _POINTS).round().astype(np.intp))
    points = tuple(((columns[at] + 0.5) / size[0], (rows[at] + 0.5) / size[1]) for at in chosen)
    return tuple((float(x), float(y)) for x, y in points), float(np.median(depths[rows, columns]) / max(size))


def _depths(mask: np.ndarray) -> np.ndarray:
    """How many steps each pixel (h, w) is from the outside, of the mask and of the picture; 0 there."""
    padded = np.pad(mask, 1)
    depths = np.zeros(padded.shape, np.float32)
    while padded.any():
        depths += padded
        inner = padded.copy()
        for shift, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):
            inner &= np.roll(padded, shift, axis)
        padded = inner
    return depths[1:-1, 1:-1]


def _distances(costs: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray]:
    """The cost of the cheapest path (h * w,) from a pixel to each, and the pixel before on it (Dijkstra 1959)."""
    height, width = costs.shape
    found, previous = np.full(costs.size, -np.inf), np.full(costs.size, -1)
    queue = [(0.0, start, -1)]
    while queue:
        cost, at, before = heapq.heappop(queue)
        if np.isfinite(found[at]):
            continue
        found[at], previous[at] = cost, before
        row, column = divmod(at, width)
        for down, across, length in _STEPS:
            y, x = row + down, column + across
            if (
                0 <= y < height
                and 0 <= x < width
                and np.isfinite(costs[y, x])
                and not np.isfinite(found[y * width + x])
            ):
                heapq.heappush(queue, (cost + length * float(costs[y, x]), y * width + x, at))
    return found, previous


def bad_cases(rows: list[Row], network: Network) -> Iterator[Case]:
    """Picture (H, W, 3), alpha and truth (H, W) of each row that the network cuts badly."""
    for row in rows:
        with row.open(row.file) as file:
            picture = decode_image(file.read(), LOCAL_LIMITS)
        with row.open(row.mask) as file, Image.open(file) as mask:
            truth = np.asarray(mask.convert("L"))
        alpha = matte_picture(picture, CutOptions(want_image=False), network, StageTimer()).alpha_u8
        if iou(alpha, truth) < BAD_IOU:
            yield picture.rgb_u8, alpha, truth


def mended_ious(case: Case, tuning: Tuning) -> tuple[list[float], float]:
    """The IoU after 0 to `STROKES` strokes, and the CPU seconds of a stroke."""
    rgb, alpha, truth = case
    strokes: list[Stroke] = []
    found, seconds = [iou(alpha, truth)], 0.0
    for _ in range(STROKES):
        stroke = next_stroke(alpha, truth)
        if stroke is not None:
            start = time.process_time()
            alpha = mend_alpha(rgb, alpha, [stroke], strokes, tuning)
            seconds += time.process_time() - start
            strokes.append(stroke)
        found.append(iou(alpha, truth))
    return found, seconds / max(1, len(strokes))


def perfect_ious(case: Case) -> list[float]:
    """The IoU after 0 to `STROKES` strokes that each would correct exactly the largest wrong region."""
    _, alpha, truth = case
    found = [iou(alpha, truth)]
    for _ in range(STROKES):
        wrong = largest_wrong(alpha, truth)
        if wrong is not None:
            alpha = np.where(wrong[1], np.uint8(255 * (wrong[0] == "keep")), alpha)
        found.append(iou(alpha, truth))
    return found


def report(cases: list[Case], tuning: Tuning) -> None:
    """Prints the table."""
    measured = [mended_ious(case, tuning) for case in cases]
    found = np.array([ious for ious, _ in measured])
    print(f"{len(cases)} pictures under IoU {BAD_IOU}")
    perfect = np.array([perfect_ious(case) for case in cases])
    print(
        f"{'strokes':>8}{'median':>8}{'mean':>8}{'>= .9':>8}   {'if each corrects exactly the largest wrong region':}"
    )
    for count in range(STROKES + 1):
        columns = [
            f"{np.median(ious):8.3f}{ious.mean():8.3f}{(ious >= GOOD_IOU).mean():8.2f}"
            for ious in (found[:, count], perfect[:, count])
        ]
        print(f"{count:8}{'   '.join(columns)}")
    print(f"{1000 * np.mean([seconds for _, seconds in measured]):.0f} ms CPU a stroke")


def _tuning(changes: list[str]) -> Tuning:
    usual = Tuning()
    given = dict(change.split("=", 1) for change in changes)
    values = {name: type(getattr(usual, name))(value) for name, value in given.items()}
    return replace(usual, **values)


def main() -> None:
    """Measures, and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", action="append", help="folder with manifest.csv (repeatable; default: $CUTLINE_DATA)")
    parser.add_argument("--split", choices=("val", "train"), default="val", help="val holds val2 too")
    parser.add_argument("--limit", type=int, default=1, help="every n-th picture only")
    parser.add_argument("--models", type=Path, help="folder with models.toml (default: the shipped networks)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a constant of the solver")
    given = parser.parse_args()
    train, validation = split_rows(read_manifests(data_folders(given.data)))
    chosen = [row for row in (train if given.split == "train" else validation) if row.kind == "mask" and row.mask]
    network = Network.open(given.models or resources.models_dir(), "matte", 1)
    report(list(bad_cases(chosen[:: given.limit], network)), _tuning(given.set))


if __name__ == "__main__":
    main()
