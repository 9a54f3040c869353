"""Messages of queues, of S3 and of Step Functions with every value damaged: no error but the reader's own."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from cutline.adapters.callback_queue import task_of
from cutline.errors import Reason
from cutline.tasks.drop_intake import Dropped, read_event
from cutline.tasks.fail import reason_of
from cutline.tasks.queue import Worker, each, give_up
from cutline.tasks.step import Step
from tests.support.damaged import TEXTS, damaged_documents

RECORD = {
    "eventSource": "aws:s3",
    "eventName": "ObjectCreated:Put",
    "s3": {"bucket": {"name": "input"}, "object": {"key": "in/shop/auto/a.jpg", "eTag": "abc"}},
}
EVENT = {"Records": [RECORD]}
TEXT = json.dumps(EVENT)
HALVES = [TEXT[: len(TEXT) // 2], TEXT[len(TEXT) // 2 :]]


@pytest.mark.parametrize("body", [*TEXTS, *HALVES], ids=lambda body: body[:20])
def test_a_text_that_is_no_event_is_no_drop(body: str) -> None:
    assert read_event(body, "input") == []


def test_an_event_with_a_damaged_value_is_no_drop_or_the_same_one() -> None:
    assert read_event(TEXT, "input") == [Dropped("in/shop/auto/a.jpg", "abc")]
    for event in damaged_documents(EVENT):
        found = read_event(json.dumps(event), "input")
        assert all(dropped.key.encode().startswith(b"in/") for dropped in found), event
        assert len(found) <= 1


def test_a_damaged_record_hides_no_other() -> None:
    for event in damaged_documents(RECORD):
        assert len(read_event(json.dumps({"Records": [event, RECORD]}), "input")) >= 1, event


@pytest.mark.parametrize("name", ["StepFailed", "States.TaskFailed"])
def test_a_damaged_cause_is_a_failure_of_the_model(name: str) -> None:
    assert reason_of({"Error": "StepFailed", "Cause": '{"errorMessage": "image_corrupt"}'}) is Reason.IMAGE_CORRUPT
    causes = [json.dumps(cause) for cause in damaged_documents({"errorMessage": "image_corrupt"})]
    for cause in [*TEXTS, *causes]:
        assert reason_of({"Error": name, "Cause": cause}) is Reason.MODEL_FAILED
    assert reason_of({"Error": name}) is Reason.MODEL_FAILED


class _Touched:
    """A state machine and a network that only remember that they were reached."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *values: self.names.append(name)


@pytest.mark.parametrize("reader", ["worker", "give_up", "callback"])
def test_a_damaged_message_comes_back_and_nothing_is_done_for_it(reader: str) -> None:
    touched: Any = _Touched()
    act: Callable[[str], Any] = {
        "worker": lambda body: Worker(touched, touched).run(body, Step()),
        "give_up": lambda body: give_up(body, touched),
        "callback": task_of,
    }[reader]
    records = [{"messageId": str(number), "body": body} for number, body in enumerate((*TEXTS, "{}", '{"task_id": '))]
    failed = each({"Records": records}, act, Logger(service="test", stream=io.StringIO()))
    assert [one["itemIdentifier"] for one in failed["batchItemFailures"]] == [one["messageId"] for one in records]
    assert touched.names == []
