"""Tasks in DynamoDB: one item per task, forgotten when its links end.

pk           the task's id
account_id   who may ask for it
expires_at   unix second after which it is unknown, also while DynamoDB has not deleted it yet
"""

from dataclasses import asdict
from typing import Any

from botocore.exceptions import ClientError

from cutline.contracts.pw import LINK_LIFETIME_S, Options, TaskRecord
from cutline.errors import Reason, ServiceFault

# DynamoDB refuses keys beyond 2048 bytes; every id that was ever given out is a UUID.
_MAX_ID_CHARS = 64
_RACE = "ConditionalCheckFailedException"


class TaskStore:
    """Puts and gets task records."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def put(self, record: TaskRecord) -> None:
        """Stores the record. Another account's task is never overwritten: ServiceFault(INTERNAL)."""
        item = {name: value for name, value in asdict(record).items() if value is not None}
        item["pk"] = item.pop("task_id")
        item["expires_at"] = record.created_at + LINK_LIFETIME_S
        try:
            self._table.put_item(
                Item=item,
                ConditionExpression="attribute_not_exists(pk) OR account_id = :account",
                ExpressionAttributeValues={":account": record.account_id},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != _RACE:
                raise
            raise ServiceFault(Reason.INTERNAL, "the task's id is taken") from error

    def get(self, task_id: str, account_id: str, now: float) -> TaskRecord | None:
        """The account's task, or None for one that is unknown, another's or expired."""
        if not 0 < len(task_id) <= _MAX_ID_CHARS:
            return None
        item = self._table.get_item(Key={"pk": task_id}, ConsistentRead=True).get("Item")
        if item is None or item["account_id"] != account_id or int(item["expires_at"]) <= now:
            return None
        return _record_from(item)


def _record_from(item: dict[str, Any]) -> TaskRecord:
    options = item["options"]
    return TaskRecord(
        task_id=item["pk"],
        account_id=item["account_id"],
        state=int(item["state"]),
        created_at=int(item["created_at"]),
        processed_at=_optional(item, "processed_at"),
        completed_at=_optional(item, "completed_at"),
        options=Options(
            task_id=options["task_id"],
            asynchronous=bool(options["asynchronous"]),
            kind=options["kind"],
            return_type=int(options["return_type"]),
            output_type=int(options["output_type"]),
            callback_url=options["callback_url"],
        ),
        keys=dict(item["keys"]),
    )


def _optional(item: dict[str, Any], name: str) -> int | None:
    return int(item[name]) if name in item else None
