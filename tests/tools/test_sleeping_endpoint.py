"""The simulated endpoint that sleeps: the circuit breaker slows nothing, and uses it once it is worth waking."""

import pytest

from tools.sleeping_endpoint import Simulation, Way, at_once, steadily

WAKES_AFTER_S = 300.0
START_S = 120.0


def test_drops_are_done_no_later_than_by_the_cpu_alone() -> None:
    cpu, waiting, watched = (Simulation(way, at_once(2000), START_S).run() for way in Way)
    assert watched.ended_at <= cpu.ended_at
    assert max(watched.waits_s) <= max(cpu.waits_s)
    assert waiting.ended_at > 4 * cpu.ended_at, "what the circuit breaker is there for"
    for outcome in (cpu, waiting, watched):
        assert len(outcome.waits_s) == outcome.on_cpu + outcome.on_gpu == 2000


def test_an_endpoint_that_work_goes_on_coming_for_wakes_and_takes_it_over() -> None:
    outcome = Simulation(Way.WATCHED, steadily(5, 600), START_S).run()
    assert outcome.awake_at == WAKES_AFTER_S
    # All that came after it woke, but for the seconds until a worker looked.
    assert outcome.on_gpu == pytest.approx(5 * (600 - WAKES_AFTER_S), rel=0.03)
    assert max(outcome.waits_s) < 2


@pytest.mark.parametrize("pause_s", [2, 30, 300])
def test_lonely_tasks_wake_nothing_and_wait_for_nothing(pause_s: int) -> None:
    outcome = Simulation(Way.WATCHED, steadily(1 / pause_s, 3600), START_S).run()
    assert (outcome.awake_at, outcome.on_gpu) == (None, 0)
    assert max(outcome.waits_s) < 1
