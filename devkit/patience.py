"""Waiting on a machine that may be busy with other work.

A wait that only a failure exhausts is long: `until`, and `WAIT_S` for the timeouts of processes and connections. A
limit that a passing test waits out is as short as the machine allows: `scaled`.
"""

import os
import time
from collections.abc import Callable
from typing import Literal, TypeVar

T = TypeVar("T")

# Seconds. Some twenty times what the slowest wait takes on two free cores.
WAIT_S = 240.0
_WORK_S = 0.05


def until(check: Callable[[], T | Literal[False] | None], what: str = "it", every_s: float = 0.1) -> T:
    """Call `check` until it returns something true, and return that. Raises AssertionError after `WAIT_S`."""
    limit = time.monotonic() + WAIT_S
    while not (found := check()):
        assert time.monotonic() < limit, f"{what} did not happen within {WAIT_S:.0f} s; last seen: {found!r}"
        time.sleep(every_s)
    return found


def slowness() -> float:
    """Return how many times longer than its CPU time work takes now, at least 1: a sample's, or the last minute's."""
    begun, cpu_begun = time.monotonic(), time.thread_time()
    while (cpu_s := time.thread_time() - cpu_begun) < _WORK_S:
        pass
    return max(1.0, (time.monotonic() - begun) / cpu_s, os.getloadavg()[0] / len(os.sched_getaffinity(0)))


def scaled(seconds: float, most: float = float("inf")) -> float:
    """Return a limit that is `seconds` on a free machine and longer on a busy one, up to `most`."""
    return min(most, seconds * slowness())
