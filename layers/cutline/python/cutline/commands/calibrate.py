"""`cutline calibrate`: the confidence from which results can be published without review."""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cutline.commands.arguments import declare
from cutline.commands.failure import EXIT_STATUS, CommandFailed
from cutline.local_file import read_file
from cutline.review.decisions import read_decisions
from cutline.review.threshold import LEVELS, RISKS, Threshold, find_threshold

_EPILOG = f"""examples:
  cutline review results --sample 200       decide all, save decisions.csv
  cutline calibrate decisions.csv --risk 0.03

The threshold is valid for pictures like those in the sample and for the network that made the results.

{EXIT_STATUS}"""


def add_to(commands: Any) -> None:
    """Declare `calibrate`."""
    text = "find the confidence from which results can be published without review"
    calibrate = declare(commands, "calibrate", text, _EPILOG, _run)
    calibrate.add_argument("decisions", type=Path, metavar="CSV", help="decisions saved by the review page")
    calibrate.add_argument(
        "--risk",
        type=_share_in(RISKS),
        default=0.02,
        metavar="SHARE",
        help="accepted share of bad results among those published without review (default: 0.02)",
    )
    calibrate.add_argument(
        "--level",
        type=_share_in(LEVELS),
        default=0.95,
        metavar="SHARE",
        help="confidence level (default: 0.95)",
    )
    calibrate.add_argument("--json", action="store_true", help="print JSON")


def _run(arguments: argparse.Namespace) -> None:
    try:
        decisions = read_decisions(read_file(arguments.decisions))
    except (OSError, ValueError) as error:
        raise CommandFailed(f"cannot read {arguments.decisions}: {error}") from error
    if not decisions:
        raise CommandFailed(f"{arguments.decisions} has no decisions")
    found = find_threshold(decisions, arguments.risk, arguments.level)
    if arguments.json:
        print(json.dumps({"risk": arguments.risk, "level": arguments.level, **asdict(found)}, indent=2))
        return
    bad = sum(decision.is_bad for decision in decisions)
    print(f"{len(decisions)} pictures decided, {bad} to redo ({bad / len(decisions):.1%}).")
    for line in _summary(found, len(decisions), arguments.risk, arguments.level):
        print(line)


def _summary(found: Threshold, total: int, risk: float, level: float) -> list[str]:
    lines = []
    if found.confidence is None:
        lines.append(f"No threshold limits bad results to {risk:.1%} at a confidence level of {level:.0%}.")
    else:
        lines += [
            f"Publish without review from confidence {found.confidence:.3f} ({found.unseen / total:.0%} of these).",
            f"With a confidence level of {level:.0%}, at most {risk:.1%} of those are bad "
            f"({found.bad_unseen} of {found.unseen} here).",
        ]
    if found.expected is not None:
        lines.append(
            f"On average, from confidence {found.expected:.3f}, at most {risk:.1%} of all are bad and not reviewed."
        )
    lines.append(f"At least {found.min_needed} pictures above a threshold are needed, if all of them are good.")
    if found.needed is None:
        lines.append(
            "The more confident half of these pictures has too many bad results; a larger sample will not help."
        )
    elif found.confidence is None:
        lines.append(f"With the error rate of the more confident half, about {found.needed} above it are needed.")
    return lines


def _share_in(bounds: tuple[float, float]) -> Callable[[str], float]:
    low, high = bounds

    def share(text: str) -> float:
        try:
            value = float(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError("must be a share such as 0.02") from error
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"must be in {low}..{high}")
        return value

    return share
