"""Two networks compared picture by picture: CSV files of scores, paired differences, wins, ties and losses. No PyTorch.

Paired differences vary far less than the means: a picture that is difficult for one network is difficult for the other.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.alpha_scores import BAD_IOU, AlphaScore

# Up to this difference in IoU two alphas of a picture are equal.
TIE = 0.005
DRAWS = 10_000
SEED = 0
# Each is compared; of all but IoU less is better.
PARTS = ("iou", "edge_mae", "far_mae")
_FIELDS = ("alpha", "group", "file", *PARTS)

Key = tuple[str, str, str]
Scores = Mapping[Key, tuple[float, ...]]


@dataclass(frozen=True)
class Comparison:
    """Paired scores of one group. before, after: (N,) float64; low, high: 95 % interval of the mean difference."""

    before: np.ndarray
    after: np.ndarray
    low: float
    high: float

    @property
    def mean(self) -> float:
        """The mean difference, positive where the score has risen."""
        return float((self.after - self.before).mean())


def write_scores(path: Path, scores: dict[Key, AlphaScore]) -> None:
    """Write PARTS of each picture's scores; scores: (alpha, group, file) -> score."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_FIELDS)
        writer.writerows([*key, *(f"{getattr(score, part):.6f}" for part in PARTS)] for key, score in scores.items())


def read_scores(path: Path) -> dict[Key, tuple[float, ...]]:
    """Read the scores that `write_scores` wrote. Raises SystemExit where the file is of another form."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = csv.DictReader(file)
        if lines.fieldnames is None or tuple(lines.fieldnames) != _FIELDS:
            raise SystemExit(f"{path} has not the columns {', '.join(_FIELDS)}; write one with --csv FILE")
        return {
            (line["alpha"], line["group"], line["file"]): tuple(float(line[part]) for part in PARTS) for line in lines
        }


def compare(before: np.ndarray, after: np.ndarray) -> Comparison:
    """Compare paired scores (N,) with a percentile bootstrap over pictures (Efron 1979), the same at every call."""
    differences = after - before
    rng = np.random.default_rng(SEED)
    means = np.array([rng.choice(differences, len(differences)).mean() for _ in range(DRAWS)])
    low, high = np.percentile(means, (2.5, 97.5))
    return Comparison(before, after, float(low), float(high))


def wins_ties_losses(before: np.ndarray, after: np.ndarray) -> tuple[int, int, int]:
    """Count the pictures whose IoU has risen by more than TIE, stayed within it, and fallen by more."""
    wins, losses = int((after > before + TIE).sum()), int((after < before - TIE).sum())
    return wins, len(before) - wins - losses, losses


def comparison_lines(before: Scores, after: Scores) -> list[str]:
    """Return a table for each alpha and group, over the pictures that both have."""
    lines = []
    groups = dict.fromkeys(key[:2] for key in after)
    for alpha, group in groups:
        shared = [key for key in after if key[:2] == (alpha, group) and key in before]
        if not shared:
            continue
        old, new = (np.array([scores[key] for key in shared]) for scores in (before, after))
        wins, ties, losses = wins_ties_losses(old[:, 0], new[:, 0])
        under = [f"{float((scores[:, 0] < BAD_IOU).mean()):.3f}" for scores in (old, new)]
        lines += [
            f"\n{group}, {alpha}: {len(shared)} pictures in both, {wins} won, {ties} equal, {losses} lost",
            f"{'':10}{'before':>8}{'now':>8}{'difference':>12}  95 % interval",
            *(_line(part, compare(old[:, place], new[:, place])) for place, part in enumerate(PARTS)),
            f"{'<.8':10}{under[0]:>8}{under[1]:>8}",
        ]
    return lines


def _line(part: str, found: Comparison) -> str:
    means = f"{found.before.mean():8.4f}{found.after.mean():8.4f}"
    return f"{part:10}{means}{found.mean:+12.4f}  [{found.low:+.4f}, {found.high:+.4f}]"
