"""The simulation of a load: its bounds are the template's and AWS's, and the fullest comes first."""

import re

import pytest

from devkit.running import ROOT
from tools.bill.totals import Habits, per_thousand
from tools.bill.work import CALLS, TASK
from tools.scale.__main__ import template_parameters
from tools.scale.burst import NO_SANDBOX, OVER_RATE, SERVED, THROTTLED, Bucket, first_minute
from tools.scale.limits import REGIONS, Quotas, limits_of
from tools.scale.load import Load

PARAMETERS = template_parameters()
SECONDS = CALLS[0].runs[0].ms / 1000
OPEN = {**PARAMETERS, "ApiRateLimit": 5000.0, "ApiBurstLimit": 5000.0, "AccountConcurrency": 0.0}


def first(load: Load, quotas: Quotas) -> str:
    return limits_of(load, quotas)[0].what


def test_with_the_templates_parameters_one_accounts_calls_give_way_first() -> None:
    quotas = Quotas(PARAMETERS)
    assert all(limit.share < 1 for limit in limits_of(Load(10), quotas))
    assert first(Load(100), quotas) == "calls of one account in flight"
    assert limits_of(Load(100), quotas)[0].share == pytest.approx(100 * SECONDS / PARAMETERS["AccountConcurrency"])


def test_a_new_aws_account_is_full_before_anything_of_ours() -> None:
    quotas = Quotas(PARAMETERS, concurrency=10)
    assert first(Load(50, accounts=10), quotas) == "runs"
    assert first(Load(50, accounts=10, slower=2), quotas) == "sandboxes at work"
    assert first(Load(50, accounts=10), Quotas({**PARAMETERS, "SyncConcurrency": 5})) == "sandboxes of the function"


def test_background_tasks_meet_step_functions_first() -> None:
    load, many = Load(200, accounts=50, tasks=True), {**OPEN, "WorkerConcurrency": 500}
    other, large = (limits_of(load, Quotas(many, region=REGIONS[name])) for name in ("other", "large"))
    assert other[0].what == "StartExecution"
    assert other[0].share > 1 > large[0].share
    assert limits_of(Load(400, tasks=True), Quotas(OPEN))[0].what == "StartExecution"
    assert {limit.what: limit.share for limit in limits_of(Load(250, tasks=True), Quotas(OPEN))}["workers"] > 1


def test_links_and_questions_count_towards_the_gateway() -> None:
    by_name = {limit.what: limit.load for limit in limits_of(Load(10, tasks=True), Quotas(OPEN))}
    assert by_name["API Gateway's requests"] == 30
    often = Load(10, habits=Habits(fetched=3))
    by_name = {limit.what: limit.load for limit in limits_of(often, Quotas(OPEN))}
    assert (by_name["API Gateway's requests"], by_name["requests of one method"]) == (40, 30)


def test_a_contended_rate_many_accounts_and_a_slow_processor_cost_more() -> None:
    quiet = sum(per_thousand(Load(1).work, 100, Habits()).values())
    single, many, slow = Load(100), Load(100, accounts=500), Load(100, slower=2)
    for load in (single, many, slow):
        assert sum(per_thousand(load.work, 100, Habits(), load.more_units()).values()) > quiet
    assert many.decryptions > single.decryptions
    assert many.account_reads > single.account_reads
    assert slow.more_units()["lambda arm64"] == pytest.approx(SECONDS * 1769 / 1024)


def test_a_bucket_gives_its_size_at_once_and_then_its_rate() -> None:
    bucket = Bucket(rate=10, size=5)
    assert [bucket.take(0) for _ in range(6)] == [True] * 5 + [False]
    assert [bucket.take(0.1), bucket.take(0.1), bucket.take(0.2)] == [True, False, True]


def test_the_first_minute_refuses_what_does_not_fit() -> None:
    assert first_minute(Load(20, accounts=10), Quotas(OPEN)).share(SERVED) == 1
    # Ten sandboxes serve 10 calls in SECONDS, and the links besides.
    full = first_minute(Load(80, accounts=50), Quotas(OPEN, concurrency=10))
    assert full.share(NO_SANDBOX) == pytest.approx(0.44, abs=0.07)
    assert full.sandboxes == 10
    throttled = first_minute(Load(80, accounts=50), Quotas({**OPEN, "ApiRateLimit": 20.0, "ApiBurstLimit": 20.0}))
    assert throttled.share(THROTTLED) == pytest.approx(0.75, abs=0.03)
    single = first_minute(Load(80), Quotas(OPEN | {"AccountConcurrency": 4.0}))
    assert single.share(OVER_RATE) > 0.5


def test_who_comes_from_nothing_waits_for_a_start() -> None:
    minute = first_minute(Load(20, accounts=10, cold_s=3), Quotas(OPEN))
    assert minute.wait_s(0.5) < 0.4
    assert minute.wait_s(1) > 3


def test_the_guides_tell_what_is_computed_here() -> None:
    scale, cost = ((ROOT / "docs" / name).read_text("utf-8") for name in ("scale.md", "cost.md"))
    calls = re.findall(r"^\| ([\d,]+) \| (0\.\d{3}) \| (0\.\d{3}) \| [\d,]+ \| (0\.\d{3}) \|$", scale, re.MULTILINE)
    assert len(calls) == 3
    for rate, whole, egress, by_cloudfront in calls:
        load = Load(float(rate.replace(",", "")))
        lines = per_thousand(load.work, load.rate, load.habits, load.more_units())
        assert (whole, egress) == (f"{sum(lines.values()):.3f}", f"{lines['egress']:.3f}")
        other = per_thousand(load.work, load.rate, Habits(cloudfront=True), load.more_units())
        assert by_cloudfront == f"{sum(other.values()):.3f}"
    tasks = re.findall(r"^\| ([\d,]+) \| (0\.\d{3}) \| 0\.075 \|", scale, re.MULTILINE)
    assert [whole for _, whole in tasks] == [
        f"{sum(per_thousand(TASK, float(rate.replace(',', '')), Habits()).values()):.3f}" for rate, _ in tasks
    ]
    reported = re.findall(r"\*\*(0\.\d{3})\*\* \|$", cost, re.MULTILINE)
    assert reported == [f"{sum(per_thousand(work, 1, Habits()).values()):.3f}" for work in (*CALLS, TASK)]
