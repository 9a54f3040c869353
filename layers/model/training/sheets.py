"""Draws contact sheets: `python -m training.sheets --data DIR --out DIR [--matte F] [--costume F] [FILE ...]`.

Matte: each picture next to its cut-out on magenta (foreground) and, for people, on green (person). Costume: each
picture next to its classes in colour. A sheet shows what the scores hide: islands, lost limbs, grey haze.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from training.manifest import data_folders, read_manifests, split_rows
from training.model import Model, open_onnx

TILE_PX = 200
TILES_PER_LINE = 4
MAGENTA, GREEN = (255, 0, 255), (0, 200, 0)
CLASS_COLOURS = np.array(
    [
        (0, 0, 0),
        (230, 25, 75),
        (245, 130, 48),
        (255, 225, 25),
        (60, 180, 75),
        (70, 240, 240),
        (0, 130, 200),
        (240, 50, 230),
        (170, 170, 170),
    ],
    np.uint8,
)


def fitted(picture: Image.Image) -> Image.Image:
    """A copy no larger than a tile."""
    small = picture.copy()
    small.thumbnail((TILE_PX, TILE_PX))
    return small


def on_colour(picture: Image.Image, alpha: np.ndarray, colour: tuple[int, int, int]) -> Image.Image:
    """`picture` over a plain colour by `alpha` (S, S) float32 in [0, 1]."""
    mask = Image.fromarray((alpha * 255).round().astype(np.uint8)).resize(picture.size, Image.Resampling.BICUBIC)
    return Image.composite(picture, Image.new("RGB", picture.size, colour), mask)


def in_classes(picture: Image.Image, maps: np.ndarray) -> Image.Image:
    """The likeliest class of each pixel as a colour; maps: (9, S, S)."""
    coloured = Image.fromarray(CLASS_COLOURS[maps.argmax(0)])
    return coloured.resize(picture.size, Image.Resampling.NEAREST)


def views(model: Model, path: Path) -> list[Image.Image]:
    """The picture and what the model makes of it."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    maps = model.run(picture)
    picture = fitted(picture)
    if not model.maps:
        return [picture, in_classes(picture, maps)]
    cut_outs = [on_colour(picture, maps[0], MAGENTA)]
    if maps[1].max() > maps[0].max() / 2:
        cut_outs.append(on_colour(picture, maps[1], GREEN))
    return [picture, *cut_outs]


def sheet(model: Model, paths: list[Path]) -> Image.Image:
    """All pictures' views in lines of TILES_PER_LINE pictures."""
    width = TILE_PX * (3 if model.maps else 2)
    lines = -(-len(paths) // TILES_PER_LINE)
    page = Image.new("RGB", (width * TILES_PER_LINE, TILE_PX * lines), (40, 40, 40))
    for number, path in enumerate(paths):
        left, top = number % TILES_PER_LINE * width, number // TILES_PER_LINE * TILE_PX
        for index, view in enumerate(views(model, path)):
            page.paste(view, (left + index * TILE_PX, top))
    return page


def validation_pictures(homes: list[Path], folders: tuple[str, ...], count: int) -> list[Path]:
    """`count` validation pictures, spread evenly over the manifest."""
    rows = [row for row in split_rows(read_manifests(homes))[1] if row.folder in folders]
    return [rows[index].home / rows[index].file for index in np.linspace(0, len(rows) - 1, count).astype(int)]


def main() -> None:
    """Writes matte.png and costume.png."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", action="append")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--matte", type=Path)
    parser.add_argument("--costume", type=Path)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("pictures", type=Path, nargs="*", help="these pictures in place of the validation split")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    jobs = (("matte", given.matte, ("objects", "person")), ("costume", given.costume, ("costume",)))
    for name, path, folders in jobs:
        if path:
            model = open_onnx(path, {"foreground": 0, "person": 1} if name == "matte" else {}, None)
            pictures = given.pictures or validation_pictures(data_folders(given.data), folders, given.count)
            sheet(model, pictures).save(given.out / f"{name}.png")


if __name__ == "__main__":
    main()
