"""Conditional writes to DynamoDB, single and in transactions, with their one expected failure; reads of all pages."""

import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cutline.errors import Reason, ServiceFault

_CONDITION = "ConditionalCheckFailed"
# Another transaction has locked the item. The SDK does not try these again.
_CONFLICT = "TransactionConflict"
_PAUSES_S = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
_SERVER_ERRORS = 500

# The keywords of an UpdateItem, without the table's name.
Write = Mapping[str, Any]
Item = Mapping[str, Any]


class ConditionFailed(Exception):
    """The write's condition did not hold, so nothing was written.

    `item` is the item that the condition was judged by, if the write asked for it
    (`ReturnValuesOnConditionCheckFailure="ALL_OLD"`) and there was one. `repeated`: the SDK had sent this very write
    before and heard no answer, so the condition may have failed on its own effect.
    """

    def __init__(self, item: Item, *, repeated: bool = False) -> None:
        super().__init__("the condition of the write did not hold")
        self.item = item
        self.repeated = repeated


class ConditionsFailed(Exception):
    """The condition of at least one write of a transaction did not hold, so nothing was written.

    `items` has for each write None if its condition held, otherwise the item that it was judged by ({}: none).
    """

    def __init__(self, items: Sequence[Item | None]) -> None:
        super().__init__("a condition of the writes did not hold")
        self.items = items


def write_if(write: Callable[..., Item], condition: str, **arguments: Any) -> Item:
    """Call `write`, a method of a DynamoDB table, under a condition; return its answer.

    Raises ConditionFailed, ServiceFault(OVERLOADED) where the item stays locked, and ClientError for all else.
    """
    for pause in _PAUSES_S:
        try:
            return write(ConditionExpression=condition, **arguments)
        except ClientError as error:
            code = error.response["Error"]["Code"].removesuffix("Exception")
            if code == _CONDITION:
                retries = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)
                raise ConditionFailed(_plain(error.response.get("Item", {})), repeated=retries > 0) from error
            if code != _CONFLICT:
                raise
        _pause(pause)
    raise ServiceFault(Reason.OVERLOADED, "item is locked by another transaction")


def write_all(table: Any, writes: Sequence[Write]) -> None:
    """Does all the updates of one table, or none; a repeat by the SDK changes nothing.

    Raises ConditionsFailed, ServiceFault(OVERLOADED) where an item stays locked, and ClientError for all else.
    """
    asked = {"TableName": table.name, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    items = [{"Update": {**write, **asked}} for write in writes]
    for pause in _PAUSES_S:
        try:
            table.meta.client.transact_write_items(TransactItems=items, ClientRequestToken=uuid.uuid4().hex)
            return
        except ClientError as error:
            if error.response["Error"]["Code"] != "TransactionCanceledException":
                raise
            reasons = error.response["CancellationReasons"]
            codes = [reason.get("Code") for reason in reasons]
            if _CONDITION in codes:
                found = [_plain(reason.get("Item", {})) if reason["Code"] == _CONDITION else None for reason in reasons]
                raise ConditionsFailed(found) from error
            if _CONFLICT not in codes:
                raise ServiceFault(Reason.OVERLOADED, f"a transaction was cancelled: {codes}") from error
        _pause(pause)
    raise ServiceFault(Reason.OVERLOADED, "item is locked by another transaction")


def every_item(read: Callable[..., Any], **question: Any) -> Iterator[Item]:
    """Return the items of all pages of `read`, a table's query or scan; a page ends after a megabyte."""
    while True:
        answer = read(**question)
        yield from answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return
        question["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def may_have_written(error: BaseException) -> bool:
    """Return whether a write that failed with `error` may have been applied all the same.

    Its answer was lost, or is a 5xx, or says that a repeat came before the first try was through.
    """
    if isinstance(error, ClientError):
        if error.response["Error"]["Code"] == "TransactionInProgressException":
            return True
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= _SERVER_ERRORS
    return isinstance(error, BotoCoreError)


def _pause(seconds: float) -> None:
    """Sleeps for half to one and a half times as long, so that two calls that collided do not collide again."""
    time.sleep(seconds * random.uniform(0.5, 1.5))


def _plain(item: Item) -> dict[str, Any]:
    """Return the attributes of a failed condition's item, which the resource API leaves in wire form."""
    if not item:
        return {}
    from boto3.dynamodb.types import TypeDeserializer  # noqa: PLC0415 - only on the refused path

    deserialize = TypeDeserializer().deserialize
    return {name: deserialize(value) if isinstance(value, dict) else value for name, value in item.items()}
