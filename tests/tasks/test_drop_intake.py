"""Dropped pictures: taken in once for any number of events, worked like tasks, never left without an answer."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus

import pytest

from cutline.accounts.account import Account
from cutline.contracts import drops
from cutline.errors import AccessRefused, InputRefused, Reason
from cutline.tasks.drop_intake import UNSEEN, Intake, read_event, task_id_of
from cutline.tasks.step import Step
from devkit.memory_table import client_error
from tests.support.task_stack import NOW, SHOP, Stack
from tests.support.task_steps import PICTURE, fail, finish, matte, prepare

STEP = Step()
KEY = "in/shop/auto/a b+ü.jpg"


class Accounts:
    """Knows the given accounts."""

    def __init__(self, *accounts: Account) -> None:
        self._accounts = {account.account_id: account for account in accounts}

    def account(self, account_id: str) -> Account | None:
        return self._accounts.get(account_id)


def intake(stack: Stack, *accounts: Account, now: float = NOW) -> Intake:
    known: Any = Accounts(*(accounts or (SHOP,)))
    machine: Any = stack.machine
    return Intake(known, stack.meter, stack.tasks, stack.files, stack.results, machine, lambda: now)


def drop(stack: Stack, data: bytes = PICTURE, key: str = KEY, **metadata: Any) -> str:
    """The event about a picture that has just been put there, as S3 words it."""
    etag = stack.s3.put_object(Bucket=stack.files.bucket, Key=key, Body=data, Metadata=metadata)["ETag"].strip('"')
    return event(stack.files.bucket, key, etag)


def event(bucket: str = "input", key: str = KEY, etag: str = "abc", **changes: str) -> str:
    source = {"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe="/"), "eTag": etag}}
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", **changes, "s3": source}
    return json.dumps({"Records": [record]})


def work(stack: Stack, task_id: str) -> None:
    """The state machine's work on a started task."""
    try:
        prepare(stack).run(task_id, STEP)
        matte(stack).run(task_id, STEP)
        finish(stack).run(task_id, STEP)
    except InputRefused as error:
        fail(stack).run(task_id, error.reason, STEP)


def error_file(stack: Stack, key: str = KEY) -> dict[str, Any]:
    """Return the error file of a drop."""
    document: dict[str, Any] = json.loads(stack.results.get(drops.error_key(key)))
    return document


def test_a_drop_becomes_a_result_of_its_name_and_is_charged(stack: Stack) -> None:
    assert intake(stack).run(drop(stack, output_type="1"), STEP) == "started"
    (task_id,) = stack.machine.started
    work(stack, task_id)
    assert stack.objects(stack.output_bucket) == {f"{KEY}.png", f"{KEY}-mask.png"}
    head = stack.s3.head_object(Bucket=stack.output_bucket, Key=f"{KEY}.png")
    assert (head["Metadata"]["task-id"], head["ContentType"]) == (task_id, "image/png")
    assert set(head["Metadata"]) == {"task-id", "subject", "confidence", "enlargement"}
    assert stack.objects(stack.files.bucket) == {KEY}
    counters = stack.day()
    assert (counters["taken"], counters["calls_pw"], counters["charged_micros"]) == (1, 1, 3000)


def test_a_jpeg_is_named_as_one(stack: Stack) -> None:
    intake(stack).run(drop(stack, format="jpg"), STEP)
    work(stack, *stack.machine.started)
    assert stack.objects(stack.output_bucket) == {f"{KEY}.jpg"}


def test_events_that_come_again_change_nothing(stack: Stack) -> None:
    event, take = drop(stack), intake(stack)
    assert [take.run(event, STEP) for _ in range(3)] == ["started"] * 3
    (task_id,) = set(stack.machine.started)  # starting an execution again is nothing (tasks/state_machine.py)
    assert stack.day()["taken"] == 1
    work(stack, task_id)
    stack.machine.started.clear()
    assert take.run(event, STEP) == "known"
    late = intake(stack, now=NOW + 2 * 86400)
    assert late.run(event, STEP) == "known"
    assert stack.machine.started == []
    assert (stack.day()["taken"], stack.day()["charged_micros"]) == (1, 3000)


def test_an_intake_that_died_halfway_is_done_again(stack: Stack) -> None:
    event, take = drop(stack), intake(stack)
    stack.machine.fault = ConnectionError("the start was lost")
    with pytest.raises(ConnectionError):
        take.run(event, STEP)
    assert intake(stack, now=NOW + 86400).run(event, STEP) == "started"
    work(stack, *stack.machine.started)
    assert (stack.day()["taken"], stack.day()["charged_micros"]) == (1, 3000)
    assert not any(name.startswith("hold:") for name in stack.day())


def test_an_event_about_a_picture_that_is_gone_or_replaced_starts_nothing(stack: Stack) -> None:
    first, take = drop(stack), intake(stack)
    second = drop(stack, PICTURE + b"x")
    assert [take.run(second, STEP), take.run(first, STEP)] == ["started", "stale"]
    stack.files.delete(KEY)
    assert take.run(second, STEP) == UNSEEN
    assert len(stack.machine.started) == 1


def test_a_picture_that_may_not_be_read_is_not_taken_for_an_old_event(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Encrypted with another key, or under a changed bucket policy: the log has to show it."""
    event = drop(stack)

    def forbidden(**_: object) -> None:
        raise client_error("403", 403)

    with monkeypatch.context() as patch:
        patch.setattr(stack.files._s3, "head_object", forbidden)
        assert intake(stack).run(event, STEP) == UNSEEN


@pytest.mark.parametrize(("key_bytes", "outcome"), [(1013, "started"), (1014, "long key")])
def test_a_key_too_long_for_its_result_is_ignored(stack: Stack, key_bytes: int, outcome: str) -> None:
    name = "商" * 300
    folder = KEY.rpartition("/")[0]
    key = f"{folder}/{name}" + "x" * (key_bytes - len(f"{folder}/{name}".encode()))
    assert intake(stack).run(drop(stack, key=key), STEP) == outcome
    assert stack.objects(stack.output_bucket) == set()


def test_a_picture_replaced_while_it_is_worked_leaves_the_telling_to_the_new_one(stack: Stack) -> None:
    take = intake(stack)
    take.run(drop(stack), STEP)
    (old,) = stack.machine.started
    prepare(stack).run(old, STEP)
    matte(stack).run(old, STEP)
    take.run(drop(stack, PICTURE + b"x"), STEP)
    with pytest.raises(InputRefused) as refusal:
        finish(stack).run(old, STEP)
    fail(stack).run(old, refusal.value.reason, STEP)
    assert stack.objects(stack.output_bucket) == set()
    new = stack.machine.started[-1]
    work(stack, new)
    head = stack.s3.head_object(Bucket=stack.output_bucket, Key=f"{KEY}.png")
    assert head["Metadata"]["task-id"] == new
    assert stack.day()["charged_micros"] == 3000


def test_the_same_picture_dropped_again_later_is_worked_again(stack: Stack) -> None:
    drop(stack)
    found = stack.files.head(KEY)
    assert found is not None
    later = replace(found, modified=found.modified.replace(year=found.modified.year + 1))
    ids = {task_id_of("in", KEY, found), task_id_of("in", KEY, later), task_id_of("in", f"{KEY}x", found)}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("account", "reason", "message"),
    [
        (replace(SHOP, account_id="another"), "key_unknown", "The account does not exist"),
        (replace(SHOP, enabled=False), "account_disabled", "The account is disabled"),
        (replace(SHOP, apis=frozenset({"aid"})), "api_not_allowed", drops.WORDS[Reason.API_NOT_ALLOWED]),
        (replace(SHOP, daily_quota=0), "quota_exceeded", "The account's quota for the day is used up"),
    ],
)
def test_a_refused_drop_gets_an_error_file_with_the_reason(
    stack: Stack, account: Account, reason: str, message: str
) -> None:
    assert intake(stack, account).run(drop(stack), STEP) == reason
    document = error_file(stack)
    assert (document["state"], document["reason"], document["message"]) == (-1, reason, message)
    assert stack.machine.started == []


def test_a_used_up_quota_is_refused_once_however_often_the_event_comes(stack: Stack) -> None:
    account = replace(SHOP, daily_quota=1)
    take = intake(stack, account)
    assert take.run(drop(stack, key="in/shop/auto/1.jpg"), STEP) == "started"
    event = drop(stack, key="in/shop/auto/2.jpg")
    assert [take.run(event, STEP), take.run(event, STEP)] == ["quota_exceeded", "known"]
    assert (stack.day()["taken"], stack.day()["refused_pw"]) == (1, 1)
    task_id = error_file(stack, "in/shop/auto/2.jpg")["task_id"]
    record = stack.tasks.get(task_id, "shop", NOW)
    assert record is not None
    assert record.state == -1


def test_a_refusal_after_its_drop_was_processed_does_not_change_the_result(stack: Stack) -> None:
    """Two intakes of one event: this one is refused by the quota and stalls, the other one is accepted meanwhile."""
    account = replace(SHOP, daily_quota=1)
    event, other = drop(stack), intake(stack, account)

    class Stalled:
        def reserve(self, *arguments: Any, **options: Any) -> Any:
            assert other.run(event, STEP) == "started"
            work(stack, *stack.machine.started)
            raise AccessRefused(Reason.QUOTA_EXCEEDED)

        def __getattr__(self, name: str) -> Any:
            return getattr(stack.meter, name)

    meter: Any = Stalled()
    assert replace(intake(stack, account), meter=meter).run(event, STEP) == "known"
    assert stack.objects(stack.output_bucket) == {f"{KEY}.png"}
    counters = stack.day()
    assert (counters["taken"], counters["calls_pw"], counters.get("refused_pw", 0)) == (1, 1, 0)


def test_a_place_taken_after_its_drop_was_worked_is_given_back(stack: Stack) -> None:
    """Two intakes of one event: this one found the task queued and stalled, the other's execution was quicker."""
    event, other = drop(stack), intake(stack)

    class Stalled:
        def reserve(self, *arguments: Any, **options: Any) -> Any:
            assert other.run(event, STEP) == "started"
            work(stack, *stack.machine.started)
            return stack.meter.reserve(*arguments, **options)

        def __getattr__(self, name: str) -> Any:
            return getattr(stack.meter, name)

    meter: Any = Stalled()
    stack.machine.fault = ConnectionError("the start was lost")
    with pytest.raises(ConnectionError):
        intake(stack).run(event, STEP)
    stack.machine.fault = None
    assert replace(intake(stack), meter=meter).run(event, STEP) == "known"
    counters = stack.day()
    assert (counters["taken"], counters["calls_pw"], counters.get("refused_pw", 0)) == (1, 1, 0)
    assert not any(name.startswith("hold:") for name in counters)


def test_drops_take_quota_but_not_the_rate(stack: Stack) -> None:
    slow = replace(SHOP, qps=0.01)
    take = intake(stack, slow)
    assert [take.run(drop(stack, key=f"in/shop/auto/{n}.jpg"), STEP) for n in range(5)] == ["started"] * 5
    assert stack.day()["taken"] == 5
    assert stack.meter.reserve(slow, "a call", NOW).remaining == 94


@pytest.mark.parametrize(
    ("key", "metadata", "message"),
    [
        ("in/shop/auto/folder/", {}, "The key names a folder, not a picture"),
        ("in/shop/cat/x.jpg", {}, "Invalid task type"),
        ("in/shop/auto/x.jpg", {"format": "gif"}, "Invalid format"),
    ],
)
def test_an_invalid_drop_gets_an_error_file_with_the_fault(
    stack: Stack, key: str, metadata: dict[str, Any], message: str
) -> None:
    assert intake(stack).run(drop(stack, key=key, **metadata), STEP) == "parameter_invalid"
    assert error_file(stack, key)["message"] == message


@pytest.mark.parametrize(
    ("data", "reason"), [(b"", "image_empty"), (b"text", "image_type"), (PICTURE[:900], "image_corrupt")]
)
def test_a_file_that_is_no_picture_gets_an_error_file_and_costs_nothing(stack: Stack, data: bytes, reason: str) -> None:
    intake(stack).run(drop(stack, data), STEP)
    (task_id,) = stack.machine.started
    work(stack, task_id)
    assert error_file(stack) == {
        "task_id": task_id,
        "state": -7,
        "reason": reason,
        "message": drops.WORDS[Reason(reason)],
    }
    assert stack.day()["taken"] == 0
    assert "charged_micros" not in stack.day()


def test_a_result_takes_the_place_of_an_earlier_error(stack: Stack) -> None:
    intake(stack).run(drop(stack, b"text"), STEP)
    work(stack, stack.machine.started[-1])
    assert stack.objects(stack.output_bucket) == {f"{KEY}.error.json"}
    intake(stack).run(drop(stack), STEP)
    work(stack, stack.machine.started[-1])
    assert stack.objects(stack.output_bucket) == {f"{KEY}.png"}


def test_an_error_takes_the_place_of_earlier_results(stack: Stack) -> None:
    intake(stack).run(drop(stack, output_type="1"), STEP)
    work(stack, stack.machine.started[-1])
    assert stack.objects(stack.output_bucket) == {f"{KEY}.png", f"{KEY}-mask.png"}
    intake(stack).run(drop(stack, b"text"), STEP)
    work(stack, stack.machine.started[-1])
    assert stack.objects(stack.output_bucket) == {f"{KEY}.error.json"}
    intake(stack).run(drop(stack), STEP)
    work(stack, stack.machine.started[-1])
    assert intake(stack).run(drop(stack, b"other bytes", crop="yes"), STEP) == "parameter_invalid"
    assert stack.objects(stack.output_bucket) == {f"{KEY}.error.json"}


def test_a_drops_task_is_shown_for_an_hour_and_remembered_for_longer(stack: Stack) -> None:
    intake(stack).run(drop(stack), STEP)
    (task_id,) = stack.machine.started
    work(stack, task_id)
    ended = NOW + 5
    for moment, shown in ((ended + 3599, True), (ended + 3600, False)):
        assert (stack.tasks.get(task_id, "shop", moment) is not None) is shown
    assert stack.tasks.find(task_id) is not None
    assert stack.tasks.get(task_id, "another", NOW) is None


def test_an_events_key_is_decoded_as_s3_encodes_it() -> None:
    body = event(key="in/shop/auto/a%20b+c d/ü.jpg")
    assert '"in/shop/auto/a%2520b%2Bc+d/%C3%BC.jpg"' in body
    (dropped,) = read_event(body, "input")
    assert (dropped.key, dropped.etag) == ("in/shop/auto/a%20b+c d/ü.jpg", "abc")


def test_every_record_of_a_message_is_taken(stack: Stack) -> None:
    bodies = [json.loads(drop(stack, key=f"in/shop/auto/{name}.png")) for name in "ab"]
    both = json.dumps({"Records": [record for body in bodies for record in body["Records"]]})
    assert intake(stack).run(both, STEP) == "started, started"
    assert len(set(stack.machine.started)) == 2


@pytest.mark.parametrize(
    "body",
    [
        '{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "input"}',
        event(eventName="ObjectRemoved:Delete"),
        event(eventSource="shop.example"),
        event(bucket="another"),
        event(key="u/shop/x"),
        "no JSON",
        "[]",
    ],
)
def test_other_messages_are_ignored(stack: Stack, body: str) -> None:
    assert read_event(body, "input") == []
    assert intake(stack).run(body, STEP) == "no drop"
    assert stack.objects(stack.output_bucket) == set()
    assert stack.machine.started == []
