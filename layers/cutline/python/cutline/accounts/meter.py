"""Rate, daily quota, calls under way and charge of an account: a few DynamoDB items per account and UTC day.

A call is reserved by one conditional write to a lane of the day (`cutline.accounts.shards`) before the work and
ended by one write after it. Besides what it needs for that, an item counts

    calls_<api>, charged_micros_<api>, refused_<api>   what the usage report reads; charged_micros is the sum

Refused are the calls of a known account that its rate or quota did not let in, and those that failed afterwards; calls
that died count as refused_lapsed, because a hold does not name its API.

A process that dies between the two writes leaves its hold behind. Lapsed holds are given back by the next call that
sees them, and `remaining` does not count them, so a crash costs quota for `HOLD_S` at most.

Calls under way for longer are background tasks. There may be thousands of an account's, and a write costs by the size
of its item, so their holds and their counters lie apart, in `SHARDS` more items per day. Where the account has a quota,
one transaction writes the hold and takes the place in a lane; a place that comes back is `taken -1` beside the hold, so
that ending a task is one write. Lanes that are full therefore look at the shards. docs/charging.md has every write.
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
from cutline.accounts.shard_allocator import Held, Rooms, named
from cutline.accounts.shards import HOLD, WAIT, Lane, Room, expires_at, lapsed
from cutline.adapters.dynamodb import ConditionFailed, Write, may_have_written, write_if
from cutline.errors import AccessRefused, Reason, ServiceFault
from cutline.storage_keys import DAY

# Longer than any function of a call may run, so that nobody gives back what is still at work.
HOLD_S = 60
SHARDS = 64
# Calls under way per account: two seconds' worth of its rate, but never fewer than four.
UNDER_WAY_S, UNDER_WAY_MIN = 2.0, 4
# Upload tickets and repeated answers have rates of their own: this many times the account's, and at least this many
# per second.
PACE, PACE_MIN = 2.0, 4.0


@dataclass(frozen=True)
class Reservation:
    """One call's place in the quota; `remaining` counts what is left after it (None: unlimited, or not known).

    apart: whether its hold lies with the day's background tasks. joined: whether an earlier try had made it.
    """

    account: Account
    day: str
    call_id: str
    remaining: int | None
    apart: bool = False
    joined: bool = False

    @property
    def key(self) -> dict[str, str]:
        """The key of the item with the hold. A call's id ends with its lane's number, except in the first lane."""
        if self.apart:
            shard = zlib.crc32(self.call_id.encode()) % SHARDS
            return {"pk": account_key(self.account.account_id), "sk": f"{DAY}{self.day}#{shard:02d}"}
        return Lane(self.account.account_id, self.day, int(self.call_id.partition("~")[2] or 0)).key


class Meter:
    """Reserves, settles and releases calls.

    most_at_once: the calls under way that no account may exceed, whatever its rate; 0: no such bound.
    """

    def __init__(self, table: Any, service_qps: float = 0.0, most_at_once: int = 0) -> None:
        self._table = table
        self._service = Account("*service*", qps=service_qps) if service_qps > 0 else None
        self._most_at_once = most_at_once
        self._rooms = Rooms(table, lambda account: None if account == self._service else self._at_once(account))

    def reserve(
        self,
        account: Account,
        call_id: str,
        now: float | None = None,
        hold_s: int = HOLD_S,
        *,
        paced: bool = True,
        again: bool = False,
    ) -> Reservation:
        """Takes one call from the rate and the quota, for `hold_s` unless it is ended before.

        Unless `paced` it takes from the quota alone, for work that something else bounds. Where the call is held
        already, nothing is taken again; `again` says that it may be, by an earlier try. `now` None reads the clock at
        every write: a call that was slow to come here, or lost races, would otherwise seem to be ahead of its rate.
        Raises AccessRefused(RATE_EXCEEDED | QUOTA_EXCEEDED | SERVICE_RATE_EXCEEDED).
        """
        clock = _clock(now)
        if hold_s > HOLD_S:
            reservation = self._take_apart(account, call_id, clock, hold_s, paced=paced, again=again)
        else:
            reservation = self._take(account, call_id, clock, hold_s, paced=paced)
        if paced and not reservation.joined:
            self._take_of_service(reservation, clock)
        return reservation

    def wait(self, account: Account, call_id: str, now: float | None = None) -> Reservation:
        """Lets a call wait for another: it costs rate and is under way like any other, but has no place in the quota.

        Raises AccessRefused(RATE_EXCEEDED).
        """
        clock = _clock(now)
        room = Room(qps=account.qps, at_once=self._at_once(account), hold=WAIT + call_id, hold_s=HOLD_S, places=0)
        lane, _ = self._rooms.place(account, day_of(clock()), room, clock)
        return Reservation(account, lane.day, named(call_id, lane), None)

    def enter(self, account: Account, call_id: str, day: str) -> Reservation:
        """Lets a task wait for its picture's server, like `wait`; `day` is the one it was reserved for.

        It paid with rate when it was reserved. Raises AccessRefused(RATE_EXCEEDED).
        """
        room = Room(at_once=self._at_once(account), hold=WAIT + call_id, hold_s=HOLD_S, places=0)
        lane, _ = self._rooms.place(account, day, room, time.time)
        return Reservation(account, day, named(call_id, lane), None)

    def end_wait(self, waiting: Reservation) -> None:
        """Ends what `wait` or `enter` began."""
        self._end(waiting, "under_way :minus", {":minus": -1}, WAIT)

    def pace(self, account: Account, what: str) -> None:
        """Takes one from the account's rate of `what`, such as "tickets". Raises AccessRefused(RATE_EXCEEDED)."""
        apart = Account(f"{account.account_id}#{what}", qps=max(PACE_MIN, PACE * account.qps))
        self._rooms.place(apart, day_of(time.time()), Room(qps=apart.qps, places=0), time.time)

    def settle(self, reservation: Reservation, api: str) -> bool:
        """Ends a served call: counted and charged once, however often it is tried. Whether it was this time.

        Where the SDK had to send the write twice and finds the call ended, that is taken for its own doing.
        """
        return self._write(self.settlement(reservation, api))

    def settlement(self, reservation: Reservation, api: str) -> Write:
        """The write that `settle` does, for a caller that joins it with another write in one transaction."""
        price = reservation.account.price_of(api)
        additions = f"calls_{api} :one, charged_micros :price, charged_micros_{api} :price"
        values = {":one": 1, ":price": price}
        if reservation.apart:
            return _ending(reservation, additions, values)
        return _ending(reservation, f"{additions}, under_way :minus", {**values, ":minus": -1})

    def release(self, reservation: Reservation, api: str) -> bool:
        """Ends a call that was not served: the quota gets it back, nothing is charged. Whether it was this time."""
        return self._end(reservation, f"{_back(reservation)}, refused_{api} :one", {":minus": -1, ":one": 1})

    def cancel(self, reservation: Reservation) -> None:
        """Takes a reservation back as if it had never been made: nothing is counted."""
        self._end(reservation, _back(reservation), {":minus": -1})

    def refuse(self, account: Account, api: str, now: float | None = None) -> None:
        """Counts a call that `reserve` did not let in; it took nothing, so there is nothing to give back."""
        now = _clock(now)()
        count = self._rooms.count_of(account, day_of(now))
        self._table.update_item(
            Key=Lane(account.account_id, day_of(now), random.randrange(count), count).key,
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

    def _take(
        self, account: Account, call_id: str, clock: Callable[[], float], hold_s: int, *, paced: bool
    ) -> Reservation:
        room = Room(
            qps=account.qps if paced else None,
            quota=account.daily_quota,
            at_once=self._at_once(account),
            hold=HOLD + call_id,
            hold_s=hold_s,
        )
        lane, item = self._rooms.place(account, day_of(clock()), room, clock)
        remaining = None
        if account.daily_quota is not None:
            left = lane.share(self._rooms.quota(account, lane.day)) - int(item["taken"])
            # If the day has several lanes this is an estimate: the other lanes are about as full as this one.
            remaining = max(0, (left + sum(name.startswith(HOLD) for name in lapsed(item, clock()))) * lane.count)
        return Reservation(account, lane.day, named(call_id, lane), remaining)

    def _take_apart(
        self, account: Account, call_id: str, clock: Callable[[], float], hold_s: int, *, paced: bool, again: bool
    ) -> Reservation:
        """Hold and place in one transaction; without a quota the place lies beside the hold, in one write."""
        began = clock()
        reservation = Reservation(account, day_of(began), call_id, None, apart=True)
        room = Room(qps=account.qps if paced else None, quota=account.daily_quota)
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
                self._rooms.place(account, reservation.day, room, clock, beside=hold)
                return reservation
            if paced:
                self._rooms.place(account, reservation.day, replace(room, places=0), clock)
            condition = str(hold.pop("ConditionExpression"))
            write_if(self._table.update_item, condition, **hold)
        except Held:
            return replace(reservation, joined=True)
        except ConditionFailed as error:
            return replace(reservation, joined=not error.repeated)
        except (AccessRefused, ServiceFault):
            raise
        except BaseException as error:
            # A call's hold lapses within a minute, a task's after hours. So take back whatever may have been written.
            if not again and (may_have_written(error) or not isinstance(error, ClientError)):
                self.cancel(reservation)
            raise
        return reservation

    def _take_of_service(self, reservation: Reservation, clock: Callable[[], float]) -> None:
        """The service's rate comes last, so that only calls that are let in spend it."""
        if self._service is None:
            return
        try:
            self._rooms.place(self._service, day_of(clock()), Room(qps=self._service.qps, places=0), clock)
        except BaseException as error:
            self.cancel(reservation)
            if isinstance(error, AccessRefused):
                raise AccessRefused(Reason.SERVICE_RATE_EXCEEDED) from error
            raise

    def _at_once(self, account: Account) -> int:
        return at_once(account.qps, self._most_at_once)


def at_once(qps: float, most: int) -> int:
    """The calls that an account of this rate may have under way; `most` is the bound on every account, 0 for none."""
    own = max(UNDER_WAY_MIN, int(UNDER_WAY_S * qps))
    return min(own, most) if most else own


def day_of(now: float) -> str:
    """The UTC day that a call counts for."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")


def _clock(now: float | None) -> Callable[[], float]:
    return time.time if now is None else lambda: now


def _back(reservation: Reservation) -> str:
    return "taken :minus" if reservation.apart else "taken :minus, under_way :minus"


def _ending(reservation: Reservation, additions: str, values: dict[str, Any], kind: str = HOLD) -> Write:
    """Takes the hold away and adds, if the hold is there."""
    return {
        "Key": reservation.key,
        "UpdateExpression": f"REMOVE #hold ADD {additions}",
        "ConditionExpression": "attribute_exists(#hold)",
        "ExpressionAttributeNames": {"#hold": kind + reservation.call_id},
        "ExpressionAttributeValues": values,
    }
