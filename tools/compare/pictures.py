"""The pictures of the comparison: photographs by size, and pictures whose true alpha is known."""

import csv
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from devkit.composites import U8, compose

_SHAPES = ("disc", "ring with a hole", "thin rods", "hair")
_SCENES = ("distinct", "bright sky", "white on white", "dark on dark")


@dataclass(frozen=True)
class Truth:
    """A picture file of a set, and the alpha (H, W) that it should get."""

    kind: str
    file: Path
    alpha_u8: U8


def photograph(side: int, folder: Path) -> Path:
    """A portrait of side x side as JPEG."""
    file = folder / f"photo-{side}.jpg"
    image = Image.fromarray(skimage.data.astronaut()).resize((side, side), Image.Resampling.LANCZOS)
    image.save(file, "JPEG", quality=92)
    return file


def composites(folder: Path) -> list[Truth]:
    """Shapes in front of scenes at 1 MP."""
    found = []
    for shape in _SHAPES:
        for scene in _SCENES:
            case = compose(shape, scene, 1024)
            file = folder / f"{shape}-{scene}.png".replace(" ", "-")
            Image.fromarray(case.rgb_u8).save(file, "PNG", compress_level=1)
            found.append(Truth("composites", file, case.alpha_u8))
    return found


def validation(data: Path, count: int) -> list[Truth]:
    """A sample of the validation pictures with binary ground truth of a data folder with manifest.csv."""
    with (data / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "val" and row["mask"]]
    sets: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        sets.setdefault(row["file"].partition("/")[0], []).append(row)
    chosen = [row for kind in sorted(sets) for row in random.Random(1).sample(sets[kind], min(count, len(sets[kind])))]
    return [Truth(row["file"].partition("/")[0], data / row["file"], _mask(data / row["mask"])) for row in chosen]


def _mask(file: Path) -> U8:
    return np.where(np.asarray(Image.open(file).convert("L")) > 127, 255, 0).astype(np.uint8)


def alpha_of(result: Path, size: tuple[int, int]) -> U8:
    """The alpha of a peer's result at (height, width)."""
    with Image.open(result) as image:
        alpha = image.convert("RGBA").getchannel("A")
        return np.asarray(alpha if alpha.size == size[::-1] else alpha.resize(size[::-1], Image.Resampling.BILINEAR))
