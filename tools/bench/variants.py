"""CPU milliseconds of a variant of 800 px of a stored cut-out of 4 megapixels.

    python -m tools.bench.variants [--runs 7] [PHOTO]

Decoding the stored PNG takes longer than all else, so the first small variant leaves a reduced copy, and the bar is for
those that are made of it. PHOTO: a cut-out with alpha to be enlarged or reduced to 2000 px; a drawn one by
default.
"""

import argparse
import io
import statistics
import time
from pathlib import Path

import numpy as np
from PIL import Image

from cutline.pipeline.codecs.encode import encode_png
from cutline.pipeline.finish.options import Shadow
from cutline.pipeline.options import VariantOptions
from cutline.pipeline.outputs.variant import reduce_result, render_variant
from tools.bench.bars import Bar, load_line

_SIDE = 2000
_WHITE = (255, 255, 255)
_CASES = {
    "JPEG on white": VariantOptions(800, 800, background=_WHITE, image_format="jpeg"),
    "WebP on white": VariantOptions(800, 800, background=_WHITE, image_format="webp"),
    "WebP on white, shadow": VariantOptions(800, 800, "contain", _WHITE, "webp", Shadow("drop")),
    "WebP with alpha": VariantOptions(800, 800, image_format="webp"),
    "PNG with alpha": VariantOptions(800, 800),
    "amazon-main": VariantOptions(profile="amazon-main"),
}
_BAR = Bar("variant of 800 px of a 4 MP result, CPU time", 120, "ms")


def main() -> None:
    """Print the median and the least of each case, and the bar for the median of the first three."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("photo", nargs="?", type=Path)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    stored = encode_png(_drawn() if options.photo is None else _photo(options.photo))
    png = reduce_result(stored)
    print(f"{load_line()}; the PNG has {len(stored) / 1e6:.1f} MB")
    decoding = _measured(lambda: Image.open(io.BytesIO(stored)).load(), options.runs)
    print(f"{'decoding the result':24}{statistics.median(decoding):8.0f} ms{min(decoding):8.0f} at least")
    reducing = _measured(lambda: reduce_result(stored), options.runs)
    print(f"{'the reduced copy':24}{statistics.median(reducing):8.0f} ms{min(reducing):8.0f} at least, once")
    whole: list[float] = []
    for name, variant in _CASES.items():
        times = _measured(
            lambda variant=variant: render_variant(stored if variant.profile else png, variant), options.runs
        )
        whole += times if "on white" in name else []
        print(f"{name:24}{statistics.median(times):8.0f} ms{min(times):8.0f} at least")
    print(_BAR.verdict(statistics.median(whole)))


def _measured(work, runs: int) -> list[float]:  # type: ignore[no-untyped-def]
    times = []
    for _ in range(runs):
        began = time.process_time()
        work()
        times.append((time.process_time() - began) * 1000)
    return times


def _photo(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        rgba = image.convert("RGBA").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return _hidden(np.array(rgba))


def _drawn() -> np.ndarray:
    """A disc with the grain of a photograph, on two thirds of the picture."""
    random = np.random.default_rng(1)
    coarse = Image.fromarray(random.integers(0, 255, (60, 60, 3), dtype=np.uint8)).resize((_SIDE, _SIDE))
    rgb = np.clip(np.asarray(coarse) + random.normal(0, 2, (_SIDE, _SIDE, 3)), 0, 255).astype(np.uint8)
    y, x = np.mgrid[:_SIDE, :_SIDE]
    alpha = np.clip((0.45 * _SIDE - np.hypot(x - _SIDE / 2, y - _SIDE / 2)) * 40, 0, 255).astype(np.uint8)
    return _hidden(np.dstack([rgb, alpha]))


def _hidden(rgba: np.ndarray) -> np.ndarray:
    rgba[rgba[..., 3] == 0] = 0
    return rgba


if __name__ == "__main__":
    main()
