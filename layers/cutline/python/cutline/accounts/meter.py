"""Rate, daily quota and charge of an account: one DynamoDB item per account and UTC day.

A call is reserved by one conditional write before the work and ended by one write after it. The item holds

    taken      calls served today plus calls under way; compared with the quota
    hold:<id>  one attribute per call under way: the unix second at which its hold lapses
    tat_us     the rate limit's theoretical arrival time (GCRA, the virtual scheduling form of a token bucket;
               ITU-T I.371), in unix microseconds
    calls_<api>, charged_micros_<api>, refused_<api>   counters that the usage report reads; charged_micros is the sum

Refused are the calls of a known account that its rate or quota did not let in, and those that failed afterwards; calls
that died count as refused_lapsed, because a hold does not name its API.

A process that dies between the two writes leaves its hold behind. Lapsed holds are given back by the next call that
the quota would refuse, and `remaining` does not count them, so a crash costs quota for `HOLD_S` at most.

Calls under way for longer are background tasks. There may be thousands of an account's, and a write costs by the size
of its item, so their holds and their counters lie apart, in `SHARDS` more items per day. What is charged is still one
write; only `taken` stays with the day's item. A task that nobody ends keeps its place in the day's quota.
"""

import math
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from cutline.accounts.account import Account, account_key
from cutline.adapters.dynamodb import ConditionFailed, write_if
from cutline.errors import AccessRefused, Reason, ServiceFault
from cutline.storage_keys import DAY

HOLD_S = 60
KEEP_DAYS = 400
SHARDS = 64
# Seconds' worth of the rate that an idle caller may use at once.
BURST_S = 1.0
_ATTEMPTS = 6
_HOLD = "hold:"


@dataclass(frozen=True)
class Reservation:
    """One call's place in the quota; `remaining` counts what is left after it (None: unlimited).

    apart: whether its hold lies with the day's background tasks.
    """

    account: Account
    day: str
    call_id: str
    remaining: int | None
    apart: bool = False

    @property
    def key(self) -> dict[str, str]:
        """Of the item with the hold."""
        key = _key(self.account, self.day)
        return {**key, "sk": f"{key['sk']}#{zlib.crc32(self.call_id.encode()) % SHARDS:02d}"} if self.apart else key


class Meter:
    """Reserves, settles and releases calls. Holds no state of its own."""

    def __init__(self, table: Any, service_qps: float = 0.0) -> None:
        self._table = table
        self._service = Account("*service*", qps=service_qps) if service_qps > 0 else None

    def reserve(
        self, account: Account, call_id: str, now: float | None = None, hold_s: int = HOLD_S, *, paced: bool = True
    ) -> Reservation:
        """Takes one call from the rate and the quota, for `hold_s` unless it is ended before.

        Unless `paced` it takes from the quota alone, for work that something else bounds. Where the call is held
        already, nothing is taken again. `now` None reads the clock at every write: a call that was slow to come here,
        or lost races, would otherwise seem to be ahead of its rate.
        Raises AccessRefused(RATE_EXCEEDED | QUOTA_EXCEEDED | SERVICE_RATE_EXCEEDED).
        """
        if self._service is not None and paced:
            try:
                self._take(self._service, call_id, now, hold_s=0)
            except AccessRefused as error:
                raise AccessRefused(Reason.SERVICE_RATE_EXCEEDED) from error
        if hold_s > HOLD_S:
            return self._take_apart(account, call_id, now, hold_s, paced=paced)
        return self._take(account, call_id, now, hold_s, paced=paced)

    def settle(self, reservation: Reservation, api: str) -> bool:
        """Ends a served call: counted and charged once, however often it is tried. Whether it was this time."""
        price = reservation.account.price_of(api)
        additions = f"calls_{api} :one, charged_micros :price, charged_micros_{api} :price"
        return self._end(reservation, additions, {":one": 1, ":price": price})

    def release(self, reservation: Reservation, api: str) -> None:
        """Ends a call that was not served: the quota gets it back, nothing is charged."""
        if not reservation.apart:
            self._end(reservation, f"taken :minus, refused_{api} :one", {":minus": -1, ":one": 1})
        elif self._end(reservation, f"refused_{api} :one", {":one": 1}):
            self._table.update_item(
                Key=_key(reservation.account, reservation.day),
                UpdateExpression="ADD taken :minus",
                ExpressionAttributeValues={":minus": -1},
            )

    def refuse(self, account: Account, api: str, now: float | None = None) -> None:
        """Counts a call that `reserve` did not let in; it took nothing, so there is nothing to give back."""
        now = _or_clock(now)
        self._table.update_item(
            Key=_key(account, day_of(now)),
            UpdateExpression=f"SET expires_at = :expires_at ADD refused_{api} :one",
            ExpressionAttributeValues={":expires_at": _expires_at(now), ":one": 1},
        )

    def _end(self, reservation: Reservation, additions: str, values: dict[str, Any]) -> bool:
        """Takes the hold away and adds; False, and nothing added, where the call has been ended before."""
        try:
            write_if(
                self._table.update_item,
                "attribute_exists(#hold)",
                Key=reservation.key,
                UpdateExpression=f"REMOVE #hold ADD {additions}",
                ExpressionAttributeNames={"#hold": _HOLD + reservation.call_id},
                ExpressionAttributeValues=values,
            )
        except ConditionFailed:
            return False
        return True

    def _take_apart(
        self, account: Account, call_id: str, now: float | None, hold_s: int, *, paced: bool
    ) -> Reservation:
        """The hold first, so that whoever tries again finds it; taken back where there is no room."""
        began = _or_clock(now)
        reservation = Reservation(account, day_of(began), call_id, None, apart=True)
        hold = {"#hold": _HOLD + call_id}
        try:
            write_if(
                self._table.update_item,
                "attribute_not_exists(#hold)",
                Key=reservation.key,
                UpdateExpression="SET #hold = :until, expires_at = :expires_at",
                ExpressionAttributeNames=hold,
                ExpressionAttributeValues={":until": int(began) + hold_s, ":expires_at": _expires_at(began)},
            )
        except ConditionFailed:
            # Work that is not paced may come again under its id. A call's id is new, so this very write came twice.
            if not paced:
                return reservation
        try:
            taken = self._take(account, call_id, now, hold_s=0, paced=paced, day=reservation.day)
        except BaseException:
            self._table.update_item(Key=reservation.key, UpdateExpression="REMOVE #hold", ExpressionAttributeNames=hold)
            raise
        return replace(reservation, remaining=taken.remaining)

    def _take(
        self, account: Account, call_id: str, now: float | None, hold_s: int, *, paced: bool = True, day: str = ""
    ) -> Reservation:
        if account.daily_quota is not None and account.daily_quota <= 0:  # a fresh day's item has nothing to compare
            raise AccessRefused(Reason.QUOTA_EXCEEDED)
        day = day or day_of(_or_clock(now))
        item: Mapping[str, Any] = {}
        idle = True if paced else None
        for _ in range(_ATTEMPTS):
            try:
                item = self._write(account, day, call_id, _or_clock(now), idle=idle, hold_s=hold_s)
            except ConditionFailed as error:
                item = error.item
                if _HOLD + call_id not in item:  # else the answer to an earlier try of this very write was lost
                    idle = self._judge(account, day, item, _or_clock(now), idle)
                    continue
            return Reservation(account, day, call_id, _remaining(account, item, _or_clock(now)))
        raise ServiceFault(Reason.OVERLOADED, "too many calls of one account at once")

    def _write(
        self, account: Account, day: str, call_id: str, now: float, *, idle: bool | None, hold_s: int
    ) -> Mapping[str, Any]:
        """The reservation itself. DynamoDB has no max(), so an idle and a busy rate limit are two conditions.

        `idle` None leaves the rate alone.
        """
        now_us, interval_us, burst_us = _rate(account, now)
        sets, conditions = ["expires_at = :expires_at"], []
        names: dict[str, str] = {}
        values: dict[str, Any] = {":one": 1, ":expires_at": _expires_at(now)}
        if idle is True:
            sets.append("tat_us = :next")
            conditions.append("(attribute_not_exists(tat_us) OR tat_us <= :now)")
            values |= {":now": now_us, ":next": now_us + interval_us}
        elif idle is False:
            sets.append("tat_us = tat_us + :step")
            conditions.append("tat_us > :now AND tat_us <= :latest")
            values |= {":now": now_us, ":step": interval_us, ":latest": now_us + burst_us}
        if account.daily_quota is not None:
            conditions.append("(attribute_not_exists(taken) OR taken < :quota)")
            values[":quota"] = account.daily_quota
        if hold_s:
            sets.append("#hold = :until")
            conditions.append("attribute_not_exists(#hold)")
            names["#hold"] = _HOLD + call_id
            values[":until"] = int(now) + hold_s
        answer = write_if(
            self._table.update_item,
            " AND ".join(conditions),
            Key=_key(account, day),
            UpdateExpression=f"SET {', '.join(sets)} ADD taken :one",
            ExpressionAttributeValues=values,
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **({"ExpressionAttributeNames": names} if names else {}),
        )
        attributes: Mapping[str, Any] = answer["Attributes"]
        return attributes

    def _judge(self, account: Account, day: str, item: Mapping[str, Any], now: float, idle: bool | None) -> bool | None:
        """Why the write was refused: raises, or returns whether to try again as idle."""
        now_us, _, burst_us = _rate(account, now)
        full = account.daily_quota is not None and int(item.get("taken", 0)) >= account.daily_quota
        if full and not self._give_back_lapsed(account, day, item, now):
            raise AccessRefused(Reason.QUOTA_EXCEEDED)
        if idle is None:
            return None
        tat_us = int(item.get("tat_us", 0))
        if tat_us > now_us + burst_us:
            raise AccessRefused(Reason.RATE_EXCEEDED)
        return tat_us <= now_us

    def _give_back_lapsed(self, account: Account, day: str, item: Mapping[str, Any], now: float) -> int:
        """Releases the holds of calls that never ended; the condition makes each count once among racing callers."""
        lapsed = _lapsed(item, now)
        for name in lapsed:
            self.release(Reservation(account, day, name.removeprefix(_HOLD), None), "lapsed")
        return len(lapsed)


def day_of(now: float) -> str:
    """The UTC day that a call counts for."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")


def _expires_at(now: float) -> int:
    return int(now) + KEEP_DAYS * 86400


def _or_clock(now: float | None) -> float:
    return time.time() if now is None else now


def _rate(account: Account, now: float) -> tuple[int, int, int]:
    """Now, the interval between calls and how far an arrival may lie ahead, all in microseconds."""
    interval_us = math.ceil(1_000_000 / account.qps)
    at_once = max(1, int(account.qps * BURST_S))
    return int(now * 1_000_000), interval_us, interval_us * (at_once - 1)


def _remaining(account: Account, item: Mapping[str, Any], now: float) -> int | None:
    if account.daily_quota is None:
        return None
    return account.daily_quota - int(item["taken"]) + len(_lapsed(item, now))


def _lapsed(item: Mapping[str, Any], now: float) -> list[str]:
    return [name for name, until in item.items() if name.startswith(_HOLD) and int(until) < now]


def _key(account: Account, day: str) -> dict[str, str]:
    return {"pk": account_key(account.account_id), "sk": DAY + day}
