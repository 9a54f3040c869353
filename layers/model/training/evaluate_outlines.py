"""Prints the error of outlines on cut-outs with true alpha, composited over photographed backgrounds at full size.

    PYTHONPATH=../cutline/python python -m training.evaluate_outlines --data DIR    (in layers/model, without PyTorch)

By model of models.toml, with the whole pipeline. edge: mean error of alpha within 8 px of the outline; soft: where the
true alpha is neither 0 nor 1; IoU at one half; SAD: sum of the errors, in thousands of pixels; ms: CPU time of a
picture on one thread. `matte` was trained on these cut-outs over other backgrounds, so this measures how finely
it draws, not whether it finds the subject.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.cutout import matte_picture
from cutline.pipeline.filters import U8
from cutline.pipeline.inference.network import Network
from cutline.pipeline.options import CutOptions
from cutline.pipeline.timing import StageTimer
from training.alpha_scores import score_alpha
from training.manifest import Row, data_folders, read_manifests

_MIN_SIDE_PX = 500
_FRAME_FACTOR = 1.3
_OPAQUE = 255


def composites(rows: list[Row], every: int) -> Iterator[tuple[U8, U8]]:
    """Yield pictures (H, W, 3) and their alphas (H, W), each cut-out in the middle of another background."""
    rng = np.random.default_rng(5)
    backgrounds = [row for row in rows if row.folder == "backgrounds"]
    for row in [row for row in rows if row.folder == "rgba"][::every]:
        with row.open(row.file) as file, Image.open(file) as opened:
            cut = opened.convert("RGBA")
        if max(cut.size) < _MIN_SIDE_PX:
            continue
        background = backgrounds[rng.integers(len(backgrounds))]
        width, height = (round(_FRAME_FACTOR * side) for side in cut.size)
        with background.open(background.file) as file, Image.open(file) as opened:
            picture = opened.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
        alpha = Image.new("L", picture.size)
        at = ((width - cut.width) // 2, (height - cut.height) // 2)
        alpha.paste(cut.getchannel("A"), at)
        picture.paste(cut, at, cut)
        yield np.asarray(picture), np.asarray(alpha)


def softness_error(alpha_u8: U8, true_u8: U8) -> float:
    """Mean error where the true alpha is neither 0 nor 1."""
    soft = (true_u8 > 0) & (true_u8 < _OPAQUE)
    return float((np.abs(alpha_u8.astype(np.float32) - true_u8)[soft] / _OPAQUE).mean()) if soft.any() else 0.0


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", action="append", help="folder with manifest.csv (repeatable; default: $CUTLINE_DATA)")
    parser.add_argument("--models", type=Path, default=Path(__file__).resolve().parents[1])
    parser.add_argument("--model", action="append", help="of models.toml (repeatable; default: matte, fine)")
    parser.add_argument("--limit", type=int, default=6, help="every n-th cut-out only")
    given = parser.parse_args()
    rows = read_manifests(data_folders(given.data))
    print(f"{'':8}{'pictures':>9}{'edge':>8}{'soft':>8}{'IoU':>8}{'SAD':>8}{'ms':>8}")
    for name in given.model or ("matte", "fine"):
        network = Network.open(given.models, name, 1)
        found = []
        for rgb_u8, true_u8 in composites(rows, given.limit):
            begun = time.process_time()
            matte = matte_picture(Picture(rgb_u8, None, "PNG"), CutOptions(), network, StageTimer())
            taken_ms = 1000 * (time.process_time() - begun)
            score = score_alpha(matte.alpha_u8, true_u8)
            found.append((score.edge_mae, softness_error(matte.alpha_u8, true_u8), score.iou, score.sad, taken_ms))
        edge, soft, iou, sad, ms = np.mean(found, axis=0)
        print(f"{name:8}{len(found):9}{edge:8.4f}{soft:8.3f}{iou:8.3f}{sad:8.2f}{ms:8.0f}")


if __name__ == "__main__":
    main()
