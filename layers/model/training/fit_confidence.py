"""Fits cutline/pipeline/inference/confidence.py: two numbers that turn a network's own greys into a probability.

    PYTHONPATH=../cutline/python python -m training.fit_confidence --data DIR     (from layers/model, without PyTorch)

Cuts out every validation picture with ground truth, as the product does, and fits P(IoU < .8) by logistic regression.
The tables come from ten folds by photograph's source, so no picture judges a fit that has seen its like.
"""

from __future__ import annotations

import argparse
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from cutline.limits import LOCAL_LIMITS
from cutline.pipeline.codecs.decode import decode_image
from cutline.pipeline.cutout import matte_picture
from cutline.pipeline.filters import F32, U8
from cutline.pipeline.inference.confidence import uncertainty_of
from cutline.pipeline.inference.network import Network
from cutline.pipeline.options import CutOptions
from cutline.pipeline.timing import StageTimer
from training.manifest import Row, data_folders, read_manifest

BAD_IOU = 0.8
FOLDS, BINS, LOWEST = 10, 8, 0.1
_HALF = 127
_STEPS = 50

Floats = npt.NDArray[np.float64]


class RecordingNetwork:
    """A network that keeps its last predictions."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.view_size, self.calibration = network.view_size, network.calibration
        self.last: dict[str, F32] = {}

    def predict(self, rgb_u8: U8, alpha_u8: U8 | None = None) -> dict[str, F32]:
        self.last = self.network.predict(rgb_u8, alpha_u8)
        return self.last


def main() -> None:
    """Print the two numbers, the reliability table, and the bad results among those of lowest confidence."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="the folder with manifest.csv (or CUTLINE_DATA)")
    parser.add_argument("--models", type=Path, default=Path(__file__).resolve().parents[1])
    parser.add_argument("--model", default="matte")
    arguments = parser.parse_args()
    (data,) = data_folders([arguments.data] if arguments.data else None)
    network = RecordingNetwork(Network.open(arguments.models, arguments.model, len(os.sched_getaffinity(0))))
    rows = [row for row in read_manifest(data) if row.split in ("val", "val2") and row.mask]
    found = [(row, *judged) for row in rows for judged in judge(data, row, network)]
    uncertainty, bad = np.array([item[1] for item in found]), np.array([item[2] < BAD_IOU for item in found], float)
    offset, slope = fit(uncertainty, bad)
    print(f"{len(found)} pictures, {bad.mean():.1%} with IoU < {BAD_IOU}; confidence = [{offset:.3f}, {slope:.3f}]\n")
    folds = np.array([fold_of(item[0]) for item in found])
    predicted = np.empty(len(found))
    for fold in range(FOLDS):
        a, b = fit(uncertainty[folds != fold], bad[folds != fold])
        predicted[folds == fold] = sigmoid(a + b * uncertainty[folds == fold])
    report(predicted, bad)


def judge(data: Path, row: Row, network: RecordingNetwork) -> Iterator[tuple[float, float]]:
    """Yield the picture's uncertainty and IoU; nothing where the network found no subject, which needs no fit."""
    picture = decode_image((data / row.file).read_bytes(), LOCAL_LIMITS)
    matte = matte_picture(picture, CutOptions(), network, StageTimer())
    uncertainty = uncertainty_of(network.last["foreground"])
    if uncertainty is None:
        return
    with Image.open(data / row.mask) as image:
        truth = np.asarray(image.convert("L").resize((picture.width, picture.height))) > _HALF
    claimed = matte.alpha_u8 > _HALF
    yield uncertainty, float((claimed & truth).sum() / max(1, (claimed | truth).sum()))


def fold_of(row: Row) -> int:
    """The fold: frames and views of one source stay together, ECSSD's photographs have nothing in common."""
    name = row.stem if row.stem.startswith("ecssd_") else row.stem.rsplit("_", 1)[0]
    return zlib.crc32(name.encode()) % FOLDS


def fit(uncertainty: Floats, bad: Floats) -> tuple[float, float]:
    """Offset and slope of the logistic regression, by Newton's method with a light ridge on the slope."""
    design = np.column_stack([np.ones_like(uncertainty), uncertainty])
    weights = np.zeros(2)
    ridge = np.diag([1e-6, 1.0])
    for _ in range(_STEPS):
        p = sigmoid(design @ weights)
        gradient = design.T @ (p - bad) + ridge @ weights
        weights -= np.linalg.solve((design * (p * (1 - p))[:, None]).T @ design + ridge, gradient)
    return float(weights[0]), float(weights[1])


def sigmoid(x: Floats) -> Floats:
    result: Floats = 1 / (1 + np.exp(-x))
    return result


def report(predicted: Floats, bad: Floats) -> None:
    """Print the reliability table in bins of equal size, the order's quality, and the bad ones of low confidence."""
    print("| confidence | good, promised | good, found | pictures |\n|---|---|---|---|")
    for part in np.array_split(np.argsort(predicted), BINS):
        promised, good = 1 - predicted[part], 1 - bad[part].mean()
        print(f"| {promised.min():.3f} to {promised.max():.3f} | {promised.mean():.3f} | {good:.3f} | {len(part)} |")
    order = np.argsort(np.argsort(predicted))
    positives, negatives = bad.sum(), len(bad) - bad.sum()
    area = (order[bad > 0].sum() - positives * (positives - 1) / 2) / (positives * negatives)
    lowest = np.argsort(-predicted)[: round(LOWEST * len(bad))]
    held, bound = bad[lowest].sum() / positives, min(1.0, len(lowest) / positives)
    print(f"\nA bad picture has the lower confidence in {area:.3f} of pairs with a good one.")
    print(f"Of the {LOWEST:.0%} of lowest confidence {bad[lowest].mean():.0%} are bad: {held:.0%} of all bad ones,")
    print(f"of {bound:.0%} that can be among them.")


if __name__ == "__main__":
    main()
