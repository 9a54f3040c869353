"""Units times prices: what a volume of pictures costs in a month, and what a stack costs that does nothing."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tools.bill.prices import PRICES
from tools.bill.work import CALLS, FIRST_WEBP, LINK, QUESTION, SMOKE_WAIT_S, TASK, Run, Work, memory_of

MONTH_S = 730 * 3600
# Lambda's pollers of one mapping, and how often each asks an empty queue.
_POLLERS, _ASKS_PER_S = 5, 3 / 60
# Its function's run, and the call in it, whose function and work are Aidge's.
_SMOKE, _SMOKED = Work("smoke", (Run("LinksFunction", 1000 * SMOKE_WAIT_S / 2, log_bytes=600),)), CALLS[1]
# Prices by what a reader of the bill looks for.
LINES: Mapping[str, tuple[str, ...]] = {
    "Lambda": ("lambda x86_64", "lambda arm64", "lambda requests"),
    "gateway": ("gateway",),
    "steps": ("transitions",),
    "DynamoDB": ("dynamodb writes", "dynamodb reads"),
    "S3": ("s3 puts", "s3 gets", "s3 storage"),
    "SQS": ("sqs",),
    "KMS": ("kms",),
    "logs, X-Ray": ("logs", "traces"),
    "egress": ("egress", "cloudfront egress", "cloudfront requests"),
}


@dataclass(frozen=True)
class Habits:
    """How the pictures come and go.

    result_mb: a stored result; photo_mb: what is kept for its mends; fetched: how often its link is followed.
    """

    processor: str = "arm64"
    result_mb: float = 0.5
    photo_mb: float = 0.4
    fetched: float = 1.0
    result_days: float = 2.0
    # Questions per background task.
    questions: float = 1.0
    cloudfront: bool = False
    # Share of runs that start a sandbox, and of results that a browser asks for as WebP.
    cold: float = 0.01
    webp: float = 0.0


def units(work: Work, rate: float, habits: Habits) -> dict[str, float]:
    """The units of one such picture by price; `rate` pictures a second decide how many are traced."""
    found = defaultdict(float, work.units(habits.processor))
    if work is TASK:
        _add(found, QUESTION.units(habits.processor), habits.questions)
    fetches = work.results * habits.fetched
    # CloudFront checks a link itself.
    _add(found, LINK.units(habits.processor), 0 if habits.cloudfront else fetches)
    if habits.webp:
        _add(found, FIRST_WEBP.on_top(habits.processor), work.results * habits.webp)
    found[f"lambda {habits.processor}"] += habits.cold * sum(run.init_gb_s for run in work.runs)
    stored_mb = work.results * habits.result_mb + work.kept * habits.photo_mb
    found["s3 storage"] += stored_mb / 1000 * habits.result_days / 30
    gigabytes = fetches * habits.result_mb / 1000
    if habits.cloudfront:
        found["cloudfront egress"], found["cloudfront requests"] = gigabytes, fetches
    else:
        found["egress"] += gigabytes
    found["traces"] = traced_share(rate) * work.traces
    return found


def traced_share(rate: float) -> float:
    """Lambda traces the first request of a second, and one in twenty of the others."""
    return 1.0 if rate <= 1 else (1 + 0.05 * (rate - 1)) / rate


def month(each: Mapping[str, float], pictures: float) -> dict[str, float]:
    """Dollars by line for a month's pictures, each of which takes the same units."""
    by_price = {name: PRICES[name].of(amount * pictures) for name, amount in each.items()}
    return {line: sum(by_price.get(name, 0.0) for name in names) for line, names in LINES.items()}


def per_thousand(work: Work, rate: float, habits: Habits, more: Mapping[str, float] | None = None) -> dict[str, float]:
    """Dollars by line for 1,000 pictures, at prices of the volume that `rate` makes in a month.

    more: units per picture that come on top, by price.
    """
    each = units(work, rate, habits)
    _add(each, more or {}, 1)
    pictures = rate * MONTH_S
    return {line: dollars / pictures * 1000 for line, dollars in month(each, pictures).items()}


def idle_month(resources: Mapping[str, Any], metrics: int) -> dict[str, float]:
    """Dollars a month by what the stack has. resources: after the SAM transform; metrics: how many custom ones."""
    kinds = Counter(item["Type"] for item in resources.values() if "Condition" not in item)
    polls = kinds["AWS::Lambda::EventSourceMapping"] * _POLLERS * _ASKS_PER_S * MONTH_S
    return {
        "KMS key": kinds["AWS::KMS::Key"] * PRICES["key"].of(1),
        "secret": kinds["AWS::SecretsManager::Secret"] * PRICES["secret"].of(1),
        "alarms": PRICES["alarms"].of(alarm_metrics(resources.values())),
        "dashboard": kinds["AWS::CloudWatch::Dashboard"] * PRICES["dashboard"].of(1),
        "polling of queues": PRICES["sqs"].of(polls),
        f"{metrics} custom metrics": PRICES["metrics"].of(metrics),
    }


def smoke_month(minutes: int, habits: Habits) -> dict[str, float]:
    """Dollars a month of the scheduled smoke: its key, alarm and metric, and a run every `minutes`.

    A run is a call and a task with their links, and the wait for them, in which the task is asked for twice a second.
    """
    each = defaultdict(float, _SMOKE.units(habits.processor))
    for work, times in ((_SMOKED, 1), (TASK, 1), (LINK, 2), (QUESTION, 2 * SMOKE_WAIT_S)):
        _add(each, work.units(habits.processor), times)
    runs = MONTH_S / 60 / minutes
    fixed = PRICES["secret"].of(1) + PRICES["alarms"].of(1) + PRICES["metrics"].of(1)
    return {"key, alarm, metric": fixed, f"{runs:.0f} runs": sum(month(each, runs).values())}


def warm_month(function: str, processor: str) -> dict[str, float]:
    """Dollars of what starts faster: a month of a provisioned sandbox, and of a version's snapshot, and 1,000 restores.

    A provisioned sandbox's runs cost two fifths less than others' on top.
    """
    gigabytes = memory_of(function) / 1024
    return {
        "provisioned sandbox": PRICES[f"provisioned {processor}"].of(gigabytes * MONTH_S),
        "snapshot of a version": PRICES["snapshot"].of(gigabytes * MONTH_S),
        "1,000 restores": PRICES["restore"].of(gigabytes * 1000),
    }


def alarm_metrics(resources: Iterable[Mapping[str, Any]]) -> int:
    """How many metrics the alarms look at: each is billed."""
    alarms = [item for item in resources if item["Type"] == "AWS::CloudWatch::Alarm" and "Condition" not in item]
    looked = ([query for query in item["Properties"].get("Metrics", ()) if "MetricStat" in query] for item in alarms)
    return sum(len(queries) or 1 for queries in looked)


def _add(total: dict[str, float], part: Mapping[str, float], times: float) -> None:
    for name, amount in part.items():
        total[name] = total.get(name, 0.0) + amount * times
