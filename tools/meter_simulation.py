"""What the meter does under load: calls of one account, in virtual time, against DynamoDB's semantics.

    python -m tools.meter_simulation

Calls arrive at random (Poisson) at a share of the account's rate. A write takes a round trip of 5 to 20 ms and is
applied in the middle of it; a call works for half a second and settles. Per rate and load it prints the calls that were
refused although the rate had demand for them on average, the writes per call, and the busiest item's write units per
second, of which DynamoDB gives an item 1,000. The meter's own code decides: `cutline.accounts.shards.Acquisition`.
"""

import heapq
import itertools
import math
import random
from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from cutline.accounts.account import Account
from cutline.accounts.meter import Meter, Reservation, max_in_flight
from cutline.accounts.shards import HOLD, Acquisition, Demand, Shard, ShardFull, shards_for
from cutline.adapters.dynamodb import ConditionFailed
from cutline.errors import Reason
from devkit.memory_table import MemoryTable

# Noon, so that no midnight falls into a run.
START = 1_704_110_400.0
DAY = "2024-01-01"
WORK_S = 0.5
UNIT_BYTES = 1024
ITEM_UNITS = 1000

# A process yields the seconds until it wants to go on.
Process = Generator[float, None, None]


@dataclass
class Tally:
    """What became of a run's calls."""

    offered: int = 0
    admitted: int = 0
    refused: int = 0
    broken: int = 0
    writes: int = 0
    units: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def busiest_units(self) -> int:
        """The most write units that one item took in a second."""
        return max(self.units.values(), default=0)


class Simulation:
    """One account's calls at `load` times its rate, for `seconds`, with round trips in the given range."""

    def __init__(self, qps: float, load: float, seconds: float, trip_s: tuple[float, float]) -> None:
        self.account = Account("a", qps=qps)
        self.count = shards_for(qps, None)
        self.tally = Tally()
        self._rate, self._seconds, self._trip_s = qps * load, seconds, trip_s
        self._table = MemoryTable("meters", "pk", "sk")
        self._meter = Meter(self._table)
        self._random = random.Random(1)
        self._now = START
        self._turns: list[tuple[float, int, Process]] = []
        self._ids = itertools.count()
        # What each process remembers of each shard's rate; the one that was used last is used next, as Lambda does.
        self._idle: list[dict[int, bool]] = []

    def run(self) -> Tally:
        """Runs it to the end."""
        self._start(self._arrivals())
        while self._turns:
            self._now, _, process = heapq.heappop(self._turns)
            pause = next(process, None)
            if pause is not None:
                heapq.heappush(self._turns, (self._now + pause, next(self._ids), process))
        return self.tally

    def _start(self, process: Process) -> None:
        heapq.heappush(self._turns, (self._now, next(self._ids), process))

    def _arrivals(self) -> Process:
        while self._now < START + self._seconds:
            yield self._random.expovariate(self._rate)
            self._start(self._call(f"{next(self._ids):016d}"))

    def _call(self, call_id: str) -> Process:
        self.tally.offered += 1
        memory = self._idle.pop() if self._idle else {}
        shard = yield from self._admit(call_id, memory)
        if shard is not None:
            self.tally.admitted += 1
            yield WORK_S * self._random.uniform(0.5, 1.5)
            name = f"{call_id}~{shard.index}" if shard.index else call_id
            yield from self._write(dict(self._meter.settlement(Reservation(self.account, DAY, name, None), "jdc")))
        self._idle.append(memory)

    def _admit(self, call_id: str, memory: dict[int, bool]) -> Generator[float, None, Shard | None]:
        """In one of two shards, as `cutline.accounts.shard_allocator` does."""
        first = self._random.randrange(self.count)
        most = math.ceil(max_in_flight(self.account.qps, 0) / self.count)
        for turn in range(min(2, self.count)):
            shard = Shard("a", DAY, (first + turn) % self.count, self.count)
            hold = f"{HOLD}{call_id}~{shard.index}" if shard.index else HOLD + call_id
            demand = Demand(self.account.qps / self.count, None, most, hold, 60)
            acquisition = Acquisition(shard, demand, lambda: self._now, memory.get(shard.index, False))
            steps = acquisition.steps()
            try:
                write = next(steps)
                while True:
                    answer = yield from self._write(dict(write))
                    write = steps.send(answer)
            except StopIteration:
                return shard
            except ShardFull as full:
                if full.reason is not Reason.RATE_EXCEEDED:
                    self.tally.broken += 1
            finally:
                memory[shard.index] = acquisition.busy
        self.tally.refused += 1
        return None

    def _write(self, write: dict[str, Any]) -> Generator[float, None, Mapping[str, Any] | ConditionFailed]:
        """A round trip; failed conditions cost their units too."""
        trip = self._random.uniform(*self._trip_s)
        yield trip / 2
        write["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        item: Mapping[str, Any]
        try:
            item = self._table.update_item(**write)["Attributes"]
            answer: Mapping[str, Any] | ConditionFailed = item
        except ClientError as error:
            item = {name: int(value["N"]) if "N" in value else "" for name, value in error.response["Item"].items()}
            answer = ConditionFailed(item)
        self.tally.writes += 1
        self.tally.units[write["Key"]["pk"], int(self._now)] += math.ceil(_bytes_of(item) / UNIT_BYTES)
        yield trip / 2
        return answer


def _bytes_of(item: Mapping[str, Any]) -> int:
    """As DynamoDB counts: names in UTF-8, numbers about a byte per two digits and one more."""
    return sum(
        len(name) + (len(str(value)) // 2 + 2 if isinstance(value, int) else len(value)) for name, value in item.items()
    )


def main() -> None:
    """Prints the table."""
    print("rate/s  load  shards  calls  refused  faults  writes/call  busiest item, units/s")
    for qps, seconds in ((10, 60.0), (100, 20.0), (1000, 5.0)):
        for load in (0.8, 0.9, 1.0):
            simulation = Simulation(qps, load, seconds, (0.005, 0.020))
            tally = simulation.run()
            print(
                f"{qps:6}  {load:4.0%}  {simulation.count:5}  {tally.offered:6}  {tally.refused / tally.offered:7.2%}"
                f"  {tally.broken:6}  {tally.writes / tally.offered:11.2f}  {tally.busiest_units:5} of {ITEM_UNITS}"
            )


if __name__ == "__main__":
    main()
