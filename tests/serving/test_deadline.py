"""The deadline of a block: interrupts every kind of wait, and leaves no alarm."""

import math
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from cutline.errors import Reason, ServiceFault
from cutline.pipeline.timing import time_left_s
from cutline.serving.deadline import deadline
from devkit.patience import scaled


@pytest.fixture
def alarm() -> Iterator[None]:
    """No alarm and no handler outlive the test."""
    previous = signal.getsignal(signal.SIGALRM)
    yield
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    assert signal.getsignal(signal.SIGALRM) == previous


@pytest.mark.usefixtures("alarm")
def test_the_deadline_interrupts_a_block_that_sleeps() -> None:
    started = time.monotonic()
    with pytest.raises(ServiceFault) as fault, deadline(50):
        time.sleep(10)
    assert fault.value.reason is Reason.TIMED_OUT
    assert time.monotonic() - started < scaled(5)


@pytest.mark.usefixtures("alarm")
def test_the_deadline_interrupts_a_block_that_waits_for_another_thread() -> None:
    with pytest.raises(ServiceFault), deadline(50):
        threading.Event().wait(10)


@pytest.mark.usefixtures("alarm")
def test_the_block_knows_the_time_left_and_nothing_after_it_does() -> None:
    with deadline(5000):
        assert 4 < time_left_s() <= 5
    assert time_left_s() == math.inf


@pytest.mark.usefixtures("alarm")
def test_a_block_that_ends_in_time_is_not_interrupted_later() -> None:
    with deadline(100):
        done = True
    time.sleep(0.15)
    assert done


@pytest.mark.usefixtures("alarm")
def test_an_alarm_between_the_blocks_end_and_its_disarming_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    setitimer = signal.setitimer

    def late(which: int, seconds: float) -> tuple[float, float]:
        if seconds == 0:
            signal.raise_signal(signal.SIGALRM)
        return setitimer(which, seconds)

    monkeypatch.setattr(signal, "setitimer", late)
    with deadline(1000):
        done = True
    assert done


@pytest.mark.usefixtures("alarm")
def test_an_error_inside_the_block_passes_through() -> None:
    with pytest.raises(KeyError), deadline(1000):
        raise KeyError("x")
