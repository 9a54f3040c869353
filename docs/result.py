"""Draws docs/result.png: the playground's rendered scenes and their cut-outs.

PYTHONPATH=layers/cutline/python python docs/result.py [FILE]
"""

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from cutline.contracts.wire import Job, Source
from cutline.limits import LOCAL_LIMITS
from cutline.pipeline.timing import StageTimer
from cutline.serving.processors import CutoutProcessor

ROOT = Path(__file__).resolve().parents[1]
SCENES = ROOT / "functions" / "site" / "static"
HEIGHT, GAP, SQUARE = 240, 8, 12
COLOURS = 128


def main() -> None:
    """Each scene and its cut-out, side by side."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "result.png"
    processor, job = CutoutProcessor(ROOT / "layers" / "model", "matte", 1), Job(Source(), LOCAL_LIMITS)
    scenes = [(SCENES / f"{name}.jpg").read_bytes() for name in ("mug", "person")]
    files = [
        file for scene in scenes for file in (scene, processor.process(scene, job, StageTimer()).results["image"][0])
    ]
    strip(files).quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)


def strip(files: list[bytes]) -> Image.Image:
    """The pictures side by side on white, with transparent parts on a checkerboard."""
    panels = [panel(file) for file in files]
    width = sum(each.width for each in panels) + GAP * (len(panels) - 1)
    whole, left = Image.new("RGB", (width, HEIGHT), "white"), 0
    for each in panels:
        whole.paste(each, (left, 0))
        left += each.width + GAP
    return whole


def panel(file: bytes) -> Image.Image:
    """One picture at the strip's height."""
    with Image.open(io.BytesIO(file)) as opened:
        rgba = opened.convert("RGBA")
    rgba = rgba.resize((round(rgba.width * HEIGHT / rgba.height), HEIGHT), Image.Resampling.LANCZOS)
    y, x = np.indices((HEIGHT, rgba.width))
    board = np.where((x // SQUARE + y // SQUARE) % 2, 0xD8, 0xFF).astype(np.uint8)
    background = Image.fromarray(np.stack([board] * 3, axis=-1)).convert("RGBA")
    return Image.alpha_composite(background, rgba).convert("RGB")


if __name__ == "__main__":
    main()
