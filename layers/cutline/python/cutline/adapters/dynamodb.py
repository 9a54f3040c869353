"""Conditional writes to DynamoDB, and the one failure of theirs that is expected."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

_CODE = "ConditionalCheckFailedException"


class ConditionFailed(Exception):
    """The write's condition did not hold, so nothing was written.

    `item` is the item that the condition was judged by, if the write asked for it
    (`ReturnValuesOnConditionCheckFailure="ALL_OLD"`) and there was one.
    """

    def __init__(self, item: Mapping[str, Any]) -> None:
        super().__init__("the condition of the write did not hold")
        self.item = item


def write_if(write: Callable[..., Mapping[str, Any]], condition: str, **arguments: Any) -> Mapping[str, Any]:
    """The answer of `write`, a method of a DynamoDB table. Raises ConditionFailed, and ClientError for all else."""
    try:
        return write(ConditionExpression=condition, **arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] != _CODE:
            raise
        raise ConditionFailed(_plain(error.response.get("Item", {}))) from error


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a failed condition's item, which the resource API leaves in wire form."""
    if not item:
        return {}
    from boto3.dynamodb.types import TypeDeserializer  # noqa: PLC0415 - only on the refused path

    deserialize = TypeDeserializer().deserialize
    return {name: deserialize(value) if isinstance(value, dict) else value for name, value in item.items()}
