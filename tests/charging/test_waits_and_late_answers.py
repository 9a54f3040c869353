"""Waits, time limits and answers that come too late, each on one call."""

import time
from typing import Any

import pytest

from cutline.accounts import meter
from cutline.accounts.meter import HOLD_S, Meter
from cutline.errors import AccessRefused, Reason
from cutline.serving.idempotency import Idempotency
from cutline.serving.time_share import BURST_S, SHARE, TimeShare
from tests.support.charging_world import SHOP, START, World, was_served


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def in_flight(world: World) -> int:
    return sum(item.get("under_way", 0) for item in world.meters.items.values())


def test_waiting_behind_a_key_costs_rate_and_counts_as_a_call(world: World) -> None:
    """24 calls with one key held every sandbox, and were counted by no rate."""
    world.slow(lambda: [world.post(key="k") for _ in range(6)])
    first = world.post(key="k")
    assert was_served(first)
    waits = [answer for answer in world.inner if answer is not None]
    # Four in flight: the one at work, and three that wait. The test's waiters wait one after another and time out.
    assert [answer.status for answer in waits] == [500] * 6
    assert world.max_in_flight == 2
    rate = max(item["tat_us"] for item in world.meters.items.values() if "tat_us" in item)
    assert rate == pytest.approx(START * 1e6 + 7 * 1e6 / SHOP.qps, abs=10)
    assert (world.charged(), world.taken(), in_flight(world)) == (1, 1, 0)


def test_a_call_whose_gateway_has_given_up_is_neither_worked_nor_charged(world: World) -> None:
    response = world.post(age_s=28.5)
    assert response is not None
    assert response.status == 500
    assert (world.charged(), world.taken(), world.kinds) == (0, 0, [])


def test_an_answer_whose_charge_is_unknown_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was HTTP 500 and charged: a caller who tried again paid twice."""
    world = World(monkeypatch, 2, "lost")
    response = world.post()
    assert was_served(response)
    assert response is not None
    assert (world.met, world.charged(), response.headers["X-Cutline-Charge-Micros"]) == ("meters update", 1, "7")


@pytest.mark.parametrize("key", ["", "k"])
def test_a_call_that_is_being_charged_is_not_ended_by_its_time_limit(
    world: World, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """It was answered as timed out, and charged."""
    settlement = Meter.settlement
    monkeypatch.setattr(Meter, "settlement", lambda *parts: time.sleep(0.4) or settlement(*parts))
    monkeypatch.setattr(Meter, "settle", lambda self, *parts: self._write(self.settlement(*parts)))
    world.time_limit_ms = 200
    assert was_served(world.post(key=key))
    assert world.charged() == 1


def test_a_kept_answer_is_never_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first call died after keeping its answer, its hold lapsed, and every repeat was free."""
    for fate in ("lost", "died", "unsent", "killed"):
        world = World(monkeypatch, 3, fate)
        world.post(key="k")
        world.now += 2 * HOLD_S
        for _ in range(3):
            assert was_served(world.post(key="k"))
        assert world.kinds[3] == "meters transact"
        assert world.charged() == 1


def test_repeats_of_an_answer_have_a_rate_of_their_own(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "THROTTLE", 5 / SHOP.qps)
    read, first = [], Idempotency._first
    monkeypatch.setattr(Idempotency, "_first", lambda *parts: read.append(1) or first(*parts))
    world.post(key="k")
    answers = [world.post(key="k") for _ in range(7)]
    assert [answer.status for answer in answers if answer is not None] == [200] * 5 + [429] * 2
    assert (world.charged(), world.taken()) == (1, 1)
    # Its body may be 4 MiB in the bucket: the rate comes before it is read.
    assert len(read) == 5


def test_a_drop_that_failed_in_the_middle_takes_its_place_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hold without its place: four drops were served of a quota of one."""
    for fate in ("refused", "lost", "killed", "died", "repeated"):
        for nth in range(3):
            world = World(monkeypatch, nth, fate)
            world.drop()
            assert world.taken() == 1


def test_an_event_of_last_week_whose_drop_was_worked_then_takes_no_place(world: World) -> None:
    world.drop()
    world.flow()
    world.records.items.clear()  # DynamoDB has deleted what expired
    world.now += 8 * 86400
    assert world.drop() == "known"
    assert (world.charged(), world.taken(), world.held()) == (1, 1, [])


def test_a_task_that_waited_beyond_its_record_is_not_worked_and_gives_its_place_back(world: World) -> None:
    world.post(later=True)
    world.now += 13 * 3600
    world.finish_late()
    assert (world.charged(), world.taken(), world.held()) == (0, 0, [])


def test_questions_take_half_of_a_process_at_most() -> None:
    clock = [0.0]
    share = TimeShare(lambda: clock[0])

    def ask(account: str, seconds: float) -> bool:
        try:
            with share.of(account):
                clock[0] += seconds
        except AccessRefused as refusal:
            assert refusal.reason is Reason.RATE_EXCEEDED
            return False
        return True

    served = 0
    for _ in range(20_000):
        if ask("flood", 0.1):
            served += 1
        else:
            clock[0] += 0.001
    assert served * 0.1 == pytest.approx(SHARE * clock[0] + BURST_S, rel=0.1)
    assert ask("innocent", 0.1)
    for _ in range(1000):
        assert ask("patient", 0.05), "a caller that pauses for the cost of each question is never refused"
        clock[0] += 0.06


def test_a_fault_of_the_table_is_answered_and_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, 2, "refused")
    response: Any = world.post()
    assert (response.status, world.charged(), world.taken()) == (500, 0, 0)
