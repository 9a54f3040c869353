"""What a rate of pictures costs per 1,000, what gives way first, and how its first minute goes.

python -m tools.scale                                            10, 100 and 1,000 a second
python -m tools.scale --rate 100 --accounts 20 --concurrency 3000 --parameter AccountConcurrency=100
python -m tools.scale --rate 50 --tasks --region large
"""

import argparse
from pathlib import Path

from localcloud.stack.short_forms import parse_yaml
from tools.bill.totals import MONTH_S, Habits, per_thousand
from tools.scale.burst import NO_SANDBOX, OVER_RATE, SERVED, THROTTLED, first_minute
from tools.scale.limits import REGIONS, Limit, Quotas, limits_of
from tools.scale.load import Load

_ROOT = Path(__file__).resolve().parents[2]
_RATES = (10.0, 100.0, 1000.0)
_SHOWN = 6


def main() -> None:
    """Prints a block per rate."""
    options = _options()
    parameters = template_parameters()
    for pair in options.parameter:
        name, _, value = pair.partition("=")
        if name not in parameters:
            raise SystemExit(f"template.yaml has no number {name}")
        parameters[name] = float(value)
    quotas = Quotas(parameters, options.concurrency, REGIONS[options.region], not options.grown_tables)
    habits = Habits(
        processor=options.processor,
        result_mb=options.result_mb,
        fetched=options.fetched,
        cloudfront=options.cloudfront,
    )
    for rate in options.rate or _RATES:
        print_load(Load(rate, options.accounts, options.tasks, options.slower, options.cold_s, habits), quotas)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, action="append", help="pictures a second; may be given again")
    parser.add_argument("--accounts", type=int, default=1, help="which send alike")
    parser.add_argument("--tasks", action="store_true", help="background tasks, not synchronous calls")
    parser.add_argument(
        "--concurrency", type=int, default=1000, help="Lambda's quota of the AWS account; a new one: 10"
    )
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=NUMBER", help="of the template")
    parser.add_argument(
        "--region", choices=sorted(REGIONS), default="other", help="large: us-east-1, us-west-2, eu-west-1"
    )
    parser.add_argument("--grown-tables", action="store_true", help="tables that have borne such a load before")
    parser.add_argument("--slower", type=float, default=1.0, help="Lambda's milliseconds over docs/speed.md's")
    parser.add_argument("--cold-s", type=float, default=Load.cold_s, help="a sandbox's start")
    parser.add_argument("--result-mb", type=float, default=Habits.result_mb)
    parser.add_argument("--fetched", type=float, default=Habits.fetched, help="times that a result's link is followed")
    parser.add_argument("--processor", choices=("arm64", "x86_64"), default=Habits.processor)
    parser.add_argument("--cloudfront", action="store_true", help="results by way of CloudFront")
    return parser.parse_args()


def template_parameters() -> dict[str, float]:
    """The template's numbers, by name."""
    declared = parse_yaml((_ROOT / "template.yaml").read_text("utf-8"))["Parameters"]
    return {name: float(item["Default"]) for name, item in declared.items() if item["Type"] == "Number"}


def print_load(load: Load, quotas: Quotas) -> None:
    """Its cost, its fullest limits, and its first minute."""
    lines = per_thousand(load.work, load.rate, load.habits, load.more_units())
    whole = sum(lines.values())
    print(f"\n{load.rate:g} pictures a second, {load.work.name}, {load.accounts} account(s)")
    parts = ", ".join(f"{line} {dollars:.4f}" for line, dollars in lines.items() if dollars >= 0.00005)
    print(f"  $ {whole:.4f} per 1,000 ({parts}); $ {whole * load.rate * MONTH_S / 1000:,.0f} a month")
    limits = limits_of(load, quotas)
    for limit in limits[:_SHOWN]:
        print(f"  {_bar(limit)}")
    if not load.tasks:
        minute = first_minute(load, quotas)
        refused = ", ".join(f"{minute.share(name):.1%} {name}" for name in (THROTTLED, OVER_RATE, NO_SANDBOX))
        waits = f"half within {minute.wait_s(0.5):.2f} s, 99 % within {minute.wait_s(0.99):.2f} s"
        print(f"  from nothing, first minute: {minute.share(SERVED):.1%} served, {refused}; {waits}; ", end="")
        print(f"{minute.sandboxes} sandboxes")
    elif limits[0].share > 1:
        left = load.rate * (1 - 1 / limits[0].share)
        print(f"  {left * 60:,.0f} more tasks wait, or were refused, after every minute")


def _bar(limit: Limit) -> str:
    verdict = "GIVES WAY" if limit.share >= 1 else ""
    return f"{limit.share:7.0%} {verdict:9}  {limit.what}: {limit.load:,.4g} of {limit.bound:,.6g} ({limit.remedy})"


if __name__ == "__main__":
    main()
