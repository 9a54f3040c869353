"""CPU time and bytes of the ways to write a cut-out as PNG.

    python -m tools.bench.encoders [--side PIXELS]

A portrait is cut out by the pipeline and written once with its hidden colours as they were, and once with them zeroed,
as the pipeline does; the rows are zlib's strategies and levels as Pillow offers them.
"""

import argparse
import io
import statistics
import time

import numpy as np
import skimage.data
from PIL import Image

from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.codecs.encode import encode_png
from cutline.pipeline.cutout import CutOptions, matte_picture
from cutline.pipeline.filters import U8
from cutline.pipeline.inference.network import Network
from cutline.pipeline.layout.compose import merge_alpha
from cutline.pipeline.timing import StageTimer
from devkit.running import ROOT

_STRATEGIES = {"default": 0, "filtered": 1, "Huffman only": 2, "run lengths": 3, "fixed": 4}
_WAYS = [(1, name) for name in _STRATEGIES] + [(3, "default"), (6, "default")]
_RUNS = 3


def main() -> None:
    """Prints a row per way, and the pipeline's own last."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--side", type=int, default=2048)
    side = parser.parse_args().side
    image = Image.fromarray(skimage.data.astronaut()).resize((side, side), Image.Resampling.LANCZOS)
    picture = Picture(np.asarray(image), None, "JPEG")
    network = Network.open(ROOT / "layers" / "model", "matte", 1)
    matte = matte_picture(picture, CutOptions(), network, StageTimer())
    kept_u8, zeroed_u8 = np.dstack((matte.rgb_u8, matte.alpha_u8)), merge_alpha(matte.rgb_u8, matte.alpha_u8)
    print(f"{f'{side} px, level, strategy':>28}{'hidden kept, ms':>18}{'kB':>8}{'zeroed, ms':>14}{'kB':>8}")
    for level, strategy in _WAYS:
        cells = [_measured(pixels_u8, level, strategy) for pixels_u8 in (kept_u8, zeroed_u8)]
        print(f"{f'{level}, {strategy}':>28}{cells[0][0]:18.0f}{cells[0][1]:8.0f}{cells[1][0]:14.0f}{cells[1][1]:8.0f}")
    print(f"the pipeline's choice: {len(encode_png(zeroed_u8)) / 1000:.0f} kB")


def _measured(pixels_u8: U8, level: int, strategy: str) -> tuple[float, float]:
    """Median CPU milliseconds, and kilobytes."""
    image, times_ms = Image.fromarray(pixels_u8), []
    for _ in range(_RUNS):
        file, begun = io.BytesIO(), time.thread_time()
        image.save(file, "PNG", compress_level=level, compress_type=_STRATEGIES[strategy])
        times_ms.append((time.thread_time() - begun) * 1000)
    return statistics.median(times_ms), len(file.getvalue()) / 1000


if __name__ == "__main__":
    main()
