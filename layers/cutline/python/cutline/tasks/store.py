"""Tasks in DynamoDB: one item per task, shown until an hour after its end.

pk           the task's id
account_id   the account that may ask for it
state        contracts.md 3.5; 1 and everything negative are final, and nothing changes a final state
order        JSON of `cutline.tasks.task.WorkOrder`, for tasks that the flow works
metadata        JSON of `cutline.pipeline.outputs.metadata.ResultMetadata`, of a task that is done
expires_at   unix second after which it is unknown, also while DynamoDB has not deleted it yet
keep_until   in place of that for tasks whose id comes again with every duplicate of an event; shown no longer for it
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from cutline.adapters.dynamodb import ConditionFailed, write_if
from cutline.contracts.task_record import DONE, LINK_LIFETIME_S, TaskOptions, TaskRecord
from cutline.errors import Reason, ServiceFault
from cutline.pipeline.outputs.metadata import ResultMetadata
from cutline.tasks.task import PENDING_S, Task, WorkOrder

# DynamoDB refuses keys beyond 2048 bytes; every id that was ever given out is a UUID.
_MAX_ID_CHARS = 64
# Longer than S3's events may be repeated: the queue keeps them for a day, and S3 may be late.
KEEP_S = 3 * 24 * 3600
_VALUES = {"expires_at": "if_not_exists(keep_until, :expires_at)"}
_UNFINISHED = "attribute_exists(pk) AND #state >= :queued AND #state <> :done"
# An expired task is no longer shown, so it is neither worked nor charged.
_PENDING = f"{_UNFINISHED} AND expires_at > :now"


class TaskStore:
    """Puts, gets and advances task records."""

    def __init__(self, table: Any, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock

    def put(self, record: TaskRecord) -> None:
        """Stores a finished call's record. Another account's task is never overwritten: ServiceFault(INTERNAL)."""
        try:
            write_if(
                self._table.put_item,
                "attribute_not_exists(pk) OR account_id = :account",
                Item={**_item_of(record), "expires_at": record.created_at + LINK_LIFETIME_S},
                ExpressionAttributeValues={":account": record.account_id},
            )
        except ConditionFailed as error:
            raise ServiceFault(Reason.INTERNAL, "the task's id is taken") from error

    def accept(self, task: Task) -> bool:
        """Stores a task that the flow will work; False where an earlier try of the same call has stored it."""
        return self._add(_pending(task))

    def add(self, task: Task) -> bool:
        """Stores a task of the flow whose id may come again, for `KEEP_S`; False where it is there already."""
        keep_until = task.record.created_at + KEEP_S
        return self._add({**_pending(task), "expires_at": keep_until, "keep_until": keep_until})

    def get(self, task_id: str, account_id: str, now: float, lifetime_s: int = LINK_LIFETIME_S) -> TaskRecord | None:
        """Return the account's task, or None if it is unknown, another's or expired, `lifetime_s` after its end."""
        if not 0 < len(task_id) <= _MAX_ID_CHARS:
            return None
        item = self._table.get_item(Key={"pk": task_id}, ConsistentRead=True).get("Item")
        # The table also holds items that belong to no account (adapters/endpoint_watch.py).
        if item is None or item.get("account_id") != account_id or int(item["expires_at"]) <= now:
            return None
        record = _record_from(item)
        if record.completed_at is not None and record.completed_at + lifetime_s <= now:
            return None
        return record

    def find(self, task_id: str) -> Task | None:
        """Return a task of the flow, of any account."""
        item = self._table.get_item(Key={"pk": task_id}, ConsistentRead=True).get("Item")
        return None if item is None else _task_from(item)

    def advance(self, task_id: str, state: int, **times: int) -> Task | None:
        """Update an unfinished task; return its new record, or None if it has ended or expired."""
        return self._end_or_advance(task_id, state, times, pending=True)

    def finish(
        self,
        task_id: str,
        keys: Mapping[str, str],
        metadata: ResultMetadata,
        now: int,
        lifetime_s: int = LINK_LIFETIME_S,
    ) -> Task | None:
        """Record the task as done with its results; return the record, or None if it had ended or expired."""
        ended = {"completed_at": now, "expires_at": now + lifetime_s}
        results = {"keys": dict(keys), "facts": metadata.to_json()}
        return self._end_or_advance(task_id, DONE, {**ended, **results}, pending=True)

    def fail(self, task_id: str, state: int, now: int, lifetime_s: int = LINK_LIFETIME_S) -> Task | None:
        """Record the task as failed; return the record, or None if it had ended."""
        return self._end_or_advance(task_id, state, {"expires_at": now + lifetime_s})

    def note_mend(self, task_id: str, metadata: ResultMetadata) -> None:
        """Record what is known of a done task's mended result; nothing if the task is unknown by now."""
        with suppress(ConditionFailed):
            write_if(
                self._table.update_item,
                "#state = :done AND attribute_exists(facts)",
                Key={"pk": task_id},
                UpdateExpression="SET facts = :facts",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues={":done": DONE, ":facts": metadata.to_json()},
            )

    def _end_or_advance(
        self, task_id: str, state: int, values: Mapping[str, Any], *, pending: bool = False
    ) -> Task | None:
        sets = "".join(f", #{name} = {_VALUES.get(name, f':{name}')}" for name in values)
        try:
            answer = write_if(
                self._table.update_item,
                _PENDING if pending else _UNFINISHED,
                Key={"pk": task_id},
                UpdateExpression=f"SET #state = :state{sets}",
                ExpressionAttributeNames={"#state": "state", **{f"#{name}": name for name in values}},
                ExpressionAttributeValues={
                    ":state": state,
                    ":queued": 0,
                    ":done": DONE,
                    **({":now": int(self._clock())} if pending else {}),
                    **{f":{name}": value for name, value in values.items()},
                },
                ReturnValues="ALL_NEW",
            )
        except ConditionFailed:
            return None
        return _task_from(answer["Attributes"])

    def _add(self, item: Mapping[str, Any]) -> bool:
        try:
            write_if(self._table.put_item, "attribute_not_exists(pk)", Item=dict(item))
        except ConditionFailed as error:
            return error.repeated
        return True


def _pending(task: Task) -> dict[str, Any]:
    expires_at = task.record.created_at + PENDING_S
    return {**_item_of(task.record), "order": task.order.to_json(), "expires_at": expires_at}


def _item_of(record: TaskRecord) -> dict[str, Any]:
    item = {name: value for name, value in asdict(replace(record, metadata=None)).items() if value is not None}
    item["pk"] = item.pop("task_id")
    return item if record.metadata is None else {**item, "facts": record.metadata.to_json()}


def _task_from(item: Mapping[str, Any]) -> Task:
    return Task(_record_from(item), WorkOrder.from_json(item["order"]))


def _record_from(item: Mapping[str, Any]) -> TaskRecord:
    options = item["options"]
    return TaskRecord(
        task_id=item["pk"],
        account_id=item["account_id"],
        state=int(item["state"]),
        created_at=int(item["created_at"]),
        processed_at=_optional(item, "processed_at"),
        completed_at=_optional(item, "completed_at"),
        options=TaskOptions(
            task_id=options["task_id"],
            asynchronous=bool(options["asynchronous"]),
            kind=options["kind"],
            return_type=int(options["return_type"]),
            output_type=int(options["output_type"]),
            callback_url=options["callback_url"],
        ),
        keys=dict(item["keys"]),
        metadata=ResultMetadata.from_json(item["facts"]) if "facts" in item else None,
    )


def _optional(item: Mapping[str, Any], name: str) -> int | None:
    return int(item[name]) if name in item else None
