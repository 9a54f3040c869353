"""Accepting a task: on record before it starts, given back where it cannot start."""

from dataclasses import replace
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Metrics
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from cutline.accounts.account import Account
from cutline.accounts.meter import HOLD_S
from cutline.adapters.fetch import FetchPolicy, fetch
from cutline.adapters.sources import Sources
from cutline.contracts import picwish, task_record
from cutline.contracts.wire import Request, Response
from cutline.errors import InputRefused, Reason, ServiceFault
from cutline.pipeline.outputs.metadata import ResultMetadata
from cutline.serving.idempotency import LEASE_S, Idempotency
from cutline.serving.service import Service
from cutline.tasks.accept import Acceptance
from cutline.tasks.api import TaskJournal, TaskService
from cutline.tasks.charge import charge
from cutline.tasks.state_machine import StateMachine
from cutline.tasks.step import Step
from cutline.tasks.task import PENDING_S, Task
from devkit.clients import plain_picture
from tests.support.calls import Part, json_of, multipart, multipart_call
from tests.support.lossy import Killed
from tests.support.task_stack import NOW, SHOP, Stack

PICTURE = plain_picture(64, 48)


class OpenGate:
    """Admits every caller as SHOP."""

    def __init__(self, stack: Stack) -> None:
        self.meter = stack.meter

    def authenticate(self, contract: object, request: Request) -> Account:
        return SHOP

    def reserve(self, account: Account, contract: object, hold_s: int = HOLD_S, call_id: str = "", **how: bool) -> Any:
        return self.meter.reserve(account, call_id, NOW, hold_s, **how)


class NoProcessor:
    def process(self, *args: Any) -> Any:
        raise AssertionError("an accepted task is not worked inline")


def service_of(stack: Stack) -> TaskService:
    service = Service(
        gate=OpenGate(stack),  # type: ignore[arg-type]
        idempotency=Idempotency(stack.meters, stack.results, wait_s=0),
        results=stack.results,
        processor=NoProcessor(),
        sources=Sources(FetchPolicy()),
        logger=Logger(service="test"),
        metrics=Metrics(namespace="test", service="test"),
        time_limit_ms=20_000,
        journal=TaskJournal(stack.tasks),
        deferral=Acceptance(stack.tasks, stack.files, stack.machine),
    )
    return TaskService(service, stack.tasks, stack.results, stack.files, stack.machine)


FORM = multipart(
    Part('; name="sync"', b"0"),
    Part('; name="crop"', b"1"),
    Part('; name="callback_url"', b"https://shop.example/done"),
    Part('; name="image_file"; filename="a"', PICTURE),
)


def post(stack: Stack, key: str = "", request_id: str = "call-1", form: bytes = FORM) -> Response:
    request = multipart_call(form)
    headers = {**request.headers, "idempotency-key": key}
    request = replace(request, headers=headers, request_id=request_id, received_at=float(NOW))
    return service_of(stack).handle(request, picwish, {})


def test_the_answer_is_the_id_of_a_task_on_record_and_started(stack: Stack) -> None:
    response = post(stack)
    task_id = json_of(response)["data"]["task_id"]
    assert json_of(response) == {"status": 200, "message": "success", "data": {"task_id": task_id}}
    assert stack.machine.started == [task_id]
    task = stack.tasks.find(task_id)
    assert task is not None
    assert (task.record.state, task.record.created_at) == (task_record.QUEUED, NOW)
    assert (task.order.cut.crop, task.record.options.callback_url) == (True, "https://shop.example/done")
    assert stack.files.get(task.source_key) == PICTURE


def test_the_quota_is_held_until_the_task_ends_and_nothing_is_charged_yet(stack: Stack) -> None:
    post(stack)
    counters = stack.day()
    assert counters[f"hold:{stack.machine.started[0]}"] == NOW + PENDING_S
    assert (counters["taken"], counters.get("charged_micros", 0)) == (1, 0)


def test_a_task_that_cannot_start_gives_everything_back(stack: Stack) -> None:
    stack.machine.fault = ClientError({"Error": {"Code": "AccessDeniedException"}}, "StartExecution")
    response = post(stack)
    assert response.status == 500
    assert stack.day()["taken"] == 0


@pytest.mark.parametrize("key", ["", "order-1"])
def test_a_task_whose_start_was_not_answered_is_answered_with_its_id(stack: Stack, key: str) -> None:
    stack.machine.fault = ReadTimeoutError(endpoint_url="https://states")
    task_id = json_of(post(stack, key))["data"]["task_id"]
    assert stack.day()[f"hold:{task_id}"] == NOW + PENDING_S
    assert stack.tasks.find(task_id) is not None


def test_a_task_whose_start_was_lost_is_started_by_the_next_question(stack: Stack) -> None:
    stack.machine.fault = ReadTimeoutError(endpoint_url="https://states")
    task_id = json_of(post(stack))["data"]["task_id"]
    question = replace(multipart_call(b""), method="GET")
    for seconds, started in ((30, []), (80, []), (90, [task_id])):
        if seconds == 80:
            stack.machine.fault = ReadTimeoutError(endpoint_url="https://states")
        asked = replace(question, received_at=float(NOW + seconds))
        assert service_of(stack).handle(asked, picwish, {"task_id": task_id}).status == 200
        assert stack.machine.started == started


def test_a_repeated_key_finds_the_task_of_a_call_that_died_after_starting_it(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the execution's start and its answer: one task, one place, one charge for both calls."""
    with monkeypatch.context() as death:
        death.setattr(Idempotency, "keep", _die)
        with pytest.raises(Killed):
            post(stack, "order-1")
    assert len(stack.machine.started) == 1
    for item in stack.meters.scan()["Items"]:
        if "lapses_at" in item:
            stack.meters.put_item(Item={**item, "lapses_at": item["lapses_at"] - LEASE_S - 1})
    assert json_of(post(stack, "order-1"))["data"]["task_id"] == stack.machine.started[0]
    assert set(stack.machine.started) == {stack.machine.started[0]}
    assert stack.day()["taken"] == 1
    assert [name for name in stack.day() if name.startswith("hold:")] == [f"hold:{stack.machine.started[0]}"]


def test_a_repeated_key_of_a_task_that_was_charged_meanwhile_needs_no_place_and_is_charged_once(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The meter keeps no trace of an ended reservation: reserved again, settled again, it would be charged twice."""
    monkeypatch.setattr("tests.tasks.test_accept.SHOP", replace(SHOP, daily_quota=1))
    with monkeypatch.context() as death:
        death.setattr(Idempotency, "keep", _die)
        with pytest.raises(Killed):
            post(stack, "order-1")
    (task_id,) = stack.machine.started
    task = stack.tasks.finish(task_id, {}, ResultMetadata("object", 0.5, 0.9), NOW)
    assert task is not None
    charge(task, stack.meter, stack.files, stack.note_charge, Step())
    before = stack.day()
    for item in stack.meters.scan()["Items"]:
        if "lapses_at" in item:
            stack.meters.put_item(Item={**item, "lapses_at": item["lapses_at"] - LEASE_S - 1})
    assert json_of(post(stack, "order-1"))["data"]["task_id"] == task_id
    charge(task, stack.meter, stack.files, stack.note_charge, Step())
    assert (stack.noted_charges, stack.machine.started, stack.day()) == ([3000], [task_id], before)
    assert before["taken"] == before["calls_pw"] == 1


def _die(*args: Any, **options: Any) -> None:
    raise Killed


def test_a_repeated_key_gets_the_same_task_and_no_charge_ahead_of_time(stack: Stack) -> None:
    first, again = post(stack, "order-1"), post(stack, "order-1", "call-2")
    assert first.body == again.body
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(stack.machine.started) == 1
    assert f"hold:{stack.machine.started[0]}" in stack.day()


def test_an_accepted_task_is_answered_although_its_key_cannot_be_kept(stack: Stack, monkeypatch: Any) -> None:
    def keep(*args: Any, **options: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    monkeypatch.setattr(Idempotency, "keep", keep)
    response = post(stack, "order-1")
    task_id = json_of(response)["data"]["task_id"]
    assert stack.machine.started == [task_id]
    assert stack.day()["taken"] == 1


def test_a_call_that_fails_after_its_task_began_leaves_the_task_as_it_is(stack: Stack, monkeypatch: Any) -> None:
    def late(task_id: str) -> None:
        raise ServiceFault(Reason.TIMED_OUT)

    monkeypatch.setattr(stack.machine, "start", late)
    accepted: list[Task] = []
    accept = stack.tasks.accept
    monkeypatch.setattr(stack.tasks, "accept", lambda task: (accept(task), accepted.append(task)))
    (task,) = accepted if post(stack).status == 200 else []
    assert stack.tasks.find(task.record.task_id) == task


def test_an_address_too_long_for_the_record_is_cut_to_one_that_preparing_refuses(stack: Stack) -> None:
    url = "data:image/png;base64," + "A" * 500_000
    form = multipart(Part('; name="sync"', b"0"), Part('; name="image_url"', url.encode()))
    response = post(stack, form=form)
    task = stack.tasks.find(json_of(response)["data"]["task_id"])
    assert task is not None
    with pytest.raises(InputRefused):
        fetch(task.order.source_url, 100, FetchPolicy())


class States:
    """A Step Functions client that raises or answers."""

    def __init__(self, code: str = "") -> None:
        self.code = code
        self.calls: list[dict[str, Any]] = []

    def start_execution(self, **call: Any) -> None:
        self.calls.append(call)
        if self.code:
            raise ClientError({"Error": {"Code": self.code}}, "StartExecution")

    send_task_success = send_task_failure = start_execution


def test_an_execution_bears_its_tasks_id_so_that_a_repeated_start_is_none() -> None:
    states = States("ExecutionAlreadyExists")
    StateMachine(states, "arn:machine").start("task-1")
    assert states.calls == [{"stateMachineArn": "arn:machine", "name": "task-1", "input": '{"task_id": "task-1"}'}]
    with pytest.raises(ClientError):
        StateMachine(States("StateMachineDoesNotExist"), "arn:machine").start("task-1")


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_an_answer_to_a_state_that_no_longer_waits_is_false(code: str) -> None:
    flow = StateMachine(States(code), "arn:machine")
    assert (flow.succeed("token"), flow.fail("token", "Error", "why")) == (False, False)


def test_an_answer_that_cannot_be_given_is_a_fault() -> None:
    with pytest.raises(ClientError):
        StateMachine(States("ThrottlingException"), "arn:machine").succeed("token")
