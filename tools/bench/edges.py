"""Alpha and colours on composites whose truth is known: refined against bicubic, recovered against the naive cut.

    python -m tools.bench.edges [--side PIXELS]

"alpha" is the mean absolute error in the soft band, of a perfect network's map of 320 pixels; "colour" the mean squared
error of the subject's colours under the true alpha, weighted by it. A naive cut keeps the picture's colours.
"""

import argparse
import statistics

from cutline.pipeline.matting.foreground import estimate_foreground
from cutline.pipeline.matting.refine import upsample_alpha
from devkit.composites import SCENES, SHAPES, Composite, compose
from devkit.edge_scores import band_error, bicubic, colour_error
from tools.bench.bars import Bar


def main() -> None:
    """Prints a row per composite, and the bars."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--side", type=int, default=1024)
    side = parser.parse_args().side
    columns = ("bicubic", "refined", "ratio", "naive x1e4", "ours x1e4", "ratio")
    print(f"{f'composite, {side} px':>32}" + "".join(f"{name:>12}" for name in columns))
    alpha_ratios, colour_ratios = [], []
    for shape in SHAPES:
        for scene in SCENES:
            bicubic_error, refined, naive, ours = _errors(compose(shape, scene, side))
            alpha_ratios.append(refined / bicubic_error)
            # Between equal colours there is nothing to recover: the naive cut is right already.
            if scene != "same":
                colour_ratios.append(naive / ours)
            cells = f"{bicubic_error:12.4f}{refined:12.4f}{refined / bicubic_error:12.2f}"
            print(f"{shape + ', ' + scene:>32}{cells}{naive * 1e4:12.2f}{ours * 1e4:12.2f}{naive / ours:12.1f}")
    print(Bar("refined alpha against bicubic, worst composite", 1, "x").verdict(max(alpha_ratios)))
    nearer = Bar("edge colours nearer than the naive cut, median composite", 5, "x", least=True)
    print(f"{nearer.verdict(statistics.median(colour_ratios))}; the worst {min(colour_ratios):.1f}x")


def _errors(case: Composite) -> tuple[float, float, float, float]:
    """Alpha's error of bicubic and refined, the colours' of the naive cut and ours."""
    refined = band_error(upsample_alpha(case.map_of(), case.rgb_u8), case)
    rgb_u8 = case.rgb_u8.copy()
    estimate_foreground(rgb_u8, case.alpha_u8)
    return band_error(bicubic(case), case), refined, colour_error(case.rgb_u8, case), colour_error(rgb_u8, case)


if __name__ == "__main__":
    main()
