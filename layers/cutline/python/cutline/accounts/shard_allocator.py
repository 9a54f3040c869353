"""Reserves a call's demand in one of the shards of an account's day, and knows how many shards the day has."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from cutline.accounts.account import Account, account_key
from cutline.accounts.shards import Acquisition, Demand, Shard, ShardCountChanged, ShardFull, expires_at, shards_for
from cutline.adapters.dynamodb import ConditionFailed, ConditionsFailed, Item, Write, every_item, write_all, write_if
from cutline.errors import AccessRefused, Reason, ServiceFault
from cutline.storage_keys import DAY

_ANEW = 4
# For how long the units that task items gave back count before a full shard makes the allocator read them again.
_RETURNED_S = 1.0
_REMEMBERED = 10_000


class Held(Exception):
    """The hold that goes with the reservation exists already."""


class ShardAllocator:
    """Reserves demands in shards. Its memory of earlier calls saves writes and decides nothing."""

    def __init__(self, table: Any, max_in_flight: Callable[[Account], int | None] = lambda account: None) -> None:
        """`max_in_flight`: the most calls that an account may have in flight; None without a bound."""
        self._table = table
        self._in_flight_limit = max_in_flight
        self._shard_counts: dict[tuple[str, str], int] = {}
        self._busy: dict[tuple[str, str], bool] = {}
        self._returned: dict[tuple[str, str], tuple[float, int]] = {}

    def acquire(
        self, account: Account, day: str, demand: Demand, clock: Callable[[], float], together_with: Write | None = None
    ) -> tuple[Shard, Item]:
        """Reserve in one of the day's shards: the rate in one of two, the quota in any that has some left."""
        for _ in range(_ANEW):
            try:
                return self._acquire_in(account, day, demand, clock, together_with)
            except ShardCountChanged as other:
                self._remember(self._shard_counts, (account.account_id, day), other.count)
            except ShardFull as full:
                known = self.quota(account, day)
                if full.reason is not Reason.QUOTA_EXCEEDED or self._quota_with_returned(account, day) <= known:
                    raise AccessRefused(full.reason, full.detail) from full
        raise ServiceFault(Reason.OVERLOADED, "the quota changed during the reservation")

    def _acquire_in(
        self, account: Account, day: str, demand: Demand, clock: Callable[[], float], together_with: Write | None
    ) -> tuple[Shard, Item]:
        count = self.count_of(account, day)
        first, full = random.randrange(count), ShardFull(Reason.QUOTA_EXCEEDED)
        for turn in range(count):
            shard = Shard(account.account_id, day, (first + turn) % count, count)
            try:
                return shard, self._run(Acquisition(shard, self._share(account, shard, demand), clock), together_with)
            except ShardFull as error:
                full = error
                if error.reason is Reason.RATE_EXCEEDED and turn:
                    break
        raise full

    def _share(self, account: Account, shard: Shard, demand: Demand) -> Demand:
        """Return the shard's part of it, with the hold named after the shard."""
        if demand.quota is not None:
            if demand.quota <= 0:  # a fresh day's item has nothing to compare
                raise ShardFull(Reason.QUOTA_EXCEEDED)
            demand = replace(demand, quota=shard.share(self.quota(account, shard.day)))
            if demand.quota == 0:
                raise ShardFull(Reason.QUOTA_EXCEEDED)
        return replace(
            demand,
            qps=None if demand.qps is None else demand.qps / shard.count,
            max_in_flight=None if demand.max_in_flight is None else -(-demand.max_in_flight // shard.count),
            hold=named(demand.hold, shard) if demand.hold else "",
        )

    def _run(self, acquisition: Acquisition, together_with: Write | None) -> Item:
        shard = (acquisition.shard.key["pk"], acquisition.shard.day)
        acquisition.busy = self._busy.get(shard, False)
        send = self._send if together_with is None else partial(self._send_both, together_with)
        steps = acquisition.steps()
        try:
            write = next(steps)
            while True:
                # Only a write that reserves goes together with the hold.
                write = steps.send((send if "SET" in write["UpdateExpression"] else self._send)(write))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        finally:
            self._remember(self._busy, shard, acquisition.busy)

    def _send(self, write: Write) -> "Item | ConditionFailed":
        arguments = dict(write)
        condition = arguments.pop("ConditionExpression")
        wanted = {"ReturnValues": "ALL_NEW", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        try:
            item: Item = write_if(self._table.update_item, condition, **arguments, **wanted)["Attributes"]
        except ConditionFailed as error:
            return error
        return item

    def _send_both(self, together_with: Write, write: Write) -> "Item | ConditionFailed":
        try:
            write_all(self._table, [together_with, write])
        except ConditionsFailed as error:
            held, item = error.items
            if held is not None:
                raise Held from error
            return ConditionFailed(item or {})
        return {}

    def count_of(self, account: Account, day: str) -> int:
        """Number of shards of the day. The first call of a day that wants several fixes it, for all that follow."""
        known = self._shard_counts.get((account.account_id, day))
        if known is not None:
            return known
        count = shards_for(account.qps, account.daily_quota, self._in_flight_limit(account))
        if count > 1:
            begun = self._send(
                {
                    "Key": Shard(account.account_id, day).key,
                    "UpdateExpression": "SET lanes = :lanes, expires_at = :expires_at",
                    "ConditionExpression": "attribute_not_exists(lanes)",
                    "ExpressionAttributeValues": {":lanes": count, ":expires_at": expires_at(_midnight(day))},
                }
            )
            if isinstance(begun, ConditionFailed):
                count = int(begun.item["lanes"])
            self._remember(self._shard_counts, (account.account_id, day), count)
        return count

    def quota(self, account: Account, day: str) -> int:
        """Return the day's quota and the units that tasks are known to have given back."""
        return (account.daily_quota or 0) + self._returned.get((account.account_id, day), (0.0, 0))[1]

    def _quota_with_returned(self, account: Account, day: str) -> int:
        """Return `quota`, after a read of the task items if the last was over a second ago. It only grows."""
        key = (account.account_id, day)
        seen_at, _ = self._returned.get(key, (float("-inf"), 0))
        if time.monotonic() - seen_at > _RETURNED_S:
            returned = -sum(int(item.get("taken", 0)) for item in self._task_items(account, day))
            self._remember(self._returned, key, (time.monotonic(), returned))
        return self.quota(account, day)

    def _task_items(self, account: Account, day: str) -> Iterator[Item]:
        """Items after the first shard's own and before the next day's."""
        bounds = {":pk": account_key(account.account_id), ":first": f"{DAY}{day}#", ":last": f"{DAY}{day}$"}
        return every_item(
            self._table.query,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=bounds,
            ProjectionExpression="taken",
            ConsistentRead=True,
        )

    @staticmethod
    def _remember(memory: dict[Any, Any], key: Any, value: Any) -> None:
        if len(memory) > _REMEMBERED:  # a flood of accounts, or many days, must not grow the process
            memory.clear()
        memory[key] = value


def named(text: str, shard: Shard) -> str:
    """Return a call's id, or its hold, in its shard."""
    return f"{text}~{shard.index}" if shard.index else text


def _midnight(day: str) -> float:
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
