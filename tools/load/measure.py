"""A quiet account's visits, timed, and what a flood at the same time may change of that.

A visit is a picture cut out, then its task, its link and the account's usage asked for. Its wall time says little about
fairness on a machine whose few cores bear the callers, all functions and the stand-ins for AWS at once: all other work
slows it down, fairly treated or not. On AWS every call has a vCPU of its own. What one account could take
from another there is a free function, or its call altogether. So the bound is on a visit's fair time: how long it
waited for free functions, and how much CPU time they then needed for it.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

BOUND = 2.0
# Between two visits of a caller.
_PAUSE_S = 0.4


@dataclass(frozen=True)
class Visit:
    """The calls of one visit together, in seconds; `lost` tells each that was not served."""

    wall_s: float
    wait_s: float
    cpu_s: float
    lost: tuple[str, ...] = ()

    @property
    def fair_s(self) -> float:
        """What it would have taken on a vCPU of its own."""
        return self.wait_s + self.cpu_s


@dataclass
class Phase:
    """The quiet account's visits during `name`, the flood's answers by status, and its seconds."""

    name: str
    visits: list[Visit]
    statuses: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def lost(self) -> list[str]:
        """The calls that were not served."""
        return [story for visit in self.visits for story in visit.lost]

    def p(self, share: float, of: Callable[[Visit], float]) -> float:
        """The smallest value that `share` of the visits do not exceed: of fewer than 100 visits, p99 is the slowest."""
        values = sorted(of(visit) for visit in self.visits)
        return values[math.ceil(share * len(values)) - 1]


def watch(visit: Callable[[], Visit], seconds: float, callers: int = 2) -> list[Visit]:
    """Visits by `callers` at once, each with a pause after every visit, for `seconds`, but at least one each."""
    visits: list[Visit] = []
    end = time.monotonic() + seconds

    def call() -> None:
        while True:
            visits.append(visit())
            if time.monotonic() > end:
                return
            time.sleep(_PAUSE_S)

    with ThreadPoolExecutor(callers) as pool:
        for ended in [pool.submit(call) for _ in range(callers)]:
            ended.result()
    return visits


def faults(quiet: Phase, floods: Sequence[Phase]) -> list[str]:
    """What is not as promised: lost calls, and floods during which the p99 of the fair time is beyond the bound."""
    found = [f"{phase.name}: lost {story}" for phase in (quiet, *floods) for story in phase.lost]
    usual_s = quiet.p(0.99, _fair)
    for phase in floods:
        ratio = phase.p(0.99, _fair) / usual_s
        if ratio > BOUND:
            found.append(f"{phase.name}: p99 of wait and CPU is {ratio:.2f} times the quiet one, more than {BOUND:g}")
    return found


def table(quiet: Phase, floods: Sequence[Phase]) -> str:
    """A row per phase; times in milliseconds, ratios to the quiet phase."""
    head = f"{'phase':<18}{'visits':>7}{'lost':>6}"
    head += (
        f"{'wall p50':>10}{'p99':>7}{'ratio':>7}{'wait p99':>10}{'CPU p99':>9}{'both p99':>10}{'ratio':>7}  the flood"
    )
    return "\n".join([head, *(_row(phase, quiet) for phase in (quiet, *floods))])


def _row(phase: Phase, quiet: Phase) -> str:
    wall_s, fair_s = phase.p(0.99, _wall), phase.p(0.99, _fair)
    cells = f"{phase.name:<18}{len(phase.visits):>7}{len(phase.lost):>6}"
    cells += f"{_ms(phase.p(0.5, _wall)):>10}{_ms(wall_s):>7}{wall_s / quiet.p(0.99, _wall):>7.2f}"
    cells += f"{_ms(phase.p(0.99, _wait)):>10}{_ms(phase.p(0.99, _cpu)):>9}{_ms(fair_s):>10}"
    cells += f"{fair_s / quiet.p(0.99, _fair):>7.2f}"
    if phase.statuses:
        counts = ", ".join(f"{count} x {status}" for status, count in phase.statuses.most_common())
        cells += f"  {sum(phase.statuses.values()) / phase.seconds:.0f} calls/s: {counts}"
    return cells


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"


def _wall(visit: Visit) -> float:
    return visit.wall_s


def _wait(visit: Visit) -> float:
    return visit.wait_s


def _cpu(visit: Visit) -> float:
    return visit.cpu_s


def _fair(visit: Visit) -> float:
    return visit.fair_s
