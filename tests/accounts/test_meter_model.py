"""The meter against a model: whatever the fate of its writes, every unit is held, charged or returned."""

from collections import Counter

from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from cutline.accounts import shard_allocator
from cutline.accounts.account import Account
from cutline.accounts.meter import HOLD_S, Meter, Reservation
from cutline.errors import AccessRefused, MattingError
from tests.support.lossy import LossyTable
from tests.support.signed_calls import NOW

TASK_S, PRICE = 12 * 3600, 7
# Of two writes at most, and then all goes well.
FATES = st.lists(st.sampled_from(["", "repeated", "lost", "unsent", "refused"]), max_size=3)


class MeterMachine(RuleBasedStateMachine):
    """Calls and tasks of one account come, end twice or never, on a line that loses writes and answers."""

    held = Bundle("held")

    @initialize(quota=st.sampled_from([None, 1, 3, 2500]), qps=st.sampled_from([4.0, 200.0]), service=st.booleans())
    def open(self, quota: int | None, qps: float, service: bool) -> None:
        shard_allocator._RETURNED_S = -1.0
        self.table = LossyTable("meters", "pk", "sk")
        self.account = Account("a", qps=qps, daily_quota=quota, price_micros={"*": PRICE})
        self.meters = [Meter(self.table, 50.0 if service else 0.0) for _ in range(2)]
        self.now, self.calls = NOW, 0
        self.charged, self.unclear, self.ended = set[str](), set[str](), set[str]()

    @rule(
        target=held,
        task=st.booleans(),
        rate_limited=st.booleans(),
        again=st.booleans(),
        process=st.integers(0, 1),
        fates=FATES,
    )
    def reserve(self, task: bool, rate_limited: bool, again: bool, process: int, fates: list[str]) -> object:
        # Reserved again are tasks that no write has ended: their caller looks at the task's state first.
        again = task and again and f"t{self.calls}" not in self.ended
        self.calls += not again
        call_id = f"{'t' if task else 'c'}{self.calls}"
        hold_s = TASK_S if task else HOLD_S
        self._fates(fates)
        try:
            return self.meters[process].reserve(
                self.account, call_id, self.now, hold_s, rate_limited=rate_limited, again=again
            )
        except (MattingError, ClientError, BotoCoreError):
            return multiple()

    @rule(reservation=held, process=st.integers(0, 1), fates=FATES)
    def settle(self, reservation: Reservation, process: int, fates: list[str]) -> None:
        self._fates(fates)
        self.ended.add(reservation.call_id)
        try:
            settled = self.meters[process].settle(reservation, "pw")
        except (ClientError, BotoCoreError):
            self.unclear.add(reservation.call_id)
        else:
            if settled:  # of a write that came twice it is not known whether it met itself
                (self.unclear if "repeated" in fates else self.charged).add(reservation.call_id)

    @rule(reservation=consumes(held), times=st.integers(1, 2), fates=FATES)
    def release(self, reservation: Reservation, times: int, fates: list[str]) -> None:
        self._fates(fates)
        self.ended.add(reservation.call_id)
        for _ in range(times):
            try:
                self.meters[0].release(reservation, "pw")
            except (ClientError, BotoCoreError):
                continue

    @rule(fates=FATES)
    def wait(self, fates: list[str]) -> None:
        self.calls += 1
        self._fates(fates)
        try:
            self.meters[0].end_wait(self.meters[1].wait(self.account, f"w{self.calls}", self.now))
        except (MattingError, ClientError, BotoCoreError):
            return

    @rule(seconds=st.sampled_from([0.1, 1.0, 10.0, HOLD_S + 1.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def let_holds_expire(self) -> None:
        """A minute after the last write, one call gives back every expired hold."""
        self.now += HOLD_S + 1
        self._fates([])
        for _ in range(4):
            try:
                self.meters[1].end_wait(self.meters[1].wait(self.account, f"x{self.calls}", self.now))
            except AccessRefused:
                self.now += 1
        holds = [name for item in self.table.items.values() for name in item if name.startswith(("hold:c", "wait:"))]
        assert len(holds) <= 20  # each shard keeps its own until a call reads it

    @invariant()
    def every_place_is_held_or_charged(self) -> None:
        sums = self._sums()
        assert sums["taken"] == sums["calls_pw"] + sums["hold"]
        if self.account.daily_quota is not None:
            assert sums["taken"] <= self.account.daily_quota

    @invariant()
    def every_call_in_flight_has_a_mark(self) -> None:
        for (pk, sk), item in self.table.items.items():
            names = [name for name in item if name.startswith(("hold:", "wait:"))]
            assert sk.count("#") > 1 or "service" in pk or item.get("under_way", 0) == len(names)

    @invariant()
    def served_once_is_charged_once(self) -> None:
        sums = self._sums()
        assert sums["charged_micros"] == sums["charged_micros_pw"] == PRICE * sums["calls_pw"]
        assert len(self.charged) <= sums["calls_pw"] <= len(self.charged | self.unclear)

    def teardown(self) -> None:
        shard_allocator._RETURNED_S = 1.0

    def _fates(self, fates: list[str]) -> None:
        left = list(fates)
        self.table.line.fate = lambda _: left.pop(0) if left else ""

    def _sums(self) -> Counter[str]:
        sums: Counter[str] = Counter()
        for item in self.table.items.values():
            for name, value in item.items():
                if isinstance(value, int) and "service" not in item["pk"]:
                    sums["hold" if name.startswith("hold:") else name] += 1 if name.startswith("hold:") else value
        return sums


def test_every_unit_is_held_charged_or_returned_for_every_fate_of_the_writes() -> None:
    run_state_machine_as_test(MeterMachine, settings=settings(max_examples=60, stateful_step_count=30, deadline=None))
