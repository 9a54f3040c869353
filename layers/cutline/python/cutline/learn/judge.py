"""A tuned network against the one before: on pairs held back, and on drawn pictures that stand for all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cutline.learn.pairs import Pair
from cutline.pipeline.cutout import Predictor, matte_picture
from cutline.pipeline.filters import U8
from cutline.pipeline.inference.network import Network
from cutline.pipeline.options import CutOptions
from cutline.pipeline.timing import StageTimer

# How much of the drawn pictures' mean IoU a tuned network may lose, of the foreground and of persons each: where people
# in photographs of scenes are lost, drawn persons are lost too, while the drawn foreground gains.
MAX_LOSS = 0.003
# A picture is equal where its IoU changes by no more.
TIE = 0.002
CHANNELS = ("foreground", "person")
_HALF, _DRAWS, _SEED = 127, 2000, 1

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """Both networks' IoU of each picture, paired.

    held: (N,) before and after; sheet: (M, C) before and after,
    NaN where there is nothing to find.
    """

    held: tuple[Floats, Floats]
    sheet: tuple[Floats, Floats]

    @property
    def gain(self) -> float:
        """The mean difference on the pairs held back."""
        return float((self.held[1] - self.held[0]).mean())

    @property
    def loss(self) -> float:
        """The mean loss on the drawn alphas, of the channel that loses more; negative where both have gained."""
        return float(np.nanmean(self.sheet[0] - self.sheet[1], axis=0).max())

    @property
    def better_and_worse(self) -> tuple[int, int]:
        """How many pairs held back have gained, and lost, more than TIE."""
        difference = self.held[1] - self.held[0]
        return int((difference > TIE).sum()), int((difference < -TIE).sum())

    @property
    def wins(self) -> bool:
        """Whether the mean has risen by more than TIE, and more pictures are better than worse."""
        better, worse = self.better_and_worse
        return self.gain > TIE and better > worse

    @property
    def forgets(self) -> bool:
        """Whether too much of the drawn pictures is lost."""
        return self.loss >= MAX_LOSS

    @property
    def lines(self) -> list[str]:
        """Return both numbers for a person."""
        low, high = interval(self.held[1] - self.held[0])
        better, worse = self.better_and_worse
        before, after = (one.mean() for one in self.held)
        return [
            f"{len(self.held[0])} pairs held back: IoU {before:.4f} before, {after:.4f} tuned ({self.gain:+.4f}, 95 % "
            f"interval {low:+.4f} to {high:+.4f}; {better} better, {worse} worse)",
            *(
                f"{int(np.isfinite(known).sum())} drawn alphas, {name}: IoU {np.nanmean(known):.4f} before, "
                f"{np.nanmean(kept):.4f} tuned ({np.nanmean(kept - known):+.4f}; it must lose less than {MAX_LOSS})"
                for name, known, kept in zip(CHANNELS, *(one.T for one in self.sheet), strict=True)
            ),
        ]


def interval(differences: Floats) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap of a mean of (N,) (Efron 1979), the same at every call."""
    rng = np.random.default_rng(_SEED)
    means = np.array([rng.choice(differences, len(differences)).mean() for _ in range(_DRAWS)])
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)


def iou(alpha_u8: U8, truth_u8: U8) -> float:
    """Return the overlap of two (H, W) alphas, cut at one half; 1 where both are empty."""
    claimed, true = alpha_u8 > _HALF, truth_u8 > _HALF
    union = int((claimed | true).sum())
    return float((claimed & true).sum() / union) if union else 1.0


def judge_pairs(network: Predictor, pairs: Sequence[Pair]) -> Floats:
    """Return the IoU (N,) of whole cut-outs, as results are made. Raises ServiceFault."""
    options = CutOptions(want_image=False)
    return np.array(
        [iou(matte_picture(pair.picture, options, network, StageTimer()).alpha_u8, pair.alpha_u8) for pair in pairs]
    )


def judge_drawn(network: Network, pictures: U8, alphas: U8) -> Floats:
    """Return the IoU (N, C) of each drawn alpha, in one pass a picture; NaN for an empty one. Raises ServiceFault.

    pictures: (N, S, S, 3), of the network's size; alphas: (N, C, S, S), of its channels.
    """
    found = np.full(alphas.shape[:2], np.nan)
    for row, (rgb_u8, truths) in enumerate(zip(pictures, alphas, strict=True)):
        (planes,) = network.run([network.prepare(rgb_u8)])
        for channel, truth in enumerate(truths):
            if (truth > _HALF).any():
                found[row, channel] = iou((planes[channel] * 255).round().astype(np.uint8), truth)
    return found
