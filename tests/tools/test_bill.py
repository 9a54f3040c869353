"""The bill: its counts are what the local cloud counts, its sums are those of units and prices."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest

from devkit.clients import PicWish
from devkit.running import ROOT, RunningCloud
from localcloud.stack.template import LocalTemplate
from tests.support.picwish import submit
from tests.support.template import whole_template
from tools.bench.routes import ROUTES, photograph
from tools.bill.measure import Measured, be_quiet, measured
from tools.bill.prices import PRICES, Price
from tools.bill.totals import LINES, Habits, idle_month, per_thousand, smoke_month, traced_share, units, warm_month
from tools.bill.work import CALLS, FIRST_WEBP, LINK, QUESTION, RECORD_UNITS, TASK, Work
from tools.conditions import settled

# What only pollers do, of their own accord.
_NOT_SEEN = {"sqs:ReceiveMessage"}


def counted(found: Measured) -> dict[str, int]:
    return {name: times for name, times in found.operations.items() if times}


def assert_counted(work: Work, cloud: RunningCloud, act: Callable[[], object], last: str = "") -> None:
    expected = {name: times for name, times in work.operations.items() if name not in _NOT_SEEN}
    found = measured(cloud, act, last or work.runs[-1].function)
    if counted(found) != expected:
        # Credentials, accounts and secrets are read again some time after they were read, and then known once more.
        found = measured(cloud, act, last or work.runs[-1].function)
    assert counted(found) == expected
    assert set(found.ms) == {run.function for run in work.runs}
    for run in work.runs:
        assert 0.6 * run.log_bytes <= found.log_bytes[run.function] <= run.log_bytes, run.function


def test_what_works_take_is_what_the_local_cloud_counts(cloud: RunningCloud) -> None:
    picwish, photo = PicWish(cloud.url), photograph(320)
    for route in ROUTES:
        assert route.call(cloud.url, photo).status == 200
    be_quiet()
    for work, route in zip(CALLS, ROUTES, strict=True):
        assert_counted(work, cloud, lambda route=route: route.call(cloud.url, photo))  # type: ignore[misc]
    link = picwish.create(photo, sync="1").json["data"]["image"]
    cloud.call("GET", link)
    be_quiet()
    assert_counted(LINK, cloud, lambda: cloud.call("GET", cloud.call("GET", link).headers["location"]))
    ids = [submit(picwish, photo)]
    picwish.poll(ids[0])
    be_quiet()
    assert_counted(TASK, cloud, lambda: ids.append(submit(picwish, photo)))
    assert_counted(QUESTION, cloud, lambda: picwish.query(ids[-1]))
    (record,) = [item for item in items(cloud, "TasksTable") if item["pk"]["S"] == ids[-1]]
    assert math.ceil(size_of(record) / 1024) == RECORD_UNITS
    # With the address of API Gateway and a long account's name there is still space.
    assert size_of(record) < 900
    assert all(size_of(item) < 1024 for item in items(cloud, "MeterTable") if item["pk"]["S"] == "ACCOUNT#demo")
    history = cloud.client("stepfunctions").get_execution_history(
        executionArn=execution_of(cloud, ids[-1]), maxResults=100
    )["events"]
    assert sum(event["type"].endswith("StateEntered") for event in history) == TASK.transitions


def items(cloud: RunningCloud, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cloud.client("dynamodb").scan(TableName=cloud.resources[table])["Items"]
    return found


def execution_of(cloud: RunningCloud, task_id: str) -> str:
    return f"{cloud.resources['TaskFlow'].replace(':stateMachine:', ':execution:')}:{task_id}"


def size_of(item: dict[str, Any]) -> int:
    """Bytes of an item as DynamoDB counts them: names, texts, a byte per two digits and one more."""
    return sum(len(name) + _size_of_value(value) for name, value in item.items())


def _size_of_value(value: dict[str, Any]) -> int:
    match value:
        case {"S": str(text)}:
            return len(text.encode())
        case {"N": str(digits)}:
            return len(digits) // 2 + 2
        case {"M": dict(inner)}:
            return 3 + len(inner) + size_of(inner)
    return 1


def test_a_price_has_steps() -> None:
    price = Price("piece", ((10, 3.0), (20, 2.0), (math.inf, 1.0)), "", "")
    assert [price.of(amount) for amount in (0, 5, 10, 15, 30)] == [0, 15, 30, 40, 30 + 20 + 10]


def test_every_price_is_on_a_line_or_monthly_and_names_its_source() -> None:
    monthly = {"key", "secret", "alarms", "dashboard", "metrics"}
    monthly |= {"provisioned x86_64", "provisioned arm64", "snapshot", "restore"}
    assert {name for names in LINES.values() for name in names} | monthly == set(PRICES)
    for name, price in PRICES.items():
        assert price.source.startswith("https://") and price.dated, name
        assert [upto for upto, _ in price.steps] == sorted(upto for upto, _ in price.steps)
        assert price.steps[-1][0] == math.inf


def test_all_that_a_work_takes_is_paid_for() -> None:
    on_lines = {name for names in LINES.values() for name in names}
    for work in (*CALLS, TASK, LINK, QUESTION):
        assert {name for name, amount in units(work, 1, Habits()).items() if amount} <= on_lines


def test_a_call_costs_what_its_units_cost() -> None:
    lines = per_thousand(CALLS[0], 1, Habits(fetched=0, cold=0))
    assert lines["gateway"] == pytest.approx(0.0035)
    assert lines["DynamoDB"] == pytest.approx(3 * 0.000625)
    assert lines["Lambda"] == pytest.approx(CALLS[0].runs[0].ms * 1769 / 1024 * 0.0000133334 + 0.0002)
    assert lines["steps"] == lines["SQS"] == 0
    task = per_thousand(TASK, 1, Habits())
    assert task["steps"] == pytest.approx(0.075)


def test_a_start_is_billed_at_the_functions_memory() -> None:
    warm, cold = (per_thousand(CALLS[0], 1, Habits(cold=share))["Lambda"] for share in (0, 1))
    assert cold - warm == pytest.approx(1000 * 0.45 * 1769 / 1024 * 0.0000133334)


def test_sizes_are_the_templates(template: LocalTemplate) -> None:
    for work in (*CALLS, TASK, LINK, QUESTION, FIRST_WEBP):
        for run in work.runs:
            size = settled(template.plain, {})["Resources"][run.function]["Properties"]["MemorySize"]
            assert run.memory_mb == int(template.parameters[size["Ref"]] if isinstance(size, dict) else size), run


def test_a_first_view_as_webp_costs_its_share_of_a_cpu_a_read_and_a_write() -> None:
    plain, seen = (per_thousand(CALLS[0], 1, Habits(webp=share)) for share in (0, 1))
    assert seen["S3"] - plain["S3"] == pytest.approx(0.0054)
    # A whole CPU comes with 1,769 MB, so the gigabyte-seconds of work are the same at any memory below.
    assert seen["Lambda"] - plain["Lambda"] == pytest.approx(1000 * 0.155 * 1769 / 1024 * 0.0000133334)
    assert seen["gateway"] == plain["gateway"]


def test_what_starts_faster_costs_by_the_month() -> None:
    parts = warm_month("CutoutFunction", "arm64")
    gigabytes = 1769 / 1024
    assert parts["provisioned sandbox"] == pytest.approx(gigabytes * 730 * 3600 * 0.0000033334)
    assert parts["snapshot of a version"] < parts["provisioned sandbox"]
    assert parts["1,000 restores"] == pytest.approx(gigabytes * 0.1397998)


def test_times_are_those_that_the_guide_tells() -> None:
    guide = (ROOT / "docs" / "speed.md").read_text("utf-8")
    reported = [
        re.findall(r"\d+", times)
        for times in re.findall(r"^\| .* \| ([\d, ]+) ms \| [\d.]+ s \|$", guide, re.MULTILINE)
    ]
    assert [str(work.runs[0].ms) for work in CALLS] == [time for times in reported for time in times]


def test_volume_and_cloudfront_make_it_cheaper() -> None:
    few, many = (sum(per_thousand(CALLS[0], rate, Habits()).values()) for rate in (10, 1000))
    by_cloudfront = sum(per_thousand(CALLS[0], 1000, Habits(cloudfront=True)).values())
    assert few > many > by_cloudfront


def test_the_share_of_traced_calls() -> None:
    assert [traced_share(rate) for rate in (0.5, 1, 21)] == [1, 1, pytest.approx(2 / 21)]


def test_a_stack_that_does_nothing(template: LocalTemplate) -> None:
    parts = idle_month(settled(template.plain, {})["Resources"], metrics=10)
    assert parts["KMS key"] == 1
    assert parts["dashboard"] == 3
    assert parts["10 custom metrics"] == pytest.approx(3)
    assert parts["alarms"] > 4


def test_a_smoke_costs_what_it_calls() -> None:
    seldom, often = smoke_month(60, Habits()), smoke_month(5, Habits())
    assert seldom["key, alarm, metric"] == pytest.approx(0.4 + 0.1 + 0.3)
    assert often["8760 runs"] == pytest.approx(12 * seldom["730 runs"], rel=1e-6)
    called = sum(per_thousand(CALLS[1], 1e-3, Habits(result_mb=0)).values()) / 1000
    assert seldom["730 runs"] > 730 * called


@pytest.fixture(scope="module")
def template() -> LocalTemplate:
    return whole_template()
