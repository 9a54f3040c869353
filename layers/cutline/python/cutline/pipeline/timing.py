"""Milliseconds per pipeline stage, for the log line, the metrics and the `Server-Timing` header; the time left."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Slowdown:
    """How much longer this processor takes than the one on which the bounds on decoder and encoders were measured.

    `cpu` in CPU time; `wall` in wall time, for a function that has a share of a CPU. Set once, at INIT.
    """

    cpu: float = 1.0
    wall: float = 1.0


SLOWDOWN = Slowdown()

# When the work has to be done, on the monotonic clock in seconds; without a bound by default.
ends_at: ContextVar[float] = ContextVar("ends_at", default=math.inf)


def time_left_s() -> float:
    """Seconds until the work has to be done."""
    return ends_at.get() - time.monotonic()


class StageTimer:
    """Adds up time by stage name, in the order of first use; `clock` returns seconds, wall time by default.

    Example:
        timer = StageTimer()
        with timer.stage("network"):
            ...
        timer.server_timing()  # 'network;dur=41.3'
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self.stages_ms: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time of the block to `name`, also if it raises."""
        start = self._clock()
        try:
            yield
        finally:
            elapsed_ms = (self._clock() - start) * 1000
            self.stages_ms[name] = self.stages_ms.get(name, 0.0) + elapsed_ms

    @property
    def total_ms(self) -> float:
        return sum(self.stages_ms.values())

    def server_timing(self) -> str:
        """Return the value of a `Server-Timing` header (https://www.w3.org/TR/server-timing/)."""
        return ", ".join(f"{name};dur={ms:.1f}" for name, ms in self.stages_ms.items())
