"""Transactions, and writes that conflict with others."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from cutline.adapters.dynamodb import (
    ConditionFailed,
    ConditionsFailed,
    every_item,
    may_have_written,
    write_all,
    write_if,
)
from cutline.errors import Reason, ServiceFault
from devkit.memory_table import client_error


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cutline.adapters.dynamodb.time.sleep", lambda _: None)


class Busy:
    """Answers with these errors, one after another, and then with success."""

    def __init__(self, *errors: ClientError) -> None:
        self.name, self.meta = "t", SimpleNamespace(client=self)
        self.errors = list(errors)
        self.sent: list[dict[str, Any]] = []

    def update_item(self, **arguments: Any) -> dict[str, Any]:
        self.sent.append(arguments)
        if self.errors:
            raise self.errors.pop(0)
        return {"Attributes": {}}

    transact_write_items = update_item


def cancelled(*codes: str) -> ClientError:
    return client_error("TransactionCanceledException", 400, CancellationReasons=[{"Code": code} for code in codes])


CONFLICT = client_error("TransactionConflictException", 400)


def test_a_write_that_meets_a_transaction_is_tried_again() -> None:
    table = Busy(CONFLICT, CONFLICT)
    assert write_if(table.update_item, "a = b", Key={}) == {"Attributes": {}}
    assert len(table.sent) == 3


def test_a_transaction_that_meets_another_is_tried_again() -> None:
    table = Busy(cancelled("None", "TransactionConflict"))
    write_all(table, [{"Key": {}}, {"Key": {}}])
    assert len(table.sent) == 2


def test_an_item_that_stays_locked_is_overloaded() -> None:
    for table, write in (
        (Busy(*[CONFLICT] * 20), lambda table: write_if(table.update_item, "a = b")),
        (Busy(*[cancelled("TransactionConflict")] * 20), lambda table: write_all(table, [{}])),
        (Busy(cancelled("ThrottlingError")), lambda table: write_all(table, [{}])),
    ):
        with pytest.raises(ServiceFault) as fault:
            write(table)
        assert fault.value.reason is Reason.OVERLOADED


def test_each_failed_condition_comes_with_its_item() -> None:
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": {"n": {"N": "3"}}}]
    reasons.append({"Code": "ConditionalCheckFailed"})
    error = client_error("TransactionCanceledException", 400, CancellationReasons=reasons)
    with pytest.raises(ConditionsFailed) as failed:
        write_all(Busy(error), [{}, {}, {}])
    assert failed.value.items == [None, {"n": 3}, {}]


@pytest.mark.parametrize("retries", [0, 1])
def test_a_failed_condition_tells_whether_the_write_may_have_met_itself(retries: int) -> None:
    error = client_error("ConditionalCheckFailedException", 400)
    error.response["ResponseMetadata"]["RetryAttempts"] = retries
    with pytest.raises(ConditionFailed) as failed:
        write_if(Busy(error).update_item, "a = b")
    assert (failed.value.repeated, failed.value.item) == (retries > 0, {})


def test_only_a_clear_refusal_says_that_nothing_was_written() -> None:
    assert [may_have_written(error) for error in (client_error("X", 400), client_error("X", 500))] == [False, True]
    assert may_have_written(client_error("TransactionInProgressException", 400))
    assert may_have_written(ReadTimeoutError(endpoint_url="https://dynamodb"))
    with pytest.raises(ClientError):
        write_if(Busy(client_error("AccessDeniedException", 400)).update_item, "a = b")


def test_items_of_all_pages_are_read_in_order() -> None:
    pages = {None: {"Items": [1, 2], "LastEvaluatedKey": "b"}, "b": {"Items": [], "LastEvaluatedKey": "c"}}
    asked = []

    def read(ExclusiveStartKey: Any = None, **question: Any) -> Any:
        asked.append(question)
        return pages.get(ExclusiveStartKey, {"Items": [3]})

    assert list(every_item(read, ConsistentRead=True)) == [1, 2, 3]
    assert asked == [{"ConsistentRead": True}] * 3
