"""Rate, quota and charge against DynamoDB's own semantics, in memory."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any, cast

import pytest

from cutline.accounts import shard_allocator
from cutline.accounts.account import Account
from cutline.accounts.meter import HOLD_S, Meter, Reservation
from cutline.accounts.usage_report import read_usage
from cutline.contracts.usage import UsageRow
from cutline.errors import AccessRefused, Reason
from devkit.memory_table import MemoryTable
from tests.support.bank import Bank
from tests.support.signed_calls import NOW

DAY = "2024-01-02"
PLENTY = Account("plenty", qps=1000)


@pytest.fixture
def bank(monkeypatch: pytest.MonkeyPatch) -> Bank:
    """Return a bank with only a meter, on a table in memory; returned units count at once."""
    monkeypatch.setattr(shard_allocator, "_RETURNED_S", -1.0)
    meters, nothing = MemoryTable("meters", "pk", "sk"), cast(Any, None)
    return Bank(nothing, meters, nothing, nothing, nothing, Meter(meters))


def outcome(meter: Meter, account: Account, call_id: str, now: float) -> Reservation | Reason:
    try:
        return meter.reserve(account, call_id, now)
    except AccessRefused as error:
        return error.reason


def admitted(meter: Meter, account: Account, moments: list[float]) -> list[bool]:
    """Whether each call at its moment was admitted; the others are over the rate. All end at once."""
    outcomes = []
    for index, moment in enumerate(moments):
        outcomes.append(outcome(meter, account, f"c{index}", moment))
        if isinstance(outcomes[-1], Reservation):
            meter.settle(outcomes[-1], "jdc")
    assert {item for item in outcomes if isinstance(item, Reason)} <= {Reason.RATE_EXCEEDED}
    return [isinstance(item, Reservation) for item in outcomes]


@pytest.mark.parametrize("qps", [1, 2, 3, 7, 30])
def test_an_idle_caller_may_use_exactly_one_second_of_its_rate_at_once(bank: Bank, qps: int) -> None:
    assert admitted(bank.meter, Account("a", qps=qps), [NOW] * (qps + 2)) == [True] * qps + [False] * 2


def test_work_without_a_rate_limit_takes_only_quota_and_is_held_once(bank: Bank) -> None:
    meter, account = Meter(bank.meters, service_qps=0.01), Account("drops", qps=0.01, daily_quota=3)
    taken = [meter.reserve(account, call_id, NOW, rate_limited=False).remaining for call_id in ("a", "b", "b", "c")]
    assert taken == [2, 1, 1, 0]
    with pytest.raises(AccessRefused) as refusal:
        meter.reserve(account, "d", NOW, rate_limited=False)
    assert refusal.value.reason is Reason.QUOTA_EXCEEDED
    assert meter.reserve(account, "e", NOW + HOLD_S + 1, rate_limited=False).remaining == 2
    assert isinstance(outcome(Meter(bank.meters), account, "f", NOW + HOLD_S + 1), Reservation)


def test_after_a_burst_calls_are_let_in_at_the_steady_rate(bank: Bank) -> None:
    account = Account("a", qps=2)
    assert admitted(bank.meter, account, [NOW, NOW, NOW + 0.49, NOW + 0.51, NOW + 0.52, NOW + 1.01]) == [
        True,
        True,
        False,
        True,
        False,
        True,
    ]


@pytest.mark.parametrize("qps", [3, 600])
def test_a_steady_caller_at_its_rate_is_never_refused(bank: Bank, qps: int) -> None:
    step = 1.0001 / qps
    assert all(admitted(bank.meter, Account("a", qps=qps), [NOW + index * step for index in range(40)]))


def test_a_refused_call_costs_nothing_of_the_rate(bank: Bank) -> None:
    moments = [NOW] + [NOW + 0.1] * 5 + [NOW + 1.01]
    assert admitted(bank.meter, Account("a", qps=1), moments) == [True] + [False] * 5 + [True]


def test_less_than_one_call_per_second_is_a_rate_too(bank: Bank) -> None:
    assert admitted(bank.meter, Account("a", qps=0.5), [NOW, NOW + 1.9, NOW + 2.01]) == [True, False, True]


def test_an_unlimited_account_has_no_remaining(bank: Bank) -> None:
    assert bank.meter.reserve(PLENTY, "c", NOW).remaining is None


def test_the_quota_ends_exactly_at_its_boundary(bank: Bank) -> None:
    account = Account("a", qps=1000, daily_quota=3)
    outcomes = [outcome(bank.meter, account, f"c{index}", NOW) for index in range(5)]
    assert [item.remaining for item in outcomes[:3] if isinstance(item, Reservation)] == [2, 1, 0]
    assert outcomes[3:] == [Reason.QUOTA_EXCEEDED] * 2
    assert bank.day(account, DAY)["taken"] == 3


def test_a_quota_of_zero_admits_no_call(bank: Bank) -> None:
    assert outcome(bank.meter, Account("a", qps=9, daily_quota=0), "c", NOW) is Reason.QUOTA_EXCEEDED


def test_the_quota_starts_again_at_midnight_utc(bank: Bank) -> None:
    account = Account("a", qps=1000, daily_quota=1)
    midnight = 1_704_240_000.0
    first = bank.meter.reserve(account, "c1", midnight - 1)
    assert outcome(bank.meter, account, "c2", midnight - 1) is Reason.QUOTA_EXCEEDED
    second = bank.meter.reserve(account, "c3", midnight)
    assert (first.day, second.day, second.remaining) == ("2024-01-02", "2024-01-03", 0)


def test_around_midnight_no_more_than_another_second_of_the_rate_is_let_in(bank: Bank) -> None:
    """The rate lies in the day's item, so that a call is one write."""
    account, midnight = Account("a", qps=2), 1_704_153_600.0
    around = [midnight - 0.006] * 4 + [midnight + 0.006] * 4
    assert admitted(bank.meter, account, around) == [True, True, False, False] * 2


def test_a_quota_that_is_used_up_is_named_before_the_rate(bank: Bank) -> None:
    account = Account("a", qps=1, daily_quota=1)
    bank.meter.reserve(account, "c1", NOW)
    assert outcome(bank.meter, account, "c2", NOW) is Reason.QUOTA_EXCEEDED


def test_a_released_call_is_given_back_and_not_charged(bank: Bank) -> None:
    account = Account("a", qps=1000, daily_quota=1, price_micros={"*": 700})
    bank.meter.release(bank.meter.reserve(account, "c1", NOW), "jdc")
    item = bank.day(account, DAY)
    assert (item["taken"], item["refused_jdc"]) == (0, 1)
    assert "charged_micros" not in item
    assert bank.meter.reserve(account, "c2", NOW).remaining == 0


def test_a_call_is_released_once(bank: Bank) -> None:
    reservation = bank.meter.reserve(Account("a", qps=1000, daily_quota=5), "c1", NOW)
    bank.meter.release(reservation, "jdc")
    bank.meter.release(reservation, "jdc")
    assert bank.day(reservation.account, DAY)["taken"] == 0


TASK_S = 12 * 3600
QUOTA = Account("a", qps=1000, daily_quota=3, price_micros={"*": 700})


def test_a_background_task_takes_quota_is_charged_once_and_leaves_the_days_item_small(bank: Bank) -> None:
    meter = bank.meter
    tasks = [meter.reserve(QUOTA, f"t{index}", NOW, TASK_S) for index in range(3)]
    assert outcome(meter, QUOTA, "call", NOW) is Reason.QUOTA_EXCEEDED
    assert not [name for name in bank.day(QUOTA, DAY) if name.startswith("hold:")]
    assert [meter.settle(task, "pw") for task in (*tasks, *tasks)] == [True] * 3 + [False] * 3
    assert bank.taken(QUOTA) == 3
    assert read_usage(bank.meters, "a", date(2024, 1, 2), date(2024, 1, 2)) == [UsageRow(DAY, "pw", 3, 2100, 0)]


def test_a_task_reserved_again_after_its_end_is_a_second_reservation_until_its_caller_cancels_it(bank: Bank) -> None:
    """Settled, reserved again, settled: charged twice. So callers look at the task's state, before and after."""
    meter = bank.meter
    assert meter.settle(meter.reserve(QUOTA, "t", NOW, TASK_S), "pw")
    surplus = meter.reserve(QUOTA, "t", NOW, TASK_S, again=True)
    assert (surplus.already_held, bank.taken(QUOTA)) == (False, 2)
    meter.cancel(surplus)
    assert (meter.settle(surplus, "pw"), bank.taken(QUOTA)) == (False, 1)
    assert read_usage(bank.meters, "a", date(2024, 1, 2), date(2024, 1, 2)) == [UsageRow(DAY, "pw", 1, 700, 0)]


def test_a_background_task_that_is_not_served_gives_its_place_back_once(bank: Bank) -> None:
    task = bank.meter.reserve(QUOTA, "t", NOW, TASK_S)
    for _ in range(2):
        bank.meter.release(task, "pw")
    assert bank.taken(QUOTA) == 0
    assert not bank.meter.settle(task, "pw")
    assert read_usage(bank.meters, "a", date(2024, 1, 2), date(2024, 1, 2)) == [UsageRow(DAY, "pw", 0, 0, 1)]


def test_a_background_task_is_reserved_once_and_not_at_all_when_the_quota_is_used_up(bank: Bank) -> None:
    account = Account("a", qps=1000, daily_quota=1)
    first, again = (bank.meter.reserve(account, "t", NOW, TASK_S, rate_limited=False) for _ in range(2))
    assert (first.key, bank.day(account, DAY)["taken"]) == (again.key, 1)
    with pytest.raises(AccessRefused):
        bank.meter.reserve(account, "u", NOW, TASK_S, rate_limited=False)
    held = [name for item in bank.meters.scan()["Items"] for name in item if name.startswith("hold:")]
    assert held == ["hold:t"]


@pytest.mark.slow
def test_a_thousand_tasks_in_flight_keep_every_item_under_two_kilobytes(bank: Bank) -> None:
    for index in range(1000):
        bank.meter.reserve(Account("busy", qps=10, daily_quota=10_000), f"{index:032x}", NOW + index, TASK_S)
    sizes = [sum(len(name) + 8 for name in item) for item in bank.meters.scan()["Items"]]
    assert (len(sizes), max(sizes) < 2048) == (65, True)


def test_a_settled_call_is_counted_and_charged_at_its_apis_price(bank: Bank) -> None:
    account = Account("a", qps=1000, daily_quota=5, price_micros={"*": 700, "aid": 1200})
    for call_id, api in (("c1", "jdc"), ("c2", "aid"), ("c3", "aid")):
        bank.meter.settle(bank.meter.reserve(account, call_id, NOW), api)
    item = bank.day(account, DAY)
    assert (item["taken"], item["calls_jdc"], item["calls_aid"], item["charged_micros"]) == (3, 1, 2, 3100)
    assert (item["charged_micros_jdc"], item["charged_micros_aid"]) == (700, 2400)
    assert not [name for name in item if name.startswith("hold:")]


def test_a_settled_call_cannot_be_given_back_any_more(bank: Bank) -> None:
    reservation = bank.meter.reserve(Account("a", qps=1000, daily_quota=1), "c1", NOW)
    bank.meter.settle(reservation, "jdc")
    bank.meter.release(reservation, "jdc")
    assert bank.day(reservation.account, DAY)["taken"] == 1


def test_a_call_that_never_ended_is_given_back_when_its_hold_lapsed(bank: Bank) -> None:
    account = Account("a", qps=1000, daily_quota=1)
    bank.meter.reserve(account, "dead", NOW)
    assert outcome(bank.meter, account, "early", NOW + HOLD_S) is Reason.QUOTA_EXCEEDED
    assert bank.meter.reserve(account, "late", NOW + HOLD_S + 1).remaining == 0
    item = bank.day(account, DAY)
    assert (item["taken"], item["refused_lapsed"]) == (1, 1)


def test_remaining_does_not_count_lapsed_holds(bank: Bank) -> None:
    account = Account("a", qps=1000, daily_quota=10)
    bank.meter.reserve(account, "dead", NOW)
    assert bank.meter.reserve(account, "late", NOW + HOLD_S + 1).remaining == 9


def test_a_settlement_after_its_hold_was_given_back_charges_nothing(bank: Bank) -> None:
    account = Account("a", qps=1000, daily_quota=1, price_micros={"*": 5})
    slow = bank.meter.reserve(account, "slow", NOW)
    bank.meter.reserve(account, "next", NOW + HOLD_S + 1)
    bank.meter.settle(slow, "jdc")
    item = bank.day(account, DAY)
    assert item["taken"] == 1
    assert "charged_micros" not in item


def test_a_write_that_is_tried_again_counts_once(bank: Bank) -> None:
    account = Account("a", qps=1000, daily_quota=10, price_micros={"*": 5})
    first = bank.meter.reserve(account, "same", NOW)
    again = bank.meter.reserve(account, "same", NOW)
    assert (first.remaining, again.remaining) == (9, 9)
    for _ in range(2):
        bank.meter.settle(again, "jdc")
    bank.meter.release(first, "jdc")
    item = bank.day(account, DAY)
    assert (item["taken"], item["calls_jdc"], item["charged_micros"]) == (1, 1, 5)
    assert "refused_jdc" not in item


def test_racing_callers_get_exactly_the_quota(bank: Bank) -> None:
    account, meter = Account("a", qps=1000, daily_quota=50), bank.meter
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda index: outcome(meter, account, f"c{index}", NOW), range(200)))
    let_in = [item for item in outcomes if isinstance(item, Reservation)]
    assert len(let_in) == 50
    assert sorted(item.remaining or 0 for item in let_in) == list(range(50))
    assert outcomes.count(Reason.QUOTA_EXCEEDED) == 150
    assert bank.day(account, DAY)["taken"] == 50


def test_racing_callers_get_exactly_the_burst(bank: Bank) -> None:
    account, meter = Account("a", qps=20), bank.meter
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda index: outcome(meter, account, f"c{index}", NOW), range(60)))
    assert (sum(isinstance(item, Reservation) for item in outcomes), outcomes.count(Reason.RATE_EXCEEDED)) == (20, 40)


def test_racing_callers_give_a_lapsed_hold_back_once(bank: Bank) -> None:
    account, meter = Account("a", qps=1000, daily_quota=1), bank.meter
    bank.meter.reserve(account, "dead", NOW)
    later = NOW + HOLD_S + 1
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda index: outcome(meter, account, f"c{index}", later), range(24)))
    assert sum(isinstance(item, Reservation) for item in outcomes) == 1
    assert bank.day(account, DAY)["taken"] == 1


def test_the_services_own_rate_binds_all_accounts_together(bank: Bank) -> None:
    meter = Meter(bank.meters, service_qps=2)
    assert isinstance(outcome(meter, Account("a", qps=9), "c1", NOW), Reservation)
    assert isinstance(outcome(meter, Account("b", qps=9), "c2", NOW), Reservation)
    assert outcome(meter, Account("c", qps=9), "c3", NOW) is Reason.SERVICE_RATE_EXCEEDED


def test_an_item_leaves_after_its_keeping_time(bank: Bank) -> None:
    bank.meter.reserve(QUOTA, "c", NOW)
    assert bank.day(QUOTA, DAY)["expires_at"] == int(NOW) + 400 * 86400
