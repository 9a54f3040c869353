"""Shards of an account's daily counters, and the conditional writes that reserve capacity in them. No I/O.

A day has one item per shard, and as many shards as its rate needs and its calls in flight can fill: one item takes
about 1,000 write units per second, and a write costs by the kilobyte of its item. All counters of a call are in one
shard, so that one conditional write changes all of them:

    taken      units of the day's quota that are used up; the sum over all the day's items counts
    under_way  calls in flight: at work or waiting
    hold:<id>  one attribute per call at work: the unix second at which its hold expires
    wait:<id>  the same per call that waits for another; it takes nothing of the quota
    tat_us     the rate limit's theoretical arrival time (GCRA, the virtual scheduling form of a token bucket;
               ITU-T I.371), in unix microseconds
    lanes      in the first shard: the number of shards, fixed for the whole day
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
# One shard's share. At 50 calls per second of 0.5 s each its item is below 2 KB: 2 writes of 2 units per call.
SHARD_QPS = 50
# Below this many calls a day another shard would only split the quota.
SHARD_QUOTA = 1000
# Below this many calls in flight per shard, calls would find their shard full by chance.
SHARD_IN_FLIGHT = 16
MAX_SHARDS = 32
# Seconds' worth of the rate that an idle caller may use at once.
BURST_S = 1.0
# How far a busy rate may have fallen behind the clock and still be taken for busy. Longer than a round trip, or a
# caller could find it idle and busy in turns and never get in; what falls behind may be caught up with.
SLACK_US = 200_000
HOLD, WAIT = "hold:", "wait:"
_ATTEMPTS = 8
_SWEEP = 10

Steps = Generator[Write, "Item | ConditionFailed", Item]


class ShardFull(Exception):
    """The shard is full: its share of the quota, the rate or the calls in flight is used up."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


class ShardCountChanged(Exception):
    """The day was begun with another number of shards."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


@dataclass(frozen=True)
class Shard:
    """One item of an account's day."""

    account_id: str
    day: str
    index: int = 0
    count: int = 1

    @property
    def key(self) -> dict[str, str]:
        """The primary key. Each shard has its own partition key: DynamoDB limits throughput per partition, too."""
        suffix = f"#{self.index:02d}" if self.index else ""
        return {"pk": account_key(self.account_id) + suffix, "sk": DAY + self.day}

    def share(self, whole: int) -> int:
        """Return the shard's part of a number that is split without rest."""
        return whole // self.count + (self.index < whole % self.count)


@dataclass(frozen=True)
class Demand:
    """What a call needs of its shard, and the shard's limits: at least one of rate, quota, calls in flight and hold.

    qps: the shard's rate; None takes nothing of it. quota: `taken` must be below it. max_in_flight: `under_way`
    must be below it. hold: the attribute that stands for the call, "" for none, for `hold_s`. quota_units: 0 or 1.
    """

    qps: float | None = None
    quota: int | None = None
    max_in_flight: int | None = None
    hold: str = ""
    hold_s: int = 0
    quota_units: int = 1


def shards_for(qps: float, daily_quota: int | None, max_in_flight: int | None = None) -> int:
    """Number of shards for a day with these limits; max_in_flight: the most calls in flight, None without a bound."""
    wanted = math.ceil(qps / SHARD_QPS)
    if daily_quota is not None:
        wanted = min(wanted, daily_quota // SHARD_QUOTA)
    if max_in_flight is not None:
        wanted = min(wanted, max_in_flight // SHARD_IN_FLIGHT)
    return max(1, min(wanted, MAX_SHARDS))


def expires_at(now: float) -> int:
    """Return the unix second from which on DynamoDB may delete a day's items."""
    return int(now) + KEEP_DAYS * 86400


def lapsed(item: Item, now: float) -> list[str]:
    """Return the attributes of calls that did not end before their holds expired."""
    return [name for name, until in item.items() if name.startswith((HOLD, WAIT)) and int(until) < now]


@dataclass
class Acquisition:
    """The writes that reserve a demand in a shard, one after another; each depends on the answer to the one before.

    The caller sends each write that `steps` yields, and sends back the new item, or ConditionFailed with the old one.
    `busy`: whether the rate was in use at the last read of the shard.
    """

    shard: Shard
    demand: Demand
    clock: Callable[[], float]
    busy: bool = False
    now: float = field(default=0.0, init=False)

    def steps(self) -> Steps:
        """Yield writes; return the item with the call in it. Raises ShardFull and ShardCountChanged."""
        for _ in range(_ATTEMPTS):
            answer = yield self.write()
            item = answer.item if isinstance(answer, ConditionFailed) else answer
            # An existing hold is our own: the answer to an earlier try of this write was lost.
            if not isinstance(answer, ConditionFailed) or (self.demand.hold and self.demand.hold in item):
                dead = lapsed(item, self.now)
                if dead:
                    yield give_back(self.shard, dead)
                return item
            refusal = self.judge(item)
            if refusal is not None:
                dead = lapsed(item, self.now)
                if not dead or (refusal.reason is Reason.RATE_EXCEEDED and not refusal.detail):
                    raise refusal
                yield give_back(self.shard, dead)
        raise ShardFull(Reason.RATE_EXCEEDED)

    def write(self) -> Write:
        """Return the write that reserves. DynamoDB has no max(), so an idle and a busy rate are two conditions."""
        self.now = self.clock()
        demand, shard = self.demand, self.shard
        sets, adds, conditions = ["expires_at = :expires_at"], [], []
        values: dict[str, Any] = {":expires_at": expires_at(self.now)}
        names: dict[str, str] = {}
        if demand.qps is not None:
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
        if demand.quota is not None:
            conditions.append("(attribute_not_exists(taken) OR taken < :quota)")
            values[":quota"] = demand.quota
        if demand.max_in_flight is not None:
            conditions.append("(attribute_not_exists(under_way) OR under_way < :most)")
            values[":most"] = demand.max_in_flight
        if demand.hold:
            sets.append("#hold = :until")
            adds.append("under_way :one")
            conditions.append("attribute_not_exists(#hold)")
            names["#hold"] = demand.hold
            values[":until"] = int(self.now) + demand.hold_s
        if demand.quota_units:
            adds.append("taken :one")
        if shard.index == 0:
            sets.append("lanes = :lanes")
            conditions.append("(attribute_not_exists(lanes) OR lanes = :lanes)")
            values[":lanes"] = shard.count
        if adds:
            values[":one"] = 1
        return {
            "Key": shard.key,
            "UpdateExpression": f"SET {', '.join(sets)}{' ADD ' + ', '.join(adds) if adds else ''}",
            "ConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeValues": values,
            **({"ExpressionAttributeNames": names} if names else {}),
        }

    def observe(self, item: Item) -> None:
        """Record whether the rate is in use."""
        self.busy = int(item.get("tat_us", 0)) > int(self.now * 1_000_000) - SLACK_US // 2

    def judge(self, item: Item) -> ShardFull | None:
        """Return why the write was refused, or None where another try may succeed. Raises ShardCountChanged."""
        demand = self.demand
        if self.shard.index == 0 and int(item.get("lanes", self.shard.count)) != self.shard.count:
            raise ShardCountChanged(int(item["lanes"]))
        self.now = self.clock()
        if demand.quota is not None and int(item.get("taken", 0)) >= demand.quota:
            return ShardFull(Reason.QUOTA_EXCEEDED)
        if demand.max_in_flight is not None and int(item.get("under_way", 0)) >= demand.max_in_flight:
            return ShardFull(Reason.RATE_EXCEEDED, "too many calls of the account are in flight")
        if demand.qps is not None:
            now_us, _, burst_us = self._rate()
            if int(item.get("tat_us", 0)) > now_us + burst_us:
                return ShardFull(Reason.RATE_EXCEEDED)
        self.observe(item)
        return None

    def _rate(self) -> tuple[int, int, int]:
        """Now, the interval between calls and how far an arrival may lie ahead, all in microseconds."""
        assert self.demand.qps is not None
        interval_us = math.ceil(1_000_000 / self.demand.qps)
        burst = max(1, int(self.demand.qps * BURST_S))
        return int(self.now * 1_000_000), interval_us, interval_us * (burst - 1)


def give_back(shard: Shard, dead: list[str]) -> Write:
    """End calls that died; the condition makes each count once among racing callers."""
    dead = dead[:_SWEEP]
    held = sum(name.startswith(HOLD) for name in dead)
    names = {f"#h{index}": name for index, name in enumerate(dead)}
    return {
        "Key": shard.key,
        "UpdateExpression": f"REMOVE {', '.join(names)} ADD taken :places, under_way :ended, refused_lapsed :held",
        "ConditionExpression": " AND ".join(f"attribute_exists({name})" for name in names),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {":places": -held, ":ended": -len(dead), ":held": held},
    }
