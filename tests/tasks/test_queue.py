"""The worker, its messages and whom it asks for the network's maps."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Metrics

from cutline.adapters.sagemaker import EndpointFault, Trouble
from cutline.errors import InputRefused, MattingError, Reason, ServiceFault
from cutline.tasks.matte import Matte
from cutline.tasks.predictors import EndpointPredictor
from cutline.tasks.queue import ENDPOINT_AWAY, UNDELIVERED, Worker, each, give_up
from cutline.tasks.step import Step
from tests.support.task_stack import Stack

MESSAGE = "a message"


def worker(stack: Stack, predict: Callable[[bytes], bytes]) -> Worker:
    return Worker(Matte(stack.tasks, stack.files, predict), stack.machine)


def prepared(stack: Stack) -> str:
    """The body of a message about a task that has been prepared."""
    task = stack.task()
    stack.files.put(task.view_key, b"view")
    return json.dumps({"task_id": task.record.task_id, "token": "token"})


def raising(error: Exception) -> Callable[[bytes], bytes]:
    def predict(view: bytes) -> bytes:
        raise error

    return predict


def test_a_matted_picture_lets_its_execution_go_on(stack: Stack) -> None:
    body = prepared(stack)
    assert worker(stack, lambda view: b"maps of " + view).run(body, Step()) == "matted"
    assert stack.machine.answers == [("token", "ok", "")]
    task = stack.tasks.find(json.loads(body)["task_id"])
    assert task is not None
    assert stack.files.get(task.maps_key) == b"maps of view"


def test_a_message_that_comes_twice_or_too_late_changes_nothing(stack: Stack) -> None:
    body = prepared(stack)
    work = worker(stack, lambda view: b"maps")
    assert [work.run(body, Step()), work.run(body, Step())] == ["matted", "matted"]
    task_id = json.loads(body)["task_id"]
    stack.tasks.fail(task_id, -8, 0)
    assert worker(stack, raising(AssertionError())).run(body, Step()) == "matted"
    task = stack.tasks.find(task_id)
    assert task is not None
    assert task.record.state == -8


@pytest.mark.parametrize("trouble", list(Trouble))
def test_an_endpoint_in_trouble_hands_the_picture_to_the_cpu(stack: Stack, trouble: Trouble) -> None:
    assert worker(stack, raising(EndpointFault(trouble))).run(prepared(stack), Step()) == "endpoint away"
    assert [(token, error) for token, error, _ in stack.machine.answers] == [("token", ENDPOINT_AWAY)]


@pytest.mark.parametrize(
    "error",
    [
        ServiceFault(Reason.MODEL_FAILED),
        ServiceFault(Reason.TIMED_OUT, "30 s"),
        InputRefused(Reason.IMAGE_CORRUPT),
    ],
)
def test_a_failure_of_the_picture_ends_the_wait(stack: Stack, error: MattingError) -> None:
    assert worker(stack, raising(error)).run(prepared(stack), Step()) == str(error.reason)
    assert stack.machine.answers == [("token", "StepRefused", str(error.reason))]


@pytest.mark.parametrize("reason", [Reason.INTERNAL, Reason.OVERLOADED, Reason.STORE_FAILED])
def test_a_passing_fault_of_ours_keeps_the_message(stack: Stack, reason: Reason) -> None:
    with pytest.raises(ServiceFault):
        worker(stack, raising(ServiceFault(reason))).run(prepared(stack), Step())
    assert stack.machine.answers == []


def test_only_the_messages_that_failed_come_back_and_the_log_says_why() -> None:
    event = {"Records": [{"messageId": str(number), "body": str(number)} for number in range(4)]}

    def act(body: str) -> None:
        if body in ("1", "3"):
            raise ValueError(body)

    written = io.StringIO()
    logger = Logger(service="each", stream=written)
    assert each(event, act, logger) == {"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "3"}]}
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["message_id"] for line in lines] == ["1", "3"]
    assert {line["exception_name"] for line in lines} == {"ValueError"}


def test_each_message_that_failed_is_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    event = {"Records": [{"messageId": str(number), "body": str(number)} for number in range(3)]}
    metrics = Metrics(namespace="Cutline", service="intake")
    seen: list[str] = []
    each(event, seen.append, Logger(service="each", stream=io.StringIO()), metrics)
    assert capsys.readouterr().out == ""
    seen.clear()
    each(event, seen.remove, Logger(service="each", stream=io.StringIO()), metrics)
    counted = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["Faults"], line["service"]) for line in counted] == [([1.0], "intake")] * 3


def test_a_dead_letter_ends_the_wait_as_undelivered(stack: Stack) -> None:
    assert give_up(prepared(stack), stack.machine) is True
    assert [(token, error) for token, error, _ in stack.machine.answers] == [("token", UNDELIVERED)]


class Endpoint:
    """Answers with a script of faults, then with maps."""

    def __init__(self, *troubles: Trouble) -> None:
        self.troubles = list(troubles)
        self.calls: list[tuple[bytes, str]] = []

    def alpha(self, picture: bytes, content_type: str) -> bytes:
        self.calls.append((picture, content_type))
        if self.troubles:
            raise EndpointFault(self.troubles.pop(0))
        return b"maps"


def matted(endpoint: Endpoint) -> tuple[Any, list[float]]:
    pauses: list[float] = []
    try:
        return EndpointPredictor(endpoint, pauses.append).predict(b"view"), pauses
    except EndpointFault as fault:
        return fault.trouble, pauses


def test_a_busy_endpoint_is_asked_again_twice_with_pauses_between() -> None:
    busy = Endpoint(Trouble.OVERLOADED, Trouble.THROTTLED)
    result, pauses = matted(busy)
    assert (result, len(busy.calls), len(pauses)) == (b"maps", 3, 2)
    assert busy.calls[0] == (b"view", "image/png")
    result, pauses = matted(Endpoint(*[Trouble.OVERLOADED] * 9))
    assert (result, len(pauses)) == (Trouble.OVERLOADED, 2)
    assert all(0 <= pause <= 1 for pause in pauses)


@pytest.mark.parametrize("trouble", [Trouble.UNAVAILABLE, Trouble.TIMED_OUT, Trouble.MODEL_ERROR])
def test_an_endpoint_that_is_away_is_not_asked_again(trouble: Trouble) -> None:
    away = Endpoint(trouble)
    assert matted(away) == (trouble, [])
    assert len(away.calls) == 1
