"""Where an account's day lies in the meter's table, and the conditional writes that take room in it. Pure.

A day has one item per lane, and as many lanes as its rate needs and its calls under way can fill: one item bears about
1,000 write units per second, and a write costs by the kilobyte of its item. A call lies in one lane with everything
that is known of it, so that one conditional write moves all of it:

    taken      places of the day's quota that are used up; the sum over all the day's items counts
    under_way  calls at work or waiting
    hold:<id>  one attribute per call at work: the unix second at which its hold lapses
    wait:<id>  likewise per call that waits for another; it has no place in the quota
    tat_us     the rate limit's theoretical arrival time (GCRA, the virtual scheduling form of a token bucket;
               ITU-T I.371), in unix microseconds
    lanes      in the first lane: how many there are, for the whole of the day
"""

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from cutline.accounts.account import account_key
from cutline.adapters.dynamodb import ConditionFailed, Item, Write
from cutline.errors import Reason
from cutline.storage_keys import DAY

KEEP_DAYS = 400
# One lane's share. At 50 calls per second of 0.5 s each its item is below 2 KB: 2 writes of 2 units per call.
LANE_QPS = 50
# Below this many calls a day another lane would only split the quota.
LANE_QUOTA = 1000
# Below this many calls under way per lane, calls would find their lane full by chance.
LANE_AT_ONCE = 16
MAX_LANES = 32
# Seconds' worth of the rate that an idle caller may use at once.
BURST_S = 1.0
# How far a busy rate may have fallen behind the clock and still be taken for busy. Longer than a round trip, or a
# caller could find it idle and busy in turns and never get in; what falls behind may be caught up with.
SLACK_US = 200_000
HOLD, WAIT = "hold:", "wait:"
_ATTEMPTS = 8
_SWEEP = 10

Steps = Generator[Write, "Item | ConditionFailed", Item]


class NoRoom(Exception):
    """The lane is full: by its share of the quota, of the rate or of the calls under way."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class OtherLanes(Exception):
    """The day was begun with another number of lanes."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


@dataclass(frozen=True)
class Lane:
    """One item of an account's day."""

    account_id: str
    day: str
    index: int = 0
    count: int = 1

    @property
    def key(self) -> dict[str, str]:
        """Each lane has a partition key of its own: DynamoDB bounds what one takes, too."""
        suffix = f"#{self.index:02d}" if self.index else ""
        return {"pk": account_key(self.account_id) + suffix, "sk": DAY + self.day}

    def share(self, whole: int) -> int:
        """The lane's part of a number that is split without rest."""
        return whole // self.count + (self.index < whole % self.count)


@dataclass(frozen=True)
class Room:
    """What a call wants of its lane, and what the lane may give: of rate, quota, calls under way and hold at least one.

    qps: the lane's rate; None takes nothing of it. quota: `taken` must be below it. at_once: `under_way` must be.
    hold: the attribute that stands for the call, "" for none, for `hold_s`. places: of the quota, 0 or 1.
    """

    qps: float | None = None
    quota: int | None = None
    at_once: int | None = None
    hold: str = ""
    hold_s: int = 0
    places: int = 1


def lanes_for(qps: float, daily_quota: int | None, at_once: int | None = None) -> int:
    """How many lanes a day of such terms has; at_once: the most calls under way, None without a bound."""
    wanted = math.ceil(qps / LANE_QPS)
    if daily_quota is not None:
        wanted = min(wanted, daily_quota // LANE_QUOTA)
    if at_once is not None:
        wanted = min(wanted, at_once // LANE_AT_ONCE)
    return max(1, min(wanted, MAX_LANES))


def expires_at(now: float) -> int:
    """The unix second from which on DynamoDB may delete a day's items."""
    return int(now) + KEEP_DAYS * 86400


def lapsed(item: Item, now: float) -> list[str]:
    """The attributes of calls that did not end before their holds lapsed."""
    return [name for name, until in item.items() if name.startswith((HOLD, WAIT)) and int(until) < now]


@dataclass
class Taking:
    """The writes that take room in a lane, one after another, each made of what the one before was answered.

    Whoever runs it sends the write that it yields and gives it the new item, or ConditionFailed with the old one.
    `busy`: whether the rate was found in use when the lane was last looked at.
    """

    lane: Lane
    room: Room
    clock: Callable[[], float]
    busy: bool = False
    now: float = field(default=0.0, init=False)

    def steps(self) -> Steps:
        """Returns the item with the call in it. Raises NoRoom and OtherLanes."""
        for _ in range(_ATTEMPTS):
            answer = yield self.write()
            item = answer.item if isinstance(answer, ConditionFailed) else answer
            # A hold that is there already is our own: the answer to an earlier try of this very write was lost.
            if not isinstance(answer, ConditionFailed) or (self.room.hold and self.room.hold in item):
                dead = lapsed(item, self.now)
                if dead:
                    yield give_back(self.lane, dead)
                return item
            refusal = self.judge(item)
            if refusal is not None:
                dead = lapsed(item, self.now)
                if not dead or (refusal.reason is Reason.RATE_EXCEEDED and not refusal.detail):
                    raise refusal
                yield give_back(self.lane, dead)
        raise NoRoom(Reason.RATE_EXCEEDED)

    def write(self) -> Write:
        """The reservation itself. DynamoDB has no max(), so an idle and a busy rate are two conditions."""
        self.now = self.clock()
        room, lane = self.room, self.lane
        sets, adds, conditions = ["expires_at = :expires_at"], [], []
        values: dict[str, Any] = {":expires_at": expires_at(self.now)}
        names: dict[str, str] = {}
        if room.qps is not None:
            now_us, interval_us, burst_us = self._rate()
            values[":now"] = now_us
            if self.busy:
                sets.append("tat_us = tat_us + :step")
                conditions.append("tat_us > :behind AND tat_us <= :latest")
                del values[":now"]
                values |= {":step": interval_us, ":behind": now_us - SLACK_US, ":latest": now_us + burst_us}
            else:
                sets.append("tat_us = :next")
                conditions.append("(attribute_not_exists(tat_us) OR tat_us <= :now)")
                values[":next"] = now_us + interval_us
        if room.quota is not None:
            conditions.append("(attribute_not_exists(taken) OR taken < :quota)")
            values[":quota"] = room.quota
        if room.at_once is not None:
            conditions.append("(attribute_not_exists(under_way) OR under_way < :most)")
            values[":most"] = room.at_once
        if room.hold:
            sets.append("#hold = :until")
            adds.append("under_way :one")
            conditions.append("attribute_not_exists(#hold)")
            names["#hold"] = room.hold
            values[":until"] = int(self.now) + room.hold_s
        if room.places:
            adds.append("taken :one")
        if lane.index == 0:
            sets.append("lanes = :lanes")
            conditions.append("(attribute_not_exists(lanes) OR lanes = :lanes)")
            values[":lanes"] = lane.count
        if adds:
            values[":one"] = 1
        return {
            "Key": lane.key,
            "UpdateExpression": f"SET {', '.join(sets)}{' ADD ' + ', '.join(adds) if adds else ''}",
            "ConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeValues": values,
            **({"ExpressionAttributeNames": names} if names else {}),
        }

    def look(self, item: Item) -> None:
        """Notes whether the rate is in use."""
        self.busy = int(item.get("tat_us", 0)) > int(self.now * 1_000_000) - SLACK_US // 2

    def judge(self, item: Item) -> NoRoom | None:
        """Why the write was refused; None where another try may do. Raises OtherLanes."""
        room = self.room
        if self.lane.index == 0 and int(item.get("lanes", self.lane.count)) != self.lane.count:
            raise OtherLanes(int(item["lanes"]))
        self.now = self.clock()
        if room.quota is not None and int(item.get("taken", 0)) >= room.quota:
            return NoRoom(Reason.QUOTA_EXCEEDED)
        if room.at_once is not None and int(item.get("under_way", 0)) >= room.at_once:
            return NoRoom(Reason.RATE_EXCEEDED, "too many calls of the account are under way")
        if room.qps is not None:
            now_us, _, burst_us = self._rate()
            if int(item.get("tat_us", 0)) > now_us + burst_us:
                return NoRoom(Reason.RATE_EXCEEDED)
        self.look(item)
        return None

    def _rate(self) -> tuple[int, int, int]:
        """Now, the interval between calls and how far an arrival may lie ahead, all in microseconds."""
        assert self.room.qps is not None
        interval_us = math.ceil(1_000_000 / self.room.qps)
        at_once = max(1, int(self.room.qps * BURST_S))
        return int(self.now * 1_000_000), interval_us, interval_us * (at_once - 1)


def give_back(lane: Lane, dead: list[str]) -> Write:
    """Ends calls that never ended; the condition makes each count once among racing callers."""
    dead = dead[:_SWEEP]
    held = sum(name.startswith(HOLD) for name in dead)
    names = {f"#h{index}": name for index, name in enumerate(dead)}
    return {
        "Key": lane.key,
        "UpdateExpression": f"REMOVE {', '.join(names)} ADD taken :places, under_way :ended, refused_lapsed :held",
        "ConditionExpression": " AND ".join(f"attribute_exists({name})" for name in names),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {":places": -held, ":ended": -len(dead), ":held": held},
    }
