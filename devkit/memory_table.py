"""A DynamoDB table in memory, with as much of its expressions as the product writes: for tests and simulations.

A write is applied whole or not at all, and a transaction too. Client request tokens are not honoured: a repeated
transaction meets its own traces, as it would on AWS after ten minutes.
"""

import copy
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError

Item = dict[str, Any]
_TOKEN = re.compile(r"\s*(attribute_exists|attribute_not_exists|if_not_exists|AND|OR|<=|>=|<>|[()<>=,+-]|[#:\w]+)")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: left == right,
    "<>": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


class MemoryTable:
    """Stands in for boto3's Table resource. `keys` are its partition key and, if it has one, its sort key."""

    def __init__(self, name: str, *keys: str) -> None:
        self.name = name
        self.items: dict[tuple[str, ...], Item] = {}
        self.meta = SimpleNamespace(client=self)
        self._keys = keys
        self._turn = threading.RLock()

    def get_item(self, *, Key: Mapping[str, str], **_: Any) -> dict[str, Any]:
        """The item, a copy."""
        item = self.items.get(self._id(Key))
        return {} if item is None else {"Item": copy.deepcopy(item)}

    def put_item(self, *, Item: Mapping[str, Any], **arguments: Any) -> dict[str, Any]:
        """Replaces the item."""
        with self._turn:
            self._check(self._id(Item), arguments)
            self.items[self._id(Item)] = _stored(Item)
            return {}

    def delete_item(self, *, Key: Mapping[str, str], **arguments: Any) -> dict[str, Any]:
        """Removes the item."""
        with self._turn:
            self._check(self._id(Key), arguments)
            self.items.pop(self._id(Key), None)
            return {}

    def update_item(self, *, Key: Mapping[str, str], **arguments: Any) -> dict[str, Any]:
        """Changes the item, or makes it."""
        with self._turn:
            key = self._id(Key)
            self._check(key, arguments)
            self.items[key] = self._updated(key, Key, arguments)
            return {"Attributes": copy.deepcopy(self.items[key])}

    def transact_write_items(self, *, TransactItems: Sequence[Mapping[str, Any]], **_: Any) -> None:
        """Updates of this table, all or none."""
        updates = [dict(item["Update"]) for item in TransactItems]
        with self._turn:
            reasons: list[dict[str, Any]] = []
            for update in updates:
                key = self._id(update["Key"])
                holds = self._holds(key, update)
                failed = {"Code": "ConditionalCheckFailed", "Item": self._on_the_wire(key)}
                reasons.append({"Code": "None"} if holds else failed)
            if any(reason["Code"] != "None" for reason in reasons):
                raise client_error("TransactionCanceledException", 400, CancellationReasons=reasons)
            for update in updates:
                key = self._id(update["Key"])
                self.items[key] = self._updated(key, update["Key"], update)

    def query(self, *, ExpressionAttributeValues: Mapping[str, str], **_: Any) -> dict[str, Any]:
        """The items of :pk with a sort key from :first to :last."""
        pk, first, last = (ExpressionAttributeValues[name] for name in (":pk", ":first", ":last"))
        found = [item for key, item in sorted(self.items.items()) if key[0] == pk and first <= key[1] <= last]
        return {"Items": copy.deepcopy(found)}

    def scan(self, **_: Any) -> dict[str, Any]:
        """Every item; filters are not looked at."""
        return {"Items": copy.deepcopy([self.items[key] for key in sorted(self.items)])}

    def _id(self, item: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(str(item[name]) for name in self._keys)

    def _holds(self, key: tuple[str, ...], arguments: Mapping[str, Any]) -> bool:
        condition = arguments.get("ConditionExpression")
        return condition is None or _Condition(condition, self.items.get(key, {}), arguments).value()

    def _check(self, key: tuple[str, ...], arguments: Mapping[str, Any]) -> None:
        if not self._holds(key, arguments):
            wanted = arguments.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            raise client_error("ConditionalCheckFailedException", 400, Item=self._on_the_wire(key) if wanted else {})

    def _on_the_wire(self, key: tuple[str, ...]) -> dict[str, Any]:
        """The item as an error carries it."""
        return {name: TypeSerializer().serialize(value) for name, value in self.items.get(key, {}).items()}

    def _updated(self, key: tuple[str, ...], names: Mapping[str, str], arguments: Mapping[str, Any]) -> Item:
        item = copy.deepcopy(self.items.get(key, dict(names)))
        read = _Reader(item, arguments)
        for clause, body in re.findall(
            r"(SET|ADD|REMOVE) (.*?)(?= (?:SET|ADD|REMOVE) |$)", arguments["UpdateExpression"]
        ):
            for part in re.split(r", (?![^(]*\))", body):
                _apply(item, read, clause, part.strip())
        return item


def client_error(code: str, status: int, **more: Any) -> ClientError:
    """The error of a service, as botocore raises it."""
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(response, "Write")


class _Reader:
    """What names and values of an expression stand for, in an item as it was."""

    def __init__(self, item: Item, arguments: Mapping[str, Any]) -> None:
        self._item = copy.deepcopy(item)
        self._names: Mapping[str, str] = arguments.get("ExpressionAttributeNames", {})
        self._values: Mapping[str, Any] = arguments.get("ExpressionAttributeValues", {})

    def name(self, token: str) -> str:
        return self._names[token] if token.startswith("#") else token

    def value(self, token: str) -> Any:
        """A value, or an attribute's; None where there is none."""
        return self._values[token] if token.startswith(":") else self._item.get(self.name(token))


def _apply(item: Item, read: _Reader, clause: str, part: str) -> None:
    if clause == "REMOVE":
        item.pop(read.name(part), None)
    elif clause == "ADD":
        name, value = part.split()
        item[read.name(name)] = item.get(read.name(name), 0) + read.value(value)
    else:
        name, _, source = part.partition(" = ")
        item[read.name(name)] = _plain(_sum(source, read))


def _sum(source: str, read: _Reader) -> Any:
    found = re.fullmatch(r"if_not_exists\((\S+), (\S+)\)", source)
    if found:
        known = read.value(found[1])
        return read.value(found[2]) if known is None else known
    left, _, right = source.partition(" + ")
    return read.value(left) + read.value(right) if right else read.value(left)


class _Condition:
    """A recursive descent over a condition: OR binds loosest, a comparison with what is not there is false."""

    def __init__(self, text: str, item: Item, arguments: Mapping[str, Any]) -> None:
        self._tokens = _TOKEN.findall(text)
        self._read = _Reader(item, arguments)

    def value(self) -> bool:
        held = self._either()
        assert not self._tokens, self._tokens
        return held

    def _either(self) -> bool:
        held = self._both()
        while self._tokens and self._tokens[0] == "OR":
            self._tokens.pop(0)
            held = self._both() or held
        return held

    def _both(self) -> bool:
        held = self._one()
        while self._tokens and self._tokens[0] == "AND":
            self._tokens.pop(0)
            held = self._one() and held
        return held

    def _one(self) -> bool:
        token = self._tokens.pop(0)
        if token == "(":
            held = self._either()
            assert self._tokens.pop(0) == ")"
            return held
        if token.startswith("attribute_"):
            _, name, _ = (self._tokens.pop(0) for _ in range(3))
            return bool((self._read.value(name) is not None) == (token == "attribute_exists"))
        sign, other = self._tokens.pop(0), self._tokens.pop(0)
        left, right = self._read.value(token), self._read.value(other)
        return left is not None and right is not None and bool(_COMPARE[sign](left, right))


def _stored(item: Mapping[str, Any]) -> Item:
    return {name: _plain(value) for name, value in copy.deepcopy(dict(item)).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        raise TypeError("Float types are not supported. Use Decimal types instead.")
    return int(value) if isinstance(value, Decimal) and value == int(value) else value
