"""Prints the scores of ONNX models on the validation split, side by side.

`python -m training.evaluate --data DIR --matte FILE ... --costume FILE ... [--isnet FILE]`

Alphas are resampled to each picture's own size with bicubic filtering and nothing else, so the table judges the
network and not the pipeline's refinement. Times are medians for one picture, network only.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
from PIL import Image

from training.manifest import Row, data_folders, read_manifests, split_rows
from training.scores import COSTUME_CLASSES, JUDGED_CLASSES, AlphaScore, class_ious, confusion, score_alpha

TIMED_RUNS = 15
COLUMNS = ("IoU", "MAE", "maxF", "edge", "ms 1thr", "ms 2thr")


@dataclass(frozen=True)
class Model:
    """A network to judge. run: RGB picture to (C, S, S) float32 in [0, 1]; maps: which of the C is which alpha."""

    name: str
    size: int
    run: Callable[[Image.Image], np.ndarray]
    maps: dict[str, int]
    times_ms: tuple[float, float]


def open_session(path: Path, threads: int) -> ort.InferenceSession:
    """A CPU session with a fixed number of threads."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def median_ms(session: ort.InferenceSession, feed: np.ndarray) -> float:
    """Median time of one run on `feed`, after two to warm up."""
    name = session.get_inputs()[0].name
    spent = []
    for run in range(TIMED_RUNS + 2):
        began = time.perf_counter()
        session.run(None, {name: feed})
        if run > 1:
            spent.append(time.perf_counter() - began)
    return float(np.median(spent) * 1000)


def squashed(picture: Image.Image, size: int) -> np.ndarray:
    """The picture as (1, 3, size, size) float32 in 0..255, its sides scaled independently."""
    small = picture.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=3.0)
    return np.ascontiguousarray(np.asarray(small, np.float32).transpose(2, 0, 1)[None])


def open_isnet(path: Path, size: int) -> Model:
    """IS-Net general use, which wants (rgb - 128) / 256 and whose output is stretched to 0..1, as its authors do."""
    plain = open_onnx(path, {"foreground": 0}, size, 128.0, 1 / 256)

    def run(picture: Image.Image) -> np.ndarray:
        alphas = plain.run(picture)
        low, high = float(alphas.min()), float(alphas.max())
        return (alphas - low) / max(high - low, 1e-6)

    return replace(plain, run=run)


def open_onnx(path: Path, maps: dict[str, int], size: int | None, shift: float = 0.0, scale: float = 1.0) -> Model:
    """A model from an ONNX file, fed with (rgb - shift) * scale; size: for files of dynamic shape."""
    session = open_session(path, 2)
    given = session.get_inputs()[0]
    side = given.shape[2] if isinstance(given.shape[2], int) else int(size or 320)

    def run(picture: Image.Image) -> np.ndarray:
        output = session.run(None, {given.name: (squashed(picture, side) - shift) * scale})[0][0]
        return np.asarray(output, np.float32).clip(0, 1)

    feed = np.full((1, 3, side, side), (127 - shift) * scale, np.float32)
    times = (median_ms(open_session(path, 1), feed), median_ms(session, feed))
    return Model(f"{path.resolve().parent.name}/{path.name}", side, run, maps, times)


def true_alpha(row: Row) -> np.ndarray:
    """Ground-truth foreground (H, W) uint8 at the picture's own size."""
    with Image.open(row.home / (row.labels or row.mask)) as picture:
        mask = np.asarray(picture.convert("L"))
    return ((mask > 0) * 255).astype(np.uint8) if row.labels else mask


def alpha_score(model: Model, row: Row, channel: int) -> AlphaScore:
    """One picture's score for one of the model's maps."""
    truth = true_alpha(row)
    with Image.open(row.home / row.file) as picture:
        alpha = model.run(picture.convert("RGB"))[channel]
    full = Image.fromarray((alpha * 255).round().astype(np.uint8)).resize(truth.shape[::-1], Image.Resampling.BICUBIC)
    return score_alpha(np.asarray(full), truth)


def alpha_line(model: Model, rows: list[Row], channel: int) -> str:
    """One line of the table: the scores averaged over `rows`."""
    scores = [alpha_score(model, row, channel) for row in rows]
    max_f = float(np.mean([score.f_curve for score in scores], axis=0).max())
    means = [float(np.mean([getattr(score, part) for score in scores])) for part in ("iou", "mae", "edge_mae")]
    values = (means[0], means[1], max_f, means[2])
    cells = "".join(f"{value:9.3f}" for value in values) + "".join(f"{ms:9.1f}" for ms in model.times_ms)
    return f"{model.name[:34]:36}{model.size:5}{cells}"


def print_alphas(models: list[Model], groups: dict[str, tuple[str, list[Row]]]) -> None:
    """A table for each group of rows; groups: title -> (which map is judged, rows)."""
    for title, (alpha, rows) in groups.items():
        print(f"\n{title}: {len(rows)} pictures")
        print(f"{'model':36}{'size':>5}" + "".join(f"{column:>9}" for column in COLUMNS))
        for model in models:
            if alpha in model.maps and rows:
                print(alpha_line(model, rows, model.maps[alpha]), flush=True)


def print_costume(model: Model, rows: list[Row]) -> None:
    """IoU of each class over all pixels of `rows`, and the mean of the seven that are judged."""
    classes = len(COSTUME_CLASSES)
    counts = np.zeros((classes, classes), np.int64)
    for row in rows:
        with Image.open(row.home / row.labels) as picture:
            truth = np.asarray(picture)
        with Image.open(row.home / row.file) as picture:
            maps = model.run(picture.convert("RGB"))
        full = [np.asarray(Image.fromarray(one).resize(truth.shape[::-1], Image.Resampling.BILINEAR)) for one in maps]
        counts += confusion(np.argmax(full, axis=0), truth, classes)
    ious = class_ious(counts)
    print(f"\ncostume: {len(rows)} pictures, {model.name} at {model.size} px", end=", ")
    print(f"{model.times_ms[0]:.1f} ms on 1 thread, {model.times_ms[1]:.1f} ms on 2")
    for number, name in enumerate(COSTUME_CLASSES):
        print(f"  {name:14}{ious[number]:.3f}")
    print(f"  {'mean of 7':14}{ious[list(JUDGED_CLASSES)].mean():.3f}", flush=True)


def validation_groups(rows: list[Row]) -> dict[str, tuple[str, list[Row]]]:
    """What the alpha tables are about."""
    people = [row for row in rows if row.folder == "person" and row.mask]
    return {
        "general (objects/)": ("foreground", [row for row in rows if row.folder == "objects" and row.mask]),
        "person (person/)": ("person", people),
        "person (costume/, labels above 0)": ("person", [row for row in rows if row.folder == "costume"]),
    }


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", action="append", help="folder with manifest.csv (repeatable; default: $CUTLINE_DATA)")
    parser.add_argument("--matte", type=Path, action="append", default=[])
    parser.add_argument("--costume", type=Path, action="append", default=[])
    parser.add_argument("--isnet", type=Path, help="IS-Net general use, input (rgb - 128) / 256")
    parser.add_argument("--size", type=int, help="side for models of dynamic shape")
    parser.add_argument("--limit", type=int, help="every n-th picture only, so that slow models end")
    return parser.parse_args()


def main() -> None:
    """Prints every table that the given models allow."""
    given = parse_arguments()
    rows = split_rows(read_manifests(data_folders(given.data)))[1][:: given.limit or 1]
    models = [open_onnx(path, {"foreground": 0, "person": 1}, given.size) for path in given.matte]
    if given.isnet:
        models.append(open_isnet(given.isnet, given.size or 1024))
    print_alphas(models, validation_groups(rows))
    for path in given.costume:
        print_costume(open_onnx(path, {}, given.size), [row for row in rows if row.folder == "costume"])


if __name__ == "__main__":
    main()
