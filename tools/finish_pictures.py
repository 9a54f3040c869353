"""Draws docs/shadow.png and docs/background.png: a rendered ball with each shadow, and on each background.

PYTHONPATH=layers/cutline/python:. python -m tools.finish_pictures [FOLDER]
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.codecs.encode import encode_png
from cutline.pipeline.cutout import Matte, compose
from cutline.pipeline.finish.options import read_background, read_shadow
from cutline.pipeline.options import CutOptions
from devkit.shadowed import cloth, photograph, rendered, studio
from docs.result import ROOT, strip

SIDE = 480
PAPER = (0.8, 0.74, 0.66)
COLOURS = 192


def main() -> None:
    """Each picture is a strip of results, after the photograph."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs"
    alpha, subject, density = rendered("ball", SIDE, -0.5)
    made = photograph(alpha, subject, studio(SIDE, SIDE, PAPER, 0.3), 0.7 * density)
    at = slice(SIDE // 4, SIDE * 7 // 8)
    matte = Matte(made.rgb_u8[at, at], made.alpha_u8[at, at], "object")
    woven = Picture(np.rint(cloth(SIDE, SIDE) * 255).astype(np.uint8), None, "")
    shadows = [("none", None), ("keep", None), ("drop", None), ("drop 70% 20% 50deg", None)]
    backgrounds = [("keep", what) for what in ("f4e1c1", "ffffff,7f9fc0", "blur", "upload:woven")]
    wanted: dict[str, list[tuple[str, str | None]]] = {"shadow": [*shadows], "background": [*backgrounds]}
    for name, asked in wanted.items():
        results = [
            compose(
                matte,
                CutOptions(shadow=read_shadow(shadow), background=None if behind is None else read_background(behind)),
                woven,
            )
            for shadow, behind in asked
        ]
        drawn = strip([encode_png(pixels_u8) for pixels_u8 in (matte.rgb_u8, *(made.pixels_u8 for made in results))])
        drawn.quantize(COLOURS, dither=Image.Dither.NONE).save(folder / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
