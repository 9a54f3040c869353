"""What a GPU endpoint that sleeps does to background tasks, in virtual time.

    make endpoint-sleep SLEEP="--drops 10000 --start-s 120"

Each load is run with the CPU alone, with an endpoint whose workers wait for an answer, and with the product's own
circuit breaker (`cutline.adapters.endpoint_watch`), which decides here as it does there. Drops are taken in at 60 per
second; a picture takes the times below. The endpoint sleeps at first. After three minutes in which sixty tasks or more
arrived while it had something queued, the template's alarm orders an instance, which comes `--start-s` seconds later.
Times are assumptions, but for the CPU's (docs/speed.md); the GPU's has not been measured.
"""

import argparse
import heapq
import itertools
import statistics
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from cutline.adapters.endpoint_watch import WatchedEndpoint
from cutline.adapters.sagemaker import EndpointFault, Trouble
from devkit.memory_table import MemoryTable

WORKERS = 10
INTAKE_PER_S = 60.0
PREPARE_S, HAND_OVER_S, NETWORK_S, FINISH_S = 0.25, 0.06, 0.30, 0.30
# A picture on the GPU, one after the other; the moments at which AsyncEndpoint looks after the answer; its patience.
GPU_S, LIMIT_S, TTL_S = 0.05, 20.0, 60.0
LOOKS_S = tuple(itertools.accumulate([0.125, 0.25, 0.5, *[1.0] * 21]))
WORTH_PER_MINUTE, PERIODS = 60, 3
START = 1_704_110_400.0


class Way(Enum):
    """Who runs the network."""

    CPU = "CPU alone"
    WAITING = "endpoint, workers wait"
    WATCHED = "endpoint, circuit breaker"


@dataclass
class Request:
    """A picture at the endpoint; `tell` hears of its answer, once."""

    ends_at: float
    tell: Callable[[], None]


@dataclass
class Outcome:
    """What became of a load: each task's seconds, and who ran its network."""

    waits_s: list[float] = field(default_factory=list)
    ended_at: float = 0.0
    on_gpu: int = 0
    on_cpu: int = 0
    awake_at: float | None = None


class Simulation:
    """Tasks that arrive at given seconds, in one of the three ways."""

    def __init__(self, way: Way, arrivals: Iterator[float], start_s: float) -> None:
        self.outcome = Outcome()
        self.now = 0.0
        self._way, self._start_s = way, start_s
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._ids = itertools.count()
        self._waiting: deque[float] = deque()
        table = MemoryTable("tasks", "pk")
        probes = _Probes(self)
        # The process that worked last works next, as Lambda does it.
        self._idle = [WatchedEndpoint(probes, table, "gpu", clock=lambda: START + self.now) for _ in range(WORKERS)]
        self._queued: list[Request] = []
        self._gpu_free_at = 0.0
        self._sent: deque[float] = deque()
        self._worth = 0
        self._left = 0
        for at in arrivals:
            self._left += 1
            self._at(at + PREPARE_S, lambda at=at: self._arrive(at))  # type: ignore[misc]
        self._at(60.0, self._minute)

    def run(self) -> Outcome:
        """Runs it until the last task has ended."""
        while self._left:
            self.now, _, act = heapq.heappop(self._events)
            act()
        return self.outcome

    def send(self, ttl_s: float, tell: Callable[[], None]) -> None:
        """Queues a picture at the endpoint."""
        request = Request(self.now + ttl_s, tell)
        if self._is_awake:
            self._serve(request)
        else:
            self._queued.append(request)

    @property
    def _is_awake(self) -> bool:
        return self.outcome.awake_at is not None and self.now >= self.outcome.awake_at

    def _at(self, at: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (at, next(self._ids), act))

    def _arrive(self, at: float) -> None:
        self._sent.append(self.now)
        self._waiting.append(at)
        self._dispatch()

    def _dispatch(self) -> None:
        while self._idle and self._waiting:
            self._work(self._idle.pop(), self._waiting.popleft())

    def _work(self, worker: WatchedEndpoint, since: float) -> None:
        """A worker takes a message."""

        def free() -> None:
            self._idle.append(worker)
            self._dispatch()

        if self._way is Way.CPU:
            self._at(self.now + NETWORK_S, free)
            self._end(since, NETWORK_S, on_gpu=False)
        elif self._way is Way.WAITING or worker.is_awake(b"view", "image/png"):
            self._at(self.now + HAND_OVER_S, lambda: self._ask(worker, since, free))
        else:
            self._at(self.now + HAND_OVER_S, free)
            self._end(since, HAND_OVER_S + NETWORK_S, on_gpu=False)

    def _ask(self, worker: WatchedEndpoint, since: float, free: Callable[[], None]) -> None:
        """A worker waits for the endpoint, until it has answered or its patience is at its end."""
        begun, over = self.now, [False]

        def heard(answered: bool) -> None:
            if over[0]:
                return
            over[0] = True
            if self._way is Way.WATCHED:
                (worker.answered if answered else worker.stayed_silent)()
            self._end(since, 0.0 if answered else NETWORK_S, on_gpu=answered)
            free()

        def there() -> None:
            looks = (begun + look for look in LOOKS_S if begun + look >= self.now)
            if not over[0]:
                self._at(min(next(looks), begun + LIMIT_S), lambda: heard(answered=True))

        self._at(begun + LIMIT_S, lambda: heard(answered=False))
        self.send(TTL_S, there)

    def _end(self, since: float, after_s: float, *, on_gpu: bool) -> None:
        at = self.now + after_s + FINISH_S

        def end() -> None:
            self.outcome.waits_s.append(at - since)
            self.outcome.ended_at = at
            self._left -= 1

        self.outcome.on_gpu += on_gpu
        self.outcome.on_cpu += not on_gpu
        self._at(at, end)

    def _serve(self, request: Request) -> None:
        self._gpu_free_at = max(self._gpu_free_at, self.now) + GPU_S
        self._at(self._gpu_free_at, request.tell)

    def _minute(self) -> None:
        """The template's EndpointWakeAlarm."""
        while self._sent and self._sent[0] <= self.now - 60:
            self._sent.popleft()
        self._queued = [request for request in self._queued if request.ends_at > self.now]
        worth = len(self._sent) >= WORTH_PER_MINUTE and bool(self._queued)
        self._worth = self._worth + 1 if worth else 0
        if self._worth == PERIODS and self.outcome.awake_at is None:
            self.outcome.awake_at = self.now + self._start_s
            self._at(self.outcome.awake_at, self._wake)
        self._at(self.now + 60.0, self._minute)

    def _wake(self) -> None:
        queued, self._queued = self._queued, []
        for request in queued:
            if request.ends_at > self.now:
                self._serve(request)


class _Probes:
    """The endpoint as the circuit breaker sees it; its workers ask through the simulation."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._answered: set[str] = set()
        self._ids = itertools.count()

    def alpha(self, picture: bytes, content_type: str) -> bytes:
        raise EndpointFault(Trouble.UNAVAILABLE, "the simulation asks for itself")

    def queue(self, picture: bytes, content_type: str, ttl_s: int) -> str:
        output = str(next(self._ids))
        self._simulation.send(ttl_s, lambda: self._answered.add(output))
        return output

    def has_answered(self, output: str) -> bool:
        return output in self._answered


def at_once(count: int) -> Iterator[float]:
    """Pictures dropped together, as the intake takes them in."""
    return (number / INTAKE_PER_S for number in range(count))


def steadily(per_s: float, seconds: float) -> Iterator[float]:
    """Tasks that arrive one after the other."""
    return (number / per_s for number in range(round(per_s * seconds)))


def main() -> None:
    """Prints a table per load."""
    parser = argparse.ArgumentParser(prog="python -m tools.sleeping_endpoint", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--drops", type=int, default=10_000)
    parser.add_argument("--start-s", type=float, default=120.0)
    given = parser.parse_args()
    loads: dict[str, Callable[[], Iterator[float]]] = {
        f"{given.drops:,} drops at once": lambda: at_once(given.drops),
        "20 tasks a second for 20 minutes": lambda: steadily(20, 1200),
        "a task every 20 seconds for an hour": lambda: steadily(0.05, 3600),
    }
    for name, arrivals in loads.items():
        print(f"{name:36}{'all done':>10}{'median':>9}{'slowest':>9}{'on CPU':>9}{'on GPU':>9}   instance")
        for way in Way:
            outcome = Simulation(way, arrivals(), given.start_s).run()
            came = "none" if outcome.awake_at is None else f"after {outcome.awake_at:.0f} s"
            middle, slowest = statistics.median(outcome.waits_s), max(outcome.waits_s)
            print(
                f"  {way.value:34}{outcome.ended_at:8.0f} s{middle:7.1f} s{slowest:7.1f} s"
                f"{outcome.on_cpu:9,}{outcome.on_gpu:9,}   {came}"
            )


if __name__ == "__main__":
    main()
