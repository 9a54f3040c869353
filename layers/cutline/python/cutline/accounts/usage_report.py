"""The usage report: what the meter counted, per day and API."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from cutline.accounts.shards import Shard
from cutline.adapters.dynamodb import every_item
from cutline.contracts.usage import UsageRow
from cutline.storage_keys import DAY

_CALLS, _CHARGED, _REFUSED = "calls_", "charged_micros_", "refused_"


def read_usage(table: Any, account_id: str, first: date, last: date) -> list[UsageRow]:
    """Return the rows from `first` to `last`, both included, in order.

    One Query per shard, which costs by the item: one per day, and one per shard in which there were background tasks.
    """
    days: dict[str, Counter[str]] = {}
    shard, shards = 0, 1
    while shard < shards:
        for item in _items(table, Shard(account_id, "", shard).key["pk"], first, last):
            day = item["sk"].split("#")[1]
            days.setdefault(day, Counter()).update(_counters(item))
            shards = max(shards, int(item.get("lanes", 1)))  # in the first shard's item
        shard += 1
    return [row for day, counters in sorted(days.items()) for row in _rows(day, counters)]


def _items(table: Any, partition: str, first: date, last: date) -> Iterator[Mapping[str, Any]]:
    # "$" is the sign after "#", with which the shards' names go on.
    bounds = {":pk": partition, ":first": f"{DAY}{first}", ":last": f"{DAY}{last}$"}
    return every_item(
        table.query,
        KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
        ExpressionAttributeValues=bounds,
        ConsistentRead=True,  # so a caller finds the call that was just answered
    )


def _counters(item: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(value) for name, value in item.items() if name.startswith((_CALLS, _CHARGED, _REFUSED))}


def _rows(day: str, counters: Mapping[str, int]) -> list[UsageRow]:
    apis = {name.removeprefix(_CALLS).removeprefix(_CHARGED).removeprefix(_REFUSED) for name in counters}
    return [
        UsageRow(
            day=day,
            api=api,
            calls=counters.get(_CALLS + api, 0),
            charge_micros=counters.get(_CHARGED + api, 0),
            refused=counters.get(_REFUSED + api, 0),
        )
        for api in sorted(apis)
    ]
