"""Labels photographs of dressed people whose garments are named by tags, for `costume` to learn from:

    python -m training.tagged costume.pt --pictures DIR --tags tags.csv --out DATA --source NAME --licence TEXT

`tags.csv` has the columns `file`, a picture in DIR, and `tags`, words of `manifest.KINDS` between spaces, others among
them. The network says where the garments are, and the tags which ones there are (labels of whole pictures as
supervision of their pixels, https://arxiv.org/abs/1502.02734): of the validation pictures, its mean IoU is .65 without
and .74 with their classes known. Pixels of low confidence are IGNORED. DATA gets the pictures, their labels and a
manifest.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from training.manifest import KINDS, MANIFEST, TAGGED_FOLDER
from training.network import SegmentationNet, load_weights, normalise
from training.pack import COLUMNS
from training.targets import IGNORED
from training.train import channels_last, new_net

BACKGROUND, PANTS, OTHER_PERSON = 0, 4, 8
UPPER, LOWER = {1, 2, 3}, {3, 4}
# People forget to name these, and a picture without one says nothing about it.
OFTEN_UNNAMED = {5, 6, 7}
# One cloth for the whole figure, whose legs are no pants.
WHOLE_FIGURE = {"romper", "bodysuit", "suit"}
# At the size of training, and a sixth below and above.
SIZES = (320, 384, 448)
LONGEST_PX = 480
# A pixel is labelled where the named classes together have MIN_NAMED_PROBABILITY and the likeliest MIN_SHARE of that.
MIN_SHARE, MIN_NAMED_PROBABILITY = 0.55, 0.02


@torch.inference_mode()
def probabilities(net: SegmentationNet, picture: Image.Image) -> np.ndarray:
    """The mean over SIZES and mirrored images, (9, h, w) in [0, 1] at the picture's size."""
    passes = []
    for size in SIZES:
        pixels = np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0))
        rgb = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
        both = normalise(torch.cat([rgb, rgb.flip(3)])).contiguous(memory_format=torch.channels_last)
        logits: Tensor = net(both)
        plain, mirrored = logits.softmax(1)
        mean = ((plain + mirrored.flip(2)) / 2)[None]
        passes.append(F.interpolate(mean, size=picture.size[::-1], mode="bilinear", align_corners=False)[0])
    return torch.stack(passes).mean(dim=0).numpy()


def tagged_labels(chances: np.ndarray, tags: set[str]) -> np.ndarray | None:
    """Class numbers (h, w) uint8 from `chances` (9, h, w) and what the tags allow; None where they say too little."""
    named = {KINDS[tag] for tag in tags if tag in KINDS}
    if tags & WHOLE_FIGURE and PANTS not in named:
        return None
    allowed = np.isin(np.arange(len(chances)), [BACKGROUND, OTHER_PERSON, *named])
    possible = chances * allowed[:, None, None]
    total = possible.sum(axis=0)
    labels = possible.argmax(axis=0).astype(np.uint8)
    labels[(possible.max(axis=0) < MIN_SHARE * total) | (total < MIN_NAMED_PROBABILITY)] = IGNORED
    unnamed = OFTEN_UNNAMED - named
    for part in (UPPER, LOWER):
        unnamed |= set() if part & named else part
    labels[np.isin(chances.argmax(axis=0), list(unnamed))] = IGNORED
    return labels


def main() -> None:
    """Labels every picture of the table."""
    parser = argparse.ArgumentParser(prog="training.tagged")
    parser.add_argument("weights", type=Path)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--tags", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--source", required=True, help="repository@commit, for the manifest")
    parser.add_argument("--licence", required=True)
    parser.add_argument("--tier", default="permissive", choices=("permissive", "claimed-PD", "unclear"))
    given = parser.parse_args()
    net = channels_last(new_net("costume"))
    load_weights(net, given.weights)
    net.eval()
    for kind in ("image", "labels"):
        (given.out / TAGGED_FOLDER / kind).mkdir(parents=True, exist_ok=True)
    rows = []
    for line in csv.DictReader(given.tags.open(encoding="utf-8", newline="")):
        stem = Path(line["file"]).stem
        with Image.open(given.pictures / line["file"]) as opened:
            picture = opened.convert("RGB")
        picture.thumbnail((LONGEST_PX, LONGEST_PX), Image.Resampling.LANCZOS)
        labels = tagged_labels(probabilities(net, picture), set(line["tags"].split()))
        if labels is None:
            continue
        image, answer = f"{TAGGED_FOLDER}/image/{stem}.webp", f"{TAGGED_FOLDER}/labels/{stem}.png"
        picture.save(given.out / image, quality=90)
        Image.fromarray(labels).save(given.out / answer)
        rows.append({"file": image, "labels": answer, "subject": f"person; {line['tags']}"})
    constant = {"kind": "labels", "quality": "network", "source": given.source, "licence": given.licence}
    with (given.out / MANIFEST).open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, [*COLUMNS, "licence"], restval="")
        table.writeheader()
        table.writerows({**row, **constant, "tier": given.tier, "split": "train"} for row in rows)
    print(f"labelled={len(rows)}")


if __name__ == "__main__":
    main()
