"""Calls in flight, waiting, the service's rate, and days that have several shards."""

from datetime import date

import pytest

from cutline.accounts import shard_allocator, shards
from cutline.accounts.account import Account
from cutline.accounts.meter import HOLD_S, IN_FLIGHT_MIN, Meter
from cutline.accounts.shards import SHARD_QPS, shards_for
from cutline.accounts.usage_report import read_usage
from cutline.contracts.usage import UsageRow
from cutline.errors import AccessRefused, Reason
from devkit.memory_table import MemoryTable
from tests.support.signed_calls import NOW
from tools.meter_simulation import ITEM_UNITS, Simulation

DAY, DAY_ITEM = "2024-01-02", ("ACCOUNT#a", "DAY#2024-01-02")
WIDE = Account("a", qps=20 * SHARD_QPS, price_micros={"*": 7})
TASK_S = 12 * 3600


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> MemoryTable:
    monkeypatch.setattr(shard_allocator, "_RETURNED_S", -1.0)
    return MemoryTable("meters", "pk", "sk")


def reason_of(meter: Meter, account: Account, call_id: str, now: float = NOW, hold_s: int = HOLD_S) -> Reason | None:
    """Why the call is not let in; None if it is."""
    try:
        meter.reserve(account, call_id, now, hold_s)
    except AccessRefused as refusal:
        return refusal.reason
    return None


def taken(table: MemoryTable) -> int:
    return sum(item.get("taken", 0) for item in table.items.values() if "service" not in item["pk"])


@pytest.mark.parametrize(("qps", "most", "bound"), [(0.5, 0, IN_FLIGHT_MIN), (2, 0, 4), (10, 0, 20), (10, 15, 15)])
def test_no_account_has_more_calls_in_flight_than_two_seconds_of_its_rate(
    table: MemoryTable, qps: float, most: int, bound: int
) -> None:
    meter, account = Meter(table, max_in_flight=most), Account("a", qps=qps)
    spaced = [NOW + index * 1.001 / qps for index in range(bound + 1)]
    held = [meter.reserve(account, f"c{index}", moment) for index, moment in enumerate(spaced[:-1])]
    assert reason_of(meter, account, "one too many", min(spaced[-1], NOW + HOLD_S)) is Reason.RATE_EXCEEDED
    meter.settle(held[0], "jdc")
    assert reason_of(meter, account, "one more", min(spaced[-1], NOW + HOLD_S)) is None


def test_a_dead_call_is_not_in_flight_once_its_hold_has_expired(table: MemoryTable) -> None:
    meter, account = Meter(table), Account("a", qps=2)
    for index in range(IN_FLIGHT_MIN):
        meter.reserve(account, f"dead{index}", NOW + index)
    later = NOW + HOLD_S + IN_FLIGHT_MIN
    assert reason_of(meter, account, "next", later) is None
    item = table.items[DAY_ITEM]
    assert (item["under_way"], item["taken"], item["refused_lapsed"]) == (1, 1, IN_FLIGHT_MIN)
    assert [name for name in item if name.startswith("hold:")] == ["hold:next"]


def test_dead_calls_of_an_account_without_a_quota_do_not_pile_up(table: MemoryTable) -> None:
    meter, account = Meter(table), Account("a", qps=10)
    for index in range(15):
        meter.reserve(account, f"dead{index}", NOW + index)
    for index in range(2):
        meter.settle(meter.reserve(account, f"c{index}", NOW + 2 * HOLD_S + index), "jdc")
    assert not [name for name in table.items[DAY_ITEM] if name.startswith("hold:")]
    assert table.items[DAY_ITEM]["taken"] == 2


def test_waiting_costs_rate_and_is_in_flight_but_takes_no_quota(table: MemoryTable) -> None:
    meter, account = Meter(table), Account("a", qps=2, daily_quota=1)
    waiting = [meter.wait(account, f"w{index}", NOW) for index in range(2)]
    assert reason_of(meter, account, "c", NOW) is Reason.RATE_EXCEEDED
    with pytest.raises(AccessRefused):
        meter.wait(account, "w2", NOW)
    assert (table.items[DAY_ITEM]["under_way"], taken(table)) == (2, 0)
    for wait in (*waiting, *waiting):
        meter.end_wait(wait)
    assert table.items[DAY_ITEM]["under_way"] == 0
    assert reason_of(meter, account, "c", NOW + 5) is None


def test_a_waiting_call_that_died_gives_back_nothing_of_the_quota(table: MemoryTable) -> None:
    meter, account = Meter(table), Account("a", qps=2, daily_quota=5)
    meter.wait(account, "dead", NOW)
    meter.reserve(account, "c", NOW + 2 * HOLD_S)
    assert (table.items[DAY_ITEM]["under_way"], taken(table)) == (1, 1)


def test_only_admitted_calls_spend_the_services_rate(table: MemoryTable) -> None:
    """A flooder of 1 call per second left an innocent account nothing of a service of 10."""
    meter = Meter(table, service_qps=4)
    flooder, innocent = Account("flood", qps=1), Account("a", qps=100)
    outcomes = [reason_of(meter, flooder, f"f{index}", NOW) for index in range(20)]
    assert outcomes == [None] + [Reason.RATE_EXCEEDED] * 19
    assert [reason_of(meter, innocent, f"c{index}", NOW) for index in range(4)] == [None] * 3 + [
        Reason.SERVICE_RATE_EXCEEDED
    ]


@pytest.mark.parametrize("hold_s", [HOLD_S, TASK_S])
def test_a_refusal_by_the_services_rate_leaves_no_unit_taken(table: MemoryTable, hold_s: int) -> None:
    meter, account = Meter(table, service_qps=1), Account("a", qps=100, daily_quota=50)
    assert [reason_of(meter, account, f"c{index}", NOW, hold_s) for index in range(3)][1:] == [
        Reason.SERVICE_RATE_EXCEEDED
    ] * 2
    assert (taken(table), table.items[DAY_ITEM].get("under_way", 0)) == (1, int(hold_s == HOLD_S))


def test_a_fast_account_has_shards_and_one_report(table: MemoryTable) -> None:
    meter = Meter(table)
    for index in range(200):
        meter.settle(meter.reserve(WIDE, f"c{index}", NOW + index / 100), "jdc")
    partitions = {pk for pk, _ in table.items}
    assert len(partitions) == shards_for(WIDE.qps, None) == 20
    assert read_usage(table, "a", date(2024, 1, 2), date(2024, 1, 2)) == [UsageRow(DAY, "jdc", 200, 1400, 0)]


def test_the_quota_is_exact_over_shards_and_released_tasks(table: MemoryTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD_QUOTA", 50)
    meter, account = Meter(table), Account("a", qps=100_000, daily_quota=207)
    assert shards_for(account.qps, account.daily_quota) == 4
    tasks = [meter.reserve(account, f"t{index}", NOW, TASK_S) for index in range(20)]
    calls = [reason_of(meter, account, f"c{index}", NOW) for index in range(200)]
    assert (calls.count(None), calls.count(Reason.QUOTA_EXCEEDED)) == (187, 13)
    for task in tasks[:5]:
        assert meter.release(task, "pw")
    assert [reason_of(meter, account, f"d{index}", NOW) for index in range(6)].count(None) == 5
    assert taken(table) == 207


def test_a_changed_rate_changes_the_number_of_shards_from_the_next_day_on(table: MemoryTable) -> None:
    slow = Account("a", qps=5, daily_quota=9000)
    fast = Account("a", qps=500, daily_quota=9000)
    for meter in (Meter(table), Meter(table)):
        for account in (slow, fast, slow):
            meter.reserve(account, f"{account.qps}", NOW)
    assert [key[0] for key in table.items] == ["ACCOUNT#a"]
    for account in (fast, slow, slow):
        Meter(table).reserve(account, f"tomorrow-{account.qps}", NOW + 86400)
    assert table.items["ACCOUNT#a", "DAY#2024-01-03"]["lanes"] == 9


@pytest.mark.parametrize(
    ("qps", "load", "seconds", "bound"), [(10, 0.8, 30, 0.02), (50, 0.9, 8, 0.005), (100, 0.9, 5, 0), (1000, 1.0, 1, 0)]
)
def test_a_caller_within_its_rate_is_admitted_and_no_item_is_too_busy(
    qps: float, load: float, seconds: float, bound: float
) -> None:
    """With round trips of 5 to 20 ms; random arrivals beyond a second's worth are refused, and never broken."""
    tally = Simulation(qps, load, seconds, (0.005, 0.020)).run()
    assert tally.broken == 0
    assert tally.refused <= bound * tally.offered
    assert tally.busiest_units < ITEM_UNITS / 2
    assert tally.writes / tally.offered < 3


def test_an_occasional_call_costs_two_writes() -> None:
    """The write for a busy rate is tried first only after it was the right one."""
    tally = Simulation(10, 0.05, 100, (0.005, 0.020)).run()
    assert tally.offered > 20
    assert tally.writes / tally.offered < 2.3


def test_a_high_rate_does_not_split_a_low_bound_of_calls_in_flight(table: MemoryTable) -> None:
    """Twenty shards for fifteen calls would have one place each, which a call would find taken by chance."""
    meter, account = Meter(table, max_in_flight=15), Account("a", qps=1000)
    assert [reason_of(meter, account, f"c{index}", NOW + index / 100) for index in range(15)] == [None] * 15
    assert reason_of(meter, account, "one more", NOW + 1) is Reason.RATE_EXCEEDED
