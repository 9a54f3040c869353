"""A load, and what follows from it without any bound."""

from dataclasses import dataclass, field
from functools import cache, cached_property

from cutline.accounts.account import CACHE_S
from tools.bill.totals import Habits
from tools.bill.work import CALLS, LINK, QUESTION, TASK, Work
from tools.meter_simulation import Simulation

# Lambda replaces a sandbox after some two hours, however busy it is. An observation of others, and no promise.
SANDBOX_LIFE_S = 7200.0
# A DynamoDB read that may be a second old costs half a unit; a credential and its account are two.
_ACCOUNT_READ_UNITS = 2 * 0.5
# The rate that a shop's account is given, over the rate at which it sends.
_HEADROOM = 1.25
# The meter's simulation costs seconds of computing; this many calls are enough.
_SIMULATED_CALLS = 1500
_TRIP_S = (0.005, 0.020)


@cache
def _simulated(qps: float, rate: float) -> tuple[float, int]:
    """Of one account's calls: write units per call, and the busiest item's in a second."""
    tally = Simulation(qps, 1 / _HEADROOM, max(1.0, _SIMULATED_CALLS / rate), _TRIP_S).run()
    return sum(tally.units.values()) / max(1, tally.admitted), tally.busiest_units


@dataclass(frozen=True)
class Load:
    """`rate` pictures a second over all accounts, which send alike; as background tasks, or as synchronous calls.

    slower: by how much Lambda's processor is slower than the one of docs/speed.md. cold_s: a sandbox's start.
    """

    rate: float
    accounts: int = 1
    tasks: bool = False
    slower: float = 1.0
    cold_s: float = 3.0
    habits: Habits = field(default_factory=Habits)

    @property
    def work(self) -> Work:
        """What each picture is."""
        return TASK if self.tasks else CALLS[0]

    @property
    def account_rate(self) -> float:
        """One account's share."""
        return self.rate / self.accounts

    @property
    def qps(self) -> float:
        """What each account's rate is set to."""
        return self.account_rate * _HEADROOM

    @property
    def call_s(self) -> float:
        """The time of the function that the caller waits for."""
        return self.work.runs[0].ms / 1000 * self.slower

    def run_s(self, function: str) -> float:
        """The time of one run of `function`, 0 if the work has none."""
        return sum(run.ms for run in self.work.runs if run.function == function) / 1000 * self.slower

    @cached_property
    def sandboxes(self) -> float:
        """At work at once, of all functions: the pictures', the links' and the questions' (Little's law)."""
        more = LINK.runs[0].ms * self.habits.fetched + (
            QUESTION.runs[0].ms * self.habits.questions if self.tasks else 0
        )
        return self.rate * (sum(run.ms for run in self.work.runs) + more) / 1000 * self.slower

    @cached_property
    def meter(self) -> tuple[float, int]:
        """DynamoDB's write units per call for its reservation and charge, and the busiest item's in a second.

        Of a task: a transaction on two items, and the charge, all of one partition key.
        """
        if self.tasks:
            return 5.0, round(5 * self.account_rate)
        return _simulated(self.qps, self.account_rate)

    @property
    def account_reads(self) -> float:
        """Times a second that a sandbox reads a credential and its account again."""
        callers = max(1.0, self.rate * self.call_s)
        return min(self.rate, callers * self.accounts / CACHE_S)

    @property
    def decryptions(self) -> float:
        """Decryptions of secrets per second: each sandbox makes one for each account that it meets."""
        callers = max(1.0, self.rate * self.call_s)
        met = min(self.accounts, SANDBOX_LIFE_S * self.rate / callers)
        return 0.0 if self.tasks else callers * met / SANDBOX_LIFE_S

    def more_units(self) -> dict[str, float]:
        """What a picture takes at this rate beyond the quiet one of `tools.bill`, by price."""
        slower = self.slower - 1
        seconds = sum(run.ms * run.memory_mb for run in self.work.runs) / 1000 / 1024
        return {
            f"lambda {self.habits.processor}": seconds * slower,
            "dynamodb writes": 0.0 if self.tasks else max(0.0, self.meter[0] - 2),
            "dynamodb reads": self.account_reads * _ACCOUNT_READ_UNITS / self.rate,
            "kms": self.decryptions / self.rate,
        }
