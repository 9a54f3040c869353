"""Prints what the costume API finds on held-out pictures: single garments, things and dressed people.

    PYTHONPATH=../cutline/python python -m training.evaluate_garments --data DIR    (in layers/model, without PyTorch)

found: something is cut out. class: its kind is among what is found; only: nothing else is. IoU: of all garments
together with the plain cut-out. Groups: `garment` and `bag` are validation rows, `judged` those whose names begin with
0, `thing` the validation rows that show no clothes, where found should be 0.

Streets, whole and cut to a part of the figure: the mean IoU of all garments together with the labels, the share of
pictures where it is under .5, and of those where less than a fifth of the clothes is found.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from cutline.limits import LOCAL_LIMITS
from cutline.pipeline.codecs.decode import Picture, decode_image
from cutline.pipeline.cutout import matte_picture
from cutline.pipeline.filters import U8
from cutline.pipeline.garments.worn import cut_garments
from cutline.pipeline.inference.network import Network
from cutline.pipeline.options import GARMENTS, CutOptions, GarmentOptions
from cutline.pipeline.timing import StageTimer
from training.cuts import CUTS, cut_figure
from training.manifest import JUDGED, Row, data_folders, read_manifests, split_rows

GROUPS = ("garment", "bag", "judged", "thing")
_HALF = 127
# In a street's labels: other people's and the wearer's own skin; from here on nothing is known.
_SKIN = 8
_BAD_IOU, _LOST_SHARE = 0.5, 0.2


@dataclass(frozen=True)
class Found:
    """What the API found in one picture, and how far all of it is the plain cut-out."""

    names: tuple[str, ...]
    iou: float


def rows_by_group(rows: list[Row]) -> dict[str, list[Row]]:
    """The rows of each of GROUPS; judged ones have a kind and are no validation rows."""
    groups: dict[str, list[Row]] = {name: [] for name in GROUPS}
    for row in split_rows(rows)[1]:
        if row.costume_group in groups:
            groups[row.costume_group].append(row)
    groups["judged"] = [row for row in rows if JUDGED.match(row.stem) and row.garment_class]
    return groups


def kind_of(row: Row) -> str:
    """The class of a single garment or bag: class numbers begin at 1, in the order of GARMENTS."""
    if row.garment_class or not row.labels:
        return GARMENTS[row.garment_class - 1] if row.garment_class else "bag"
    with row.open(row.labels) as file, Image.open(file) as labels:
        present = np.bincount(np.asarray(labels).ravel(), minlength=256)[1 : len(GARMENTS) + 1]
    return GARMENTS[int(present.argmax())]


def cut_row(row: Row, matte: Network, costume: Network) -> Found:
    """Return what the costume API finds in one picture."""
    with row.open(row.file) as file:
        picture = decode_image(file.read(), LOCAL_LIMITS)
    cut = cut_garments(picture, GarmentOptions(form="mask"), matte, costume, StageTimer())
    if cut.image is None:
        return Found((), 0.0)
    with Image.open(io.BytesIO(cut.image)) as image:
        return Found(cut.found, overlap(np.asarray(image), plain_alpha(picture, matte)))


def plain_alpha(picture: Picture, matte: Network) -> U8:
    """The alpha (H, W) of the plain cut-out."""
    return matte_picture(picture, CutOptions(want_image=False), matte, StageTimer()).alpha_u8


def overlap(first: U8, second: U8) -> float:
    """Intersection over union of two alphas cut at one half."""
    a, b = first > _HALF, second > _HALF
    return float((a & b).sum() / max(1, (a | b).sum()))


def print_group(name: str, rows: list[Row], matte: Network, costume: Network) -> None:
    """Print one line of the table."""
    results = [cut_row(row, matte, costume) for row in rows]
    found = [bool(result.names) for result in results]
    line = f"{name:8}{len(rows):9}{np.mean(found):8.3f}"
    if name != "thing" and any(found):
        kinds = [kind_of(row) for row in rows]
        pairs = [(kind, result) for kind, result in zip(kinds, results, strict=True) if result.names]
        line += f"{np.mean([kind in result.names for kind, result in pairs]):8.3f}"
        line += f"{np.mean([(kind,) == result.names for kind, result in pairs]):8.3f}"
        line += f"{np.mean([result.iou for result in results]):8.3f}"
    print(line, flush=True)


def print_streets(rows: list[Row], matte: Network, costume: Network) -> None:
    """Print one line for each part of the figures."""
    print(f"\n{'streets':12}{'pictures':>9}{'IoU':>8}{'under .5':>10}{'lost':>8}")
    for name, part in CUTS.items():
        scores = [worn_score(row, part, matte, costume) for row in rows]
        ious = np.array([iou for iou, _ in scores])
        lost = np.mean([found < _LOST_SHARE for _, found in scores])
        print(f"{name:12}{len(rows):9}{ious.mean():8.3f}{(ious < _BAD_IOU).mean():10.3f}{lost:8.3f}", flush=True)


def worn_score(row: Row, part: tuple[float, float], matte: Network, costume: Network) -> tuple[float, float]:
    """IoU of all garments found with the clothes in the labels, and the share of these clothes that is found."""
    with row.open(row.labels) as file, Image.open(file) as labels:
        truth = np.asarray(labels)
    left, top, right, bottom = cut_figure(truth, part)
    with row.open(row.file) as file, Image.open(file) as opened:
        rgb_u8 = np.asarray(opened.convert("RGB").crop((left, top, right, bottom)))
    cut = cut_garments(Picture(rgb_u8, None, "JPEG"), GarmentOptions(form="mask"), matte, costume, StageTimer())
    truth = truth[top:bottom, left:right]
    found = np.zeros(truth.shape, bool)
    if cut.image is not None:
        with Image.open(io.BytesIO(cut.image)) as image:
            found = np.asarray(image.resize((truth.shape[1], truth.shape[0]))) > _HALF
    clothes, known = (truth > 0) & (truth < _SKIN), truth <= _SKIN
    both = float((found & clothes).sum())
    return both / max(1, ((found | clothes) & known).sum()), both / max(1, clothes.sum())


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", action="append", help="folder with manifest.csv (repeatable; default: $CUTLINE_DATA)")
    parser.add_argument("--models", type=Path, default=Path(__file__).resolve().parents[1])
    parser.add_argument("--limit", type=int, default=1, help="every n-th picture only")
    given = parser.parse_args()
    matte, costume = (Network.open(given.models, name, 1) for name in ("matte", "costume"))
    print(f"{'':8}{'pictures':>9}{'found':>8}{'class':>8}{'only':>8}{'IoU':>8}")
    every = read_manifests(data_folders(given.data))
    for name, rows in rows_by_group(every).items():
        if rows:
            print_group(name, rows[:: given.limit], matte, costume)
    streets = [row for row in split_rows(every)[1] if row.costume_group == "street"]
    print_streets(streets[:: given.limit], matte, costume)


if __name__ == "__main__":
    main()
