"""The whole bill per 1,000 pictures of 1 MP, and of a month without calls.

python -m tools.bill [--rate 1] [--result-mb 0.5] [--processor x86_64] [--cloudfront] [--sources]
"""

import argparse
import os
from pathlib import Path

from tools.bill.prices import PRICES, REGION
from tools.bill.totals import LINES, Habits, idle_month, per_thousand, smoke_month, warm_month
from tools.bill.work import CALLS, TASK
from tools.conditions import settled

_ROOT = Path(__file__).resolve().parents[2]
# One API in use: Requests and TotalMs of served calls and of two kinds of refusals, what was earned, cold starts.
_METRICS = 8
_SMOKE_MINUTES = 15


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rate", type=float, default=1.0, help="pictures a second, all month: decides steps of prices")
    parser.add_argument("--result-mb", type=float, default=Habits.result_mb)
    parser.add_argument("--fetched", type=float, default=Habits.fetched, help="times that a result's link is followed")
    parser.add_argument("--questions", type=float, default=Habits.questions, help="per background task")
    parser.add_argument("--processor", choices=("arm64", "x86_64"), default=Habits.processor)
    parser.add_argument("--cloudfront", action="store_true", help="results by way of CloudFront")
    parser.add_argument("--cold", type=float, default=Habits.cold, help="share of runs that start a sandbox")
    parser.add_argument("--webp", type=float, default=Habits.webp, help="share of results that browsers see as WebP")
    parser.add_argument("--sources", action="store_true", help="every price, and who says so")
    options = parser.parse_args()
    habits = Habits(
        processor=options.processor,
        result_mb=options.result_mb,
        fetched=options.fetched,
        questions=options.questions,
        cloudfront=options.cloudfront,
        cold=options.cold,
        webp=options.webp,
    )
    print_calls(options.rate, habits)
    print_idle()
    parts = warm_month("CutoutFunction", options.processor)
    print("$ a month for faster starts: " + ", ".join(f"{name} {dollars:.2f}" for name, dollars in parts.items()))
    parts = smoke_month(_SMOKE_MINUTES, habits)
    print(
        f"$ a month for SmokeMinutes={_SMOKE_MINUTES}: "
        + ", ".join(f"{name} {dollars:.2f}" for name, dollars in parts.items())
    )
    if options.sources:
        print_sources()


def print_calls(rate: float, habits: Habits) -> None:
    """One row per API, in dollars per 1,000 pictures."""
    print(
        f"$ per 1,000 pictures, {REGION}, {habits.processor}; results of {habits.result_mb} MB, each link followed",
        end="",
    )
    print(f" {habits.fetched:g} times, {rate:g} pictures a second")
    print(f"{'':>20}" + "".join(f"{line:>12}" for line in LINES) + f"{'all':>10}{'less egress':>13}")
    for work in (*CALLS, TASK):
        lines = per_thousand(work, rate, habits)
        whole = sum(lines.values())
        cells = "".join(f"{dollars:12.4f}" for dollars in lines.values())
        print(f"{work.name:>20}{cells}{whole:10.4f}{whole - lines['egress']:13.4f}")


def print_idle() -> None:
    """What a month without calls costs."""
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    from localcloud.stack.template import load_template  # noqa: PLC0415 (slow, and asks for the region at once)

    plain = settled(load_template(_ROOT / "template.yaml", {}).plain, {})
    parts = idle_month(plain["Resources"], _METRICS)
    print(
        "$ a month for what is there: " + ", ".join(f"{name} {dollars:.2f}" for name, dollars in parts.items()), end=""
    )
    print(f"; together {sum(parts.values()):.2f}")


def print_sources() -> None:
    """Each price with its source."""
    for name, price in PRICES.items():
        steps = ", ".join(
            f"{each:g}" + (f" up to {upto:g}" if upto < float("inf") else "") for upto, each in price.steps
        )
        print(f"{name}: $ {steps} per {price.unit}; {price.source} ({price.dated})")


if __name__ == "__main__":
    main()
