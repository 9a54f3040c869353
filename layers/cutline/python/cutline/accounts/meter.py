"""Rate, daily quota, calls in flight and charge of an account: a few DynamoDB items per account and UTC day.

A call is reserved by one conditional write to a shard of the day (`cutline.accounts.shards`) before the work and
ended by one write after it. Besides what it needs for that, an item counts

    calls_<api>, charged_micros_<api>, refused_<api>   what the usage report reads; charged_micros is the sum

Refused are calls of a known account beyond its rate or quota, and calls that failed afterwards; calls that died count
as refused_lapsed, because a hold does not name its API.

A process that dies between the two writes leaves its hold behind. Expired holds are given back by the next call that
reads them, and `remaining` does not count them, so a crash costs quota for `HOLD_S` at most.

Calls in flight for longer are background tasks. An account may have thousands, and a write costs by the size of its
item, so their holds and counters are in `TASK_ITEMS` more items per day. Where the account has a quota, one transaction
writes the hold and takes the unit in a shard; a unit that comes back is `taken -1` in the hold's item, so that ending a
task is one write. A full shard therefore makes the meter read the task items. docs/charging.md has every write.
"""

import random
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from cutline.accounts.account import Account, account_key
from cutline.accounts.shard_allocator import Held, ShardAllocator, named
from cutline.accounts.shards import HOLD, WAIT, Demand, Shard, expires_at, lapsed
from cutline.adapters.dynamodb import ConditionFailed, Write, may_have_written, write_if
from cutline.errors import AccessRefused, Reason, ServiceFault
from cutline.storage_keys import DAY

# Longer than any function of a call may run, so that no hold of a call still at work is given back.
HOLD_S = 60
TASK_ITEMS = 64
# Calls in flight per account: two seconds' worth of its rate, but never fewer than four.
IN_FLIGHT_S, IN_FLIGHT_MIN = 2.0, 4
# Upload tickets and repeated answers have rates of their own: this many times the account's, and at least this many
# per second.
THROTTLE, THROTTLE_MIN = 2.0, 4.0


@dataclass(frozen=True)
class Reservation:
    """One call's unit of the quota; `remaining` is what is left after it (None: unlimited, or not known).

    is_task: whether its hold is in the day's task items. already_held: whether an earlier try had made it.
    """

    account: Account
    day: str
    call_id: str
    remaining: int | None
    is_task: bool = False
    already_held: bool = False

    @property
    def key(self) -> dict[str, str]:
        """The key of the item with the hold. A call's id ends with its shard's number, except in the first shard."""
        if self.is_task:
            shard = zlib.crc32(self.call_id.encode()) % TASK_ITEMS
            return {"pk": account_key(self.account.account_id), "sk": f"{DAY}{self.day}#{shard:02d}"}
        return Shard(self.account.account_id, self.day, int(self.call_id.partition("~")[2] or 0)).key


class Meter:
    """Reserves, settles and releases calls.

    max_in_flight: the calls in flight that no account may exceed at any rate; 0: no such bound.
    """

    def __init__(self, table: Any, service_qps: float = 0.0, max_in_flight: int = 0) -> None:
        self._table = table
        self._service = Account("*service*", qps=service_qps) if service_qps > 0 else None
        self._max_in_flight = max_in_flight
        self._allocator = ShardAllocator(table, self._in_flight_bound)

    def reserve(
        self,
        account: Account,
        call_id: str,
        now: float | None = None,
        hold_s: int = HOLD_S,
        *,
        rate_limited: bool = True,
        again: bool = False,
    ) -> Reservation:
        """Takes one call from the rate and the quota, for `hold_s` unless it is ended before.

        Unless `rate_limited` it takes from the quota only, for work with another bound. Where the call is held
        already, nothing is taken again; `again` says that it may be, by an earlier try. `now` None reads the clock at
        every write: a call that was slow to come here, or lost races, would otherwise seem to be ahead of its rate.
        Raises AccessRefused(RATE_EXCEEDED | QUOTA_EXCEEDED | SERVICE_RATE_EXCEEDED).
        """
        clock = _clock(now)
        if hold_s > HOLD_S:
            reservation = self._reserve_task(account, call_id, clock, hold_s, rate_limited=rate_limited, again=again)
        else:
            reservation = self._reserve_call(account, call_id, clock, hold_s, rate_limited=rate_limited)
        if rate_limited and not reservation.already_held:
            self._take_of_service(reservation, clock)
        return reservation

    def wait(self, account: Account, call_id: str, now: float | None = None) -> Reservation:
        """Lets a call wait for another: it costs rate and is in flight like any other, but takes nothing of the quota.

        Raises AccessRefused(RATE_EXCEEDED).
        """
        clock = _clock(now)
        demand = replace(self._waiting(account, call_id), qps=account.qps)
        shard, _ = self._allocator.acquire(account, day_of(clock()), demand, clock)
        return Reservation(account, shard.day, named(call_id, shard), None)

    def enter(self, account: Account, call_id: str, day: str) -> Reservation:
        """Lets a task wait for its picture's server, like `wait`; `day` is the one it was reserved for.

        It paid with rate when it was reserved. Raises AccessRefused(RATE_EXCEEDED).
        """
        shard, _ = self._allocator.acquire(account, day, self._waiting(account, call_id), time.time)
        return Reservation(account, day, named(call_id, shard), None)

    def end_wait(self, waiting: Reservation) -> None:
        """Ends what `wait` or `enter` began."""
        self._end(waiting, "under_way :minus", {":minus": -1}, WAIT)

    def throttle(self, account: Account, what: str) -> None:
        """Takes one from the account's rate of `what`, such as "tickets". Raises AccessRefused(RATE_EXCEEDED)."""
        limited = Account(f"{account.account_id}#{what}", qps=max(THROTTLE_MIN, THROTTLE * account.qps))
        self._allocator.acquire(limited, day_of(time.time()), Demand(qps=limited.qps, quota_units=0), time.time)

    def settle(self, reservation: Reservation, api: str) -> bool:
        """Ends a served call: counted and charged once, however often it is tried. Whether it was this time.

        Where the SDK had to send the write twice and finds the call ended, that is taken for its own doing.
        """
        return self._write(self.settlement(reservation, api))

    def settlement(self, reservation: Reservation, api: str) -> Write:
        """Return the write that `settle` does, for a caller that joins it with another write in one transaction."""
        price = reservation.account.price_of(api)
        additions = f"calls_{api} :one, charged_micros :price, charged_micros_{api} :price"
        values = {":one": 1, ":price": price}
        if reservation.is_task:
            return _ending(reservation, additions, values)
        return _ending(reservation, f"{additions}, under_way :minus", {**values, ":minus": -1})

    def release(self, reservation: Reservation, api: str) -> bool:
        """Ends a call that was not served: the quota gets it back, nothing is charged. Whether it was this time."""
        return self._end(reservation, f"{_back(reservation)}, refused_{api} :one", {":minus": -1, ":one": 1})

    def cancel(self, reservation: Reservation) -> None:
        """Takes a reservation back as if it had never been made: nothing is counted."""
        self._end(reservation, _back(reservation), {":minus": -1})

    def refuse(self, account: Account, api: str, now: float | None = None) -> None:
        """Counts a call that `reserve` refused; it took nothing, so there is nothing to give back."""
        now = _clock(now)()
        count = self._allocator.count_of(account, day_of(now))
        self._table.update_item(
            Key=Shard(account.account_id, day_of(now), random.randrange(count), count).key,
            UpdateExpression=f"SET expires_at = :expires_at ADD refused_{api} :one",
            ExpressionAttributeValues={":expires_at": expires_at(now), ":one": 1},
        )

    def _end(self, reservation: Reservation, additions: str, values: dict[str, Any], kind: str = HOLD) -> bool:
        return self._write(_ending(reservation, additions, values, kind))

    def _write(self, ending: Write) -> bool:
        """False, and nothing added, where the call has been ended before, but for this very write's first try."""
        arguments = dict(ending)
        try:
            write_if(self._table.update_item, arguments.pop("ConditionExpression"), **arguments)
        except ConditionFailed as error:
            return error.repeated
        return True

    def _reserve_call(
        self, account: Account, call_id: str, clock: Callable[[], float], hold_s: int, *, rate_limited: bool
    ) -> Reservation:
        demand = Demand(
            qps=account.qps if rate_limited else None,
            quota=account.daily_quota,
            max_in_flight=self._in_flight_limit(account),
            hold=HOLD + call_id,
            hold_s=hold_s,
        )
        shard, item = self._allocator.acquire(account, day_of(clock()), demand, clock)
        remaining = None
        if account.daily_quota is not None:
            left = shard.share(self._allocator.quota(account, shard.day)) - int(item["taken"])
            # If the day has several shards this is an estimate: the others are about as full as this one.
            remaining = max(0, (left + sum(name.startswith(HOLD) for name in lapsed(item, clock()))) * shard.count)
        return Reservation(account, shard.day, named(call_id, shard), remaining)

    def _reserve_task(
        self,
        account: Account,
        call_id: str,
        clock: Callable[[], float],
        hold_s: int,
        *,
        rate_limited: bool,
        again: bool,
    ) -> Reservation:
        """Hold and quota unit in one transaction; without a quota both are in the same item, in one write."""
        began = clock()
        reservation = Reservation(account, day_of(began), call_id, None, is_task=True)
        demand = Demand(qps=account.qps if rate_limited else None, quota=account.daily_quota)
        counted = account.daily_quota is None
        hold = {
            "Key": reservation.key,
            "UpdateExpression": f"SET #hold = :until, expires_at = :expires_at{' ADD taken :one' if counted else ''}",
            "ConditionExpression": "attribute_not_exists(#hold)",
            "ExpressionAttributeNames": {"#hold": HOLD + call_id},
            "ExpressionAttributeValues": {":until": int(began) + hold_s, ":expires_at": expires_at(began)}
            | ({":one": 1} if counted else {}),
        }
        try:
            if not counted:
                self._allocator.acquire(account, reservation.day, demand, clock, together_with=hold)
                return reservation
            if rate_limited:
                self._allocator.acquire(account, reservation.day, replace(demand, quota_units=0), clock)
            condition = str(hold.pop("ConditionExpression"))
            write_if(self._table.update_item, condition, **hold)
        except Held:
            return replace(reservation, already_held=True)
        except ConditionFailed as error:
            return replace(reservation, already_held=not error.repeated)
        except (AccessRefused, ServiceFault):
            raise
        except BaseException as error:
            # A call's hold expires within a minute, a task's after hours: take back a write that may have been applied.
            if not again and (may_have_written(error) or not isinstance(error, ClientError)):
                self.cancel(reservation)
            raise
        return reservation

    def _take_of_service(self, reservation: Reservation, clock: Callable[[], float]) -> None:
        """The service's rate comes last, so that only admitted calls spend it."""
        if self._service is None:
            return
        try:
            self._allocator.acquire(self._service, day_of(clock()), Demand(qps=self._service.qps, quota_units=0), clock)
        except BaseException as error:
            self.cancel(reservation)
            if isinstance(error, AccessRefused):
                raise AccessRefused(Reason.SERVICE_RATE_EXCEEDED) from error
            raise

    def _waiting(self, account: Account, call_id: str) -> Demand:
        limit = self._in_flight_limit(account)
        return Demand(max_in_flight=limit, hold=WAIT + call_id, hold_s=HOLD_S, quota_units=0)

    def _in_flight_bound(self, account: Account) -> int | None:
        return None if account == self._service else self._in_flight_limit(account)

    def _in_flight_limit(self, account: Account) -> int:
        return max_in_flight(account.qps, self._max_in_flight)


def max_in_flight(qps: float, most: int) -> int:
    """Return an account's maximum of calls in flight at this rate; `most`: the bound on every account, 0 for none."""
    own = max(IN_FLIGHT_MIN, int(IN_FLIGHT_S * qps))
    return min(own, most) if most else own


def day_of(now: float) -> str:
    """Return the UTC day that a call counts for."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")


def _clock(now: float | None) -> Callable[[], float]:
    return time.time if now is None else lambda: now


def _back(reservation: Reservation) -> str:
    return "taken :minus" if reservation.is_task else "taken :minus, under_way :minus"


def _ending(reservation: Reservation, additions: str, values: dict[str, Any], kind: str = HOLD) -> Write:
    """Takes the hold away and adds, if the hold is there."""
    return {
        "Key": reservation.key,
        "UpdateExpression": f"REMOVE #hold ADD {additions}",
        "ConditionExpression": "attribute_exists(#hold)",
        "ExpressionAttributeNames": {"#hold": kind + reservation.call_id},
        "ExpressionAttributeValues": values,
    }
