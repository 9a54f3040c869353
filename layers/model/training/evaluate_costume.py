"""Prints what `costume` makes of streets, of figures cut by the frame, of single garments and of things."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from training.cuts import CUTS, cut_figure
from training.manifest import Row
from training.model import Model
from training.scores import JUDGED_CLASSES, class_ious, confusion
from training.targets import COSTUME_CLASSES, costume_targets

# A garment counts as found where this share of it is taken for any garment; a class is named from that share on.
FOUND_SHARE = 0.2
NAMED_SHARE = 0.1
# Clothes are found on a thing where this share of the picture is taken for a garment.
CLOTHED_SHARE = 0.02
LABEL_SIDE = 384
PARTS = ("found", "right", "only", "iou")


@dataclass(frozen=True)
class GarmentScore:
    """One single garment: whether it was found, its class the greatest, its class the only one, and the union's IoU."""

    found: bool
    right: bool
    only: bool
    iou: float


def classes_of(model: Model, picture: Image.Image, size: tuple[int, int]) -> np.ndarray:
    """The likeliest class of each pixel of `picture`, (H, W) for `size` (width, height)."""
    maps = model.run(picture)
    return np.argmax([np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BILINEAR)) for one in maps], axis=0)


def street_ious(model: Model, rows: list[Row], cut: tuple[float, float]) -> np.ndarray:
    """IoU of each class over all pixels of `rows`, seen as `cut` says."""
    classes = len(COSTUME_CLASSES)
    counts = np.zeros((classes, classes), np.int64)
    for row in rows:
        with row.open(row.labels) as file, Image.open(file) as opened:
            truth = np.asarray(opened)
        box = cut_figure(truth, cut)
        truth = truth[box[1] : box[3], box[0] : box[2]]
        with row.open(row.file) as file, Image.open(file) as opened:
            picture = opened.convert("RGB").crop(box)
        counts += confusion(classes_of(model, picture, (truth.shape[1], truth.shape[0])), truth, classes)
    return class_ious(counts)


def garment_score(model: Model, row: Row) -> GarmentScore:
    """Score a single garment or bag."""
    truth = costume_targets(row, LABEL_SIDE)[0]
    with row.open(row.file) as file, Image.open(file) as opened:
        predicted = classes_of(model, opened.convert("RGB"), (LABEL_SIDE, LABEL_SIDE))
    known = truth < len(COSTUME_CLASSES)
    shown, taken = (truth > 0) & known, np.isin(predicted, JUDGED_CLASSES) & known
    shares = np.array([(predicted[shown] == number).mean() for number in range(len(COSTUME_CLASSES))])
    number = int(truth[shown].max())
    found = bool(taken[shown].mean() >= FOUND_SHARE)
    right = found and number == 1 + int(shares[1:8].argmax())
    named = {kind for kind in JUDGED_CLASSES if shares[kind] >= NAMED_SHARE}
    return GarmentScore(found, right, found and named == {number}, float((shown & taken).sum() / (shown | taken).sum()))


def is_clothed(model: Model, row: Row) -> bool:
    """Return whether clothes are found on a thing that has none."""
    with row.open(row.file) as file, Image.open(file) as opened:
        predicted = classes_of(model, opened.convert("RGB"), (LABEL_SIDE, LABEL_SIDE))
    return bool(np.isin(predicted, JUDGED_CLASSES).mean() >= CLOTHED_SHARE)


def print_costume(model: Model, rows: list[Row]) -> None:
    """Print all tables of one network over the validation rows."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.costume_group, []).append(row)
    street = groups.get("street", [])
    print(f"\ncostume: {model.name} at {model.size} px, {len(street)} pictures of streets")
    print(f"{'':12}" + "".join(f"{name[:8]:>9}" for name in COSTUME_CLASSES) + f"{'mean of 7':>11}")
    for name, cut in CUTS.items() if street else ():
        ious = street_ious(model, street, cut)
        cells = "".join(f"{iou:9.3f}" for iou in ious)
        print(f"{name:12}{cells}{ious[list(JUDGED_CLASSES)].mean():11.3f}", flush=True)
    for group in ("garment", "bag"):
        scores = [garment_score(model, row) for row in groups.get(group, [])]
        if scores:
            found, right, only, iou = (np.mean([getattr(one, part) for one in scores]) for part in PARTS)
            print(f"{len(scores)} {group}s: found {found:.3f}, class {right:.3f}, only it {only:.3f}, IoU {iou:.3f}")
    things = groups.get("thing", [])
    if things:
        clothed = float(np.mean([is_clothed(model, row) for row in things]))
        print(f"{len(things)} things: clothes found on {clothed:.3f}", flush=True)
