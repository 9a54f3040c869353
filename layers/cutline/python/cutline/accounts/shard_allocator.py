"""Finds room for a call in one of the lanes of an account's day, and knows how many lanes the day has."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from cutline.accounts.account import Account, account_key
from cutline.accounts.shards import Lane, NoRoom, OtherLanes, Room, Taking, expires_at, lanes_for
from cutline.adapters.dynamodb import ConditionFailed, ConditionsFailed, Item, Write, every_item, write_all, write_if
from cutline.errors import AccessRefused, Reason, ServiceFault
from cutline.storage_keys import DAY

_ANEW = 4
# How long what the shards gave back is believed before a full lane looks again.
_RETURNED_S = 1.0
_REMEMBERED = 10_000


class Held(Exception):
    """The hold beside the lane was there already."""


class Rooms:
    """Takes room in lanes. What it remembers of earlier calls spares writes and decides nothing."""

    def __init__(self, table: Any, at_once: Callable[[Account], int | None] = lambda account: None) -> None:
        """`at_once`: the most calls that an account may have under way; None without a bound."""
        self._table = table
        self._at_once = at_once
        self._lane_counts: dict[tuple[str, str], int] = {}
        self._busy: dict[tuple[str, str], bool] = {}
        self._returned: dict[tuple[str, str], tuple[float, int]] = {}

    def place(
        self, account: Account, day: str, room: Room, clock: Callable[[], float], beside: Write | None = None
    ) -> tuple[Lane, Item]:
        """Room in one of the day's lanes: of the rate in one of two, of the quota wherever there is some."""
        for _ in range(_ANEW):
            try:
                return self._place_in(account, day, room, clock, beside)
            except OtherLanes as other:
                self._remember(self._lane_counts, (account.account_id, day), other.count)
            except NoRoom as full:
                known = self.quota(account, day)
                if full.reason is not Reason.QUOTA_EXCEEDED or self._look_at_shards(account, day) <= known:
                    raise AccessRefused(full.reason, full.detail) from full
        raise ServiceFault(Reason.OVERLOADED, "the quota changed under our hands")

    def _place_in(
        self, account: Account, day: str, room: Room, clock: Callable[[], float], beside: Write | None
    ) -> tuple[Lane, Item]:
        count = self.count_of(account, day)
        first, full = random.randrange(count), NoRoom(Reason.QUOTA_EXCEEDED)
        for turn in range(count):
            lane = Lane(account.account_id, day, (first + turn) % count, count)
            try:
                return lane, self._run(Taking(lane, self._share(account, lane, room), clock), beside)
            except NoRoom as error:
                full = error
                if error.reason is Reason.RATE_EXCEEDED and turn:
                    break
        raise full

    def _share(self, account: Account, lane: Lane, room: Room) -> Room:
        """The lane's part of it, with the hold named after the lane."""
        if room.quota is not None:
            if room.quota <= 0:  # a fresh day's item has nothing to compare
                raise NoRoom(Reason.QUOTA_EXCEEDED)
            room = replace(room, quota=lane.share(self.quota(account, lane.day)))
            if room.quota == 0:
                raise NoRoom(Reason.QUOTA_EXCEEDED)
        return replace(
            room,
            qps=None if room.qps is None else room.qps / lane.count,
            at_once=None if room.at_once is None else -(-room.at_once // lane.count),
            hold=named(room.hold, lane) if room.hold else "",
        )

    def _run(self, taking: Taking, beside: Write | None) -> Item:
        lane = (taking.lane.key["pk"], taking.lane.day)
        taking.busy = self._busy.get(lane, False)
        send = self._send if beside is None else partial(self._send_both, beside)
        steps = taking.steps()
        try:
            write = next(steps)
            while True:
                # A write that gives back goes alone; a write that takes room goes together with the hold.
                write = steps.send((send if "SET" in write["UpdateExpression"] else self._send)(write))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        finally:
            self._remember(self._busy, lane, taking.busy)

    def _send(self, write: Write) -> "Item | ConditionFailed":
        arguments = dict(write)
        condition = arguments.pop("ConditionExpression")
        wanted = {"ReturnValues": "ALL_NEW", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        try:
            item: Item = write_if(self._table.update_item, condition, **arguments, **wanted)["Attributes"]
        except ConditionFailed as error:
            return error
        return item

    def _send_both(self, beside: Write, write: Write) -> "Item | ConditionFailed":
        try:
            write_all(self._table, [beside, write])
        except ConditionsFailed as error:
            held, item = error.items
            if held is not None:
                raise Held from error
            return ConditionFailed(item or {})
        return {}

    def count_of(self, account: Account, day: str) -> int:
        """How many lanes the day has. The first call of a day that wants several fixes it, for all that follow."""
        known = self._lane_counts.get((account.account_id, day))
        if known is not None:
            return known
        count = lanes_for(account.qps, account.daily_quota, self._at_once(account))
        if count > 1:
            begun = self._send(
                {
                    "Key": Lane(account.account_id, day).key,
                    "UpdateExpression": "SET lanes = :lanes, expires_at = :expires_at",
                    "ConditionExpression": "attribute_not_exists(lanes) AND attribute_not_exists(taken)",
                    "ExpressionAttributeValues": {":lanes": count, ":expires_at": expires_at(_midnight(day))},
                }
            )
            if isinstance(begun, ConditionFailed):
                count = int(begun.item.get("lanes", 1))
            self._remember(self._lane_counts, (account.account_id, day), count)
        return count

    def quota(self, account: Account, day: str) -> int:
        """The day's quota and the places that tasks are known to have given back."""
        return (account.daily_quota or 0) + self._returned.get((account.account_id, day), (0.0, 0))[1]

    def _look_at_shards(self, account: Account, day: str) -> int:
        """What `quota` tells, after a read of the shards if the last was over a second ago. It only grows."""
        key = (account.account_id, day)
        seen_at, _ = self._returned.get(key, (float("-inf"), 0))
        if time.monotonic() - seen_at > _RETURNED_S:
            returned = -sum(int(item.get("taken", 0)) for item in self._shards(account, day))
            self._remember(self._returned, key, (time.monotonic(), returned))
        return self.quota(account, day)

    def _shards(self, account: Account, day: str) -> Iterator[Item]:
        """Items after the first lane's own and before the next day's."""
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


def named(text: str, lane: Lane) -> str:
    """A call's id, or its hold, in its lane."""
    return f"{text}~{lane.index}" if lane.index else text


def _midnight(day: str) -> float:
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
