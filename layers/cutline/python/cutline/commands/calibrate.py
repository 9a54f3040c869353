"""`cutline calibrate`: from which confidence on results may be published unseen."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cutline.commands.failure import EXIT_STATUS, CommandFailed
from cutline.review.decisions import read_decisions
from cutline.review.threshold import Threshold, find_threshold

_EPILOG = f"""examples:
  cutline review results --sample 200       decide all of them, save decisions.csv
  cutline calibrate decisions.csv --risk 0.03

The numbers hold for pictures like the sample's and for the network that made them.

{EXIT_STATUS}"""


def add_to(commands: Any) -> None:
    """Declares `calibrate`."""
    text = "learn from decisions the confidence from which on results need no look"
    calibrate: argparse.ArgumentParser = commands.add_parser(
        "calibrate",
        help=text,
        description=text,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    calibrate.set_defaults(run=_run)
    calibrate.add_argument("decisions", type=Path, metavar="CSV", help="what the review page saved")
    calibrate.add_argument(
        "--risk", type=_share, default=0.02, metavar="SHARE", help="of bad ones among the unseen, at most (0.02)"
    )
    calibrate.add_argument("--level", type=_share, default=0.95, metavar="SHARE", help="confidence level (0.95)")
    calibrate.add_argument("--json", action="store_true", help="print JSON")


def _run(arguments: argparse.Namespace) -> None:
    try:
        decisions = read_decisions(arguments.decisions.read_bytes())
    except (OSError, ValueError) as error:
        raise CommandFailed(f"{arguments.decisions}: {error}") from error
    if not decisions:
        raise CommandFailed(f"{arguments.decisions} holds no decisions")
    found = find_threshold(decisions, arguments.risk, arguments.level)
    if arguments.json:
        print(json.dumps({"risk": arguments.risk, "level": arguments.level, **asdict(found)}, indent=2))
        return
    bad = sum(decision.is_bad for decision in decisions)
    print(f"{len(decisions)} pictures decided, {bad} to redo ({bad / len(decisions):.1%}).")
    for line in _told(found, len(decisions), arguments.risk, arguments.level):
        print(line)


def _told(found: Threshold, total: int, risk: float, level: float) -> list[str]:
    lines = []
    if found.confidence is None:
        lines.append(f"No threshold can be shown to keep bad results at {risk:.1%} of the unseen ones, at {level:.0%}.")
    else:
        lines += [
            f"Publish unseen from confidence {found.confidence:.3f} on: {found.unseen / total:.0%} of these pictures.",
            f"At {level:.0%}, at most {risk:.1%} of what you publish unseen is bad ({found.bad_unseen} of"
            f" {found.unseen} here).",
        ]
    if found.expected is not None:
        lines.append(
            f"On average, from confidence {found.expected:.3f} on, at most {risk:.1%} of all are bad and unseen."
        )
    lines.append(f"The fewest pictures above a threshold that can show this, all of them good: {found.least_needed}.")
    if found.needed is None:
        lines.append(
            "The more confident half of these pictures holds too many bad ones; more of the same will not help."
        )
    elif found.confidence is None:
        lines.append(f"At the share of bad ones in the more confident half it takes about {found.needed} above it.")
    return lines


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("must be a share such as 0.02") from error
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError("must be above 0 and below 1")
    return value
