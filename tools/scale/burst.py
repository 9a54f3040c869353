"""The first minute of synchronous calls that come from nothing, call by call: who is refused by what, who waits."""

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field

from tools.scale.limits import SANDBOXES_PER_10_S, Quotas
from tools.scale.load import Load

SERVED, THROTTLED, OVER_RATE, NO_SANDBOX = "served", "429 ApiRateLimit", "429 account", "503 no sandbox"
_SPREAD, _SECONDS = 0.3, 60.0
_NO_ACCOUNT = -1


@dataclass
class Bucket:
    """Tokens that come back at `rate` a second, `size` at most."""

    rate: float
    size: float
    now: float = 0.0
    left: float = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.size

    def take(self, now: float) -> bool:
        """Takes a token; whether there was one."""
        self.left = min(self.size, self.left + (now - self.now) * self.rate)
        self.now = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


@dataclass
class Minute:
    """What became of the calls, and how long those who were served waited."""

    outcomes: Counter[str] = field(default_factory=Counter)
    waits_s: list[float] = field(default_factory=list)
    sandboxes: int = 0

    def share(self, outcome: str) -> float:
        """The share of all calls that ended so."""
        return self.outcomes[outcome] / max(1, self.outcomes.total())

    def wait_s(self, quantile: float) -> float:
        """The wait of served calls at this quantile; 0 if none was served."""
        ordered = sorted(self.waits_s)
        return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))] if ordered else 0.0


def first_minute(load: Load, quotas: Quotas) -> Minute:
    """Arrivals at random (Poisson), of accounts at random; a new sandbox wherever none is idle and AWS allows one."""
    chance, minute = random.Random(1), Minute()
    gateway = Bucket(quotas.parameters["ApiRateLimit"], quotas.parameters["ApiBurstLimit"])
    growth = Bucket(SANDBOXES_PER_10_S / 10, SANDBOXES_PER_10_S)
    most = min(quotas.concurrency, quotas.parameters["SyncConcurrency"] or quotas.concurrency)
    max_in_flight, in_flight = quotas.max_in_flight(load.qps), Counter[int]()
    busy: list[tuple[float, int]] = []
    idle, now = 0, 0.0
    while (now := now + chance.expovariate(load.rate)) < _SECONDS:
        while busy and busy[0][0] <= now:
            in_flight[heapq.heappop(busy)[1]] -= 1
            idle += 1
        # A call whose sandbox has yet to start holds no place of its account's, and is left out of them altogether.
        cold = not idle
        account = _NO_ACCOUNT if cold else chance.randrange(load.accounts)
        if not gateway.take(now):
            minute.outcomes[THROTTLED] += 1
        elif cold and (minute.sandboxes >= most or not growth.take(now)):
            minute.outcomes[NO_SANDBOX] += 1
        elif not cold and in_flight[account] >= max_in_flight:
            # The function runs to find that out, for as long as a write takes. That is left out here.
            minute.outcomes[OVER_RATE] += 1
        else:
            wait_s = load.call_s * chance.uniform(1 - _SPREAD, 1 + _SPREAD) + (load.cold_s if cold else 0.0)
            minute.sandboxes, idle = minute.sandboxes + cold, idle - (not cold)
            minute.outcomes[SERVED] += 1
            minute.waits_s.append(wait_s)
            in_flight[account] += 1
            heapq.heappush(busy, (now + wait_s, account))
    return minute
