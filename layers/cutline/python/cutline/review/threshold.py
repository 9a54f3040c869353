"""The confidence from which results can be published without review, with a bounded share of bad ones.

A threshold t is chosen such that with probability `level` at most a share `risk` of all future results with a
confidence of t or more is bad. Thresholds of a fixed grid are tested from the strictest on, each with an exact binomial
test, until one fails (fixed sequence testing in Learn then Test, Angelopoulos et al. 2021, arXiv:2110.01052), so the
many tests cost no confidence. A second threshold holds on average (conformal risk control, Angelopoulos et al. 2022,
arXiv:2208.02814): a share of all pictures that is bad and unseen.

Both hold for pictures like those reviewed: a random sample of the same shop's pictures, and the same network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, lgamma, log, log1p

from cutline.review.decisions import Decision

_GRID = tuple(step / 1000 for step in range(1000, -1, -1))
_MAX_NEEDED = 1_000_000
RISKS = (0.0001, 0.5)
LEVELS = (0.5, 0.9999)


@dataclass(frozen=True)
class Threshold:
    """What the decisions show.

    confidence: publish from it on, or None if nothing can be shown; unseen: how many of the decided ones that would
    have been, and bad_unseen how many bad ones among them; expected: the confidence from which on, on average, bad
    and unseen results are at most `risk` of all, or None; min_needed: the fewest pictures that could show anything,
    if all were good; needed: how many it takes above a threshold at the share of bad ones in the more confident half,
    or None if that share is no smaller than the risk.
    """

    confidence: float | None
    unseen: int
    bad_unseen: int
    expected: float | None
    min_needed: int
    needed: int | None


def find_threshold(decisions: Sequence[Decision], risk: float, level: float) -> Threshold:
    """Find the lowest threshold of the grid that keeps the risk at that level. Raises ValueError.

    risk is in RISKS and level in LEVELS: beyond them the tests need millions of pictures.
    """
    for name, value, (low, high) in (("risk", risk, RISKS), ("level", level, LEVELS)):
        if not low <= value <= high:
            raise ValueError(f"{name} must be in {low}..{high}")
    least = min_needed(risk, level)
    # The start of the sequence may depend on the number of pictures, not on the decisions. With enough of them, a
    # single bad one should not end it at its first step: of simulated shops with 400 and 800
    # pictures that shows a tenth more of them publishable.
    with_one_bad = least
    while binomial_tail(1, with_one_bad, risk) > 1 - level:
        with_one_bad += 1
    first = with_one_bad if len(decisions) >= 2 * with_one_bad else least
    found: tuple[float, int, int] | None = None
    steps = _steps(decisions)
    for at, count, bad in steps:
        if count < first:
            continue
        if binomial_tail(bad, count, risk) > 1 - level:
            break
        found = at, count, bad
    confidence, unseen, bad_unseen = found or (None, 0, 0)
    expected = _expected(steps, len(decisions), risk)
    return Threshold(confidence, unseen, bad_unseen, expected, least, _needed(decisions, risk, level))


def min_needed(risk: float, level: float) -> int:
    """Return how many pictures, all good, show at `level` that the share of bad ones is at most `risk`."""
    return ceil(log(1 - level) / log1p(-risk))


def binomial_tail(bad: int, count: int, risk: float) -> float:
    """Return the probability of at most `bad` bad ones among `count` where each is bad with probability `risk`."""
    terms = (
        lgamma(count + 1) - lgamma(k + 1) - lgamma(count - k + 1) + k * log(risk) + (count - k) * log1p(-risk)
        for k in range(bad + 1)
    )
    return min(1.0, sum(exp(term) for term in terms))


def _steps(decisions: Sequence[Decision]) -> list[tuple[float, int, int]]:
    """Return, from the strictest threshold, how many results have that confidence or more, and how many are bad."""
    ranked = sorted(decisions, key=lambda decision: -decision.confidence)
    steps, count, bad = [], 0, 0
    for at in _GRID:
        while count < len(ranked) and ranked[count].confidence >= at:
            bad += ranked[count].is_bad
            count += 1
        steps.append((at, count, bad))
    return steps


def _expected(steps: list[tuple[float, int, int]], total: int, risk: float) -> float | None:
    found = None
    for at, _, bad in steps:
        # The one that is to come counts as bad.
        if (bad + 1) / (total + 1) > risk:
            break
        found = at
    return found


def _needed(decisions: Sequence[Decision], risk: float, level: float) -> int | None:
    """Return how many pictures, with the more confident half's share of bad ones, would show the risk."""
    ranked = sorted(decisions, key=lambda decision: -decision.confidence)
    half = ranked[: max(1, len(ranked) // 2)]
    share = sum(decision.is_bad for decision in half) / len(half) if half else 1.0
    if share >= risk:
        return None
    count = min_needed(risk, level)
    while binomial_tail(ceil(share * count), count, risk) > 1 - level:
        count = ceil(count * 1.05)
        if count > _MAX_NEEDED:
            return None
    return count
