"""Prints the scores of ONNX models on the validation split, side by side.

`python -m training.evaluate --data DIR --matte FILE ... --costume FILE ... [--pipeline DIR] [--isnet FILE]`
`python -m training.evaluate --data DIR ... --matte CANDIDATE --pipeline . --csv FILE [--against OTHER_FILE]`

Alphas are resampled to each picture's own size with bicubic filtering and nothing else, so the table judges the
network and not the pipeline's refinement; `--pipeline` adds its second passes and its removal of haze. <.8: share
of pictures whose IoU is lower. far, haze, inner: further than 8 px from the outline at 512 px, the mean error, the
share of half-transparent pixels, and of the subject's under 250 of 255.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from training.alpha_scores import COLUMNS, AlphaScore, score_alpha, summary
from training.evaluate_costume import print_costume
from training.manifest import HELD_OUT_SPLITS, Row, data_folders, held_out_rows, read_manifests, split_rows
from training.model import Model, open_isnet, open_onnx, open_pipeline
from training.paired import PARTS, Key, comparison_lines, read_scores, write_scores


def true_alpha(row: Row) -> np.ndarray:
    """Read the true foreground (H, W) uint8 at the picture's own size."""
    with row.open(row.labels or row.mask) as file, Image.open(file) as picture:
        mask = np.asarray(picture.convert("L"))
    return ((mask > 0) * 255).astype(np.uint8) if row.labels else mask


def alpha_score(model: Model, row: Row, channel: int) -> AlphaScore:
    """Return one picture's score for one of the model's maps."""
    truth = true_alpha(row)
    with row.open(row.file) as file, Image.open(file) as picture:
        alpha = model.run(picture.convert("RGB"))[channel]
    full = Image.fromarray((alpha * 255).round().astype(np.uint8)).resize(truth.shape[::-1], Image.Resampling.BICUBIC)
    return score_alpha(np.asarray(full), truth)


def print_alphas(models: list[Model], groups: dict[str, tuple[str, list[Row]]]) -> dict[Key, AlphaScore]:
    """Print a table for each group of rows and return every picture's scores; groups: title -> (scored map, rows)."""
    known: dict[tuple[str, str, Row], AlphaScore] = {}
    scores: dict[Key, AlphaScore] = {}
    for title, (alpha, rows) in groups.items():
        if not rows:
            continue
        print(f"\n{title}: {len(rows)} pictures")
        print(f"{'model':36}{'size':>5}" + "".join(f"{column:>8}" for column in COLUMNS))
        for model in models:
            if alpha not in model.maps:
                continue
            for row in rows:
                # A scene is in two groups.
                key = (model.name, alpha, row)
                known[key] = known.get(key) or alpha_score(model, row, model.maps[alpha])
                scores[model.kind, title, row.file] = known[key]
            values = summary([known[model.name, alpha, row] for row in rows])
            print(f"{model.name[:34]:36}{model.size:5}" + "".join(f"{value:8.3f}" for value in values), flush=True)
    return scores


def validation_groups(rows: list[Row], by_source: bool) -> dict[str, tuple[str, list[Row]]]:
    """Return the groups of the alpha tables: title -> (which map is scored, rows), by split and, if asked, source."""
    groups: dict[str, tuple[str, list[Row]]] = {}
    for split in ("val", "val2"):
        of_split = [row for row in rows if row.split == split]
        objects = [row for row in of_split if row.folder == "objects" and row.mask]
        people = [row for row in of_split if row.folder == "person" and row.mask]
        groups[f"{split}: general (objects/)"] = ("foreground", objects)
        groups[f"{split}: person (person/)"] = ("person", people)
        groups[f"{split}: person (costume/, labels above 0)"] = (
            "person",
            [row for row in of_split if row.folder == "costume"],
        )
        groups[f"{split}: scenes with people, foreground"] = ("foreground", [row for row in people if row.is_scene])
        groups[f"{split}: scenes with people, person"] = ("person", [row for row in people if row.is_scene])
        for name in sorted({row.stem.split("_")[0] for row in objects}) if by_source else ():
            groups[f"{split}: {name}"] = ("foreground", [row for row in objects if row.stem.split("_")[0] == name])
    for split in HELD_OUT_SPLITS:
        of_split = [row for row in rows if row.split == split]
        groups[split] = ("foreground", of_split)
        for name in sorted({row.stem.split("_")[0] for row in of_split}) if by_source else ():
            groups[f"{split}: {name}"] = ("foreground", [row for row in of_split if row.stem.split("_")[0] == name])
    return groups


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", action="append", help="folder with manifest.csv (repeatable; default: $CUTLINE_DATA)")
    parser.add_argument("--matte", type=Path, action="append", default=[])
    parser.add_argument("--pipeline", type=Path, help="folder with models.toml: the last --matte in the pipeline")
    parser.add_argument("--costume", type=Path, action="append", default=[])
    parser.add_argument("--isnet", type=Path, help="IS-Net general use, input (rgb - 128) / 256")
    parser.add_argument("--size", type=int, help="side for models of dynamic shape")
    parser.add_argument("--sources", action="store_true", help="a table for each source of objects/ too")
    parser.add_argument("--limit", type=int, help="every n-th picture only, so that slow models end")
    parser.add_argument("--csv", type=Path, help="write the scores of each picture to this file")
    parser.add_argument("--against", type=Path, help="compare picture by picture with a file that --csv wrote")
    given = parser.parse_args()
    if (given.csv or given.against) and len(given.matte) > 1:
        parser.error("--csv and --against take one --matte")
    return given


def main() -> None:
    """Prints every table that the given models allow."""
    given = parse_arguments()
    every = read_manifests(data_folders(given.data))
    before = read_scores(given.against) if given.against else {}
    rows = [*split_rows(every)[1], *held_out_rows(every)][:: given.limit or 1]
    models = [open_onnx(path, {"foreground": 0, "person": 1}, given.size) for path in given.matte]
    if given.pipeline:
        models.append(open_pipeline(given.pipeline, given.matte[-1] if given.matte else None))
    if given.isnet:
        models.append(open_isnet(given.isnet, given.size or 1024))
    scores = print_alphas(models, validation_groups(rows, given.sources)) if models else {}
    if given.csv:
        write_scores(given.csv, scores)
    if before:
        after = {key: tuple(getattr(score, part) for part in PARTS) for key, score in scores.items()}
        print("\n".join(comparison_lines(before, after)))
    for path in given.costume:
        print_costume(open_onnx(path, {}, given.size), rows)


if __name__ == "__main__":
    main()
