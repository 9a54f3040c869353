"""Claims on idempotency keys and the answers behind them, against DynamoDB in memory."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from cutline.accounts.account import Account
from cutline.accounts.meter import day_of
from cutline.contracts import task_record
from cutline.contracts.wire import Job, Response, Source
from cutline.errors import AccessRefused, Reason, ServiceFault
from cutline.limits import PictureLimits
from cutline.pipeline.options import CutOptions
from cutline.serving.idempotency import LEASE_S, Idempotency, KeyLease, fingerprint_of
from tests.support.bank import Bank

LIMITS = PictureLimits(frozenset({"PNG"}), max_bytes=1000)
JOB = Job(Source(data=b"picture"), LIMITS)
OTHER_JOB = Job(Source(data=b"another picture"), LIMITS)
ANSWER = Response(200, {"Content-Type": "application/json"}, b'{"code":10000}')


@dataclass
class Bucket:
    """Bodies by key, and how many were put."""

    bodies: dict[str, bytes] = field(default_factory=dict)

    def put_answer(self, account_id: str, body: bytes) -> str:
        key = f"i/{account_id}/{len(self.bodies)}"
        self.bodies[key] = body
        return key

    def get(self, key: str) -> bytes:
        return self.bodies[key]


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def keys(bank: Bank, bucket: Bucket) -> Idempotency:
    return Idempotency(bank.meters, bucket, wait_s=0, sleep=lambda _: None)


def claim(keys: Idempotency, job: Job = JOB, *, account: str = "shop", api: str = "jdc", key: str = "k") -> KeyLease:
    return keys.lease(account, api, key, job)


def test_the_first_call_has_to_work_itself(keys: Idempotency) -> None:
    assert claim(keys).first is None


@pytest.mark.parametrize("size", [0, 4096, 4097])
def test_a_repeated_call_gets_the_first_answer(keys: Idempotency, bucket: Bucket, size: int) -> None:
    answer = Response(200, {"Content-Type": "image/png", "X-Task-Id": "t"}, bytes(size))
    keys.keep(claim(keys), answer)
    repeat = claim(keys).first
    assert repeat is not None
    assert repeat() == replace(answer, headers={**answer.headers, "Idempotency-Replayed": "true"})
    assert len(bucket.bodies) == (size > 4 * 1024)


def test_the_key_with_another_request_is_refused_while_running_and_afterwards(keys: Idempotency) -> None:
    running = claim(keys)
    for _ in range(2):
        with pytest.raises(AccessRefused) as refused:
            claim(keys, OTHER_JOB)
        assert refused.value.reason is Reason.IDEMPOTENCY_MISMATCH
        keys.keep(running, ANSWER)


@pytest.mark.parametrize("other", [{"account": "rival"}, {"api": "aid"}, {"key": "k2"}])
def test_keys_of_another_account_api_or_name_are_other_keys(keys: Idempotency, other: dict[str, str]) -> None:
    keys.keep(claim(keys), ANSWER)
    assert claim(keys, OTHER_JOB, **other).first is None


def test_a_failed_calls_key_is_free_again(keys: Idempotency) -> None:
    keys.forget(claim(keys))
    assert claim(keys, OTHER_JOB).first is None


def test_forgetting_neither_loses_a_kept_answer_nor_another_calls_claim(bank: Bank, keys: Idempotency) -> None:
    done = claim(keys)
    keys.keep(done, ANSWER)
    keys.forget(done)
    assert claim(keys).first is not None
    keys.forget(replace(claim(keys, key="k2"), owner="another"))
    assert claim(keys, key="k2").busy


def test_a_second_call_waits_for_the_answer_of_the_first(bank: Bank, bucket: Bucket) -> None:
    first = claim(Idempotency(bank.meters, bucket))
    meanwhile = _once(lambda: Idempotency(bank.meters, bucket).keep(first, ANSWER))
    waiting = Idempotency(bank.meters, bucket, sleep=lambda _: meanwhile())
    second = waiting.wait(claim(waiting))
    assert second.first is not None
    assert second.first().body == ANSWER.body


def test_a_second_call_takes_over_when_the_first_fails(bank: Bank, bucket: Bucket) -> None:
    first = claim(Idempotency(bank.meters, bucket))
    meanwhile = _once(lambda: Idempotency(bank.meters, bucket).forget(first))
    waiting = Idempotency(bank.meters, bucket, sleep=lambda _: meanwhile())
    second = waiting.wait(claim(waiting))
    assert (second.first, second.busy) == (None, False)


def test_a_second_call_waits_only_so_long(keys: Idempotency) -> None:
    claim(keys)
    with pytest.raises(ServiceFault) as refused:
        keys.wait(claim(keys))
    assert refused.value.reason is Reason.OVERLOADED


def test_a_dead_calls_claim_lapses_and_it_can_no_longer_answer(bank: Bank, keys: Idempotency) -> None:
    dead = claim(keys)
    _age(bank, dead, "lapses_at", LEASE_S + 1)
    heir = claim(keys)
    assert (heir.first, heir.busy, heir.seed) == (None, False, dead.seed)
    with pytest.raises(ServiceFault) as refused:
        keys.keep(dead, ANSWER)
    assert refused.value.reason is Reason.OVERLOADED
    keys.keep(heir, ANSWER)
    assert claim(keys).first is not None


def test_an_expired_answer_is_forgotten_before_dynamodb_deletes_it(bank: Bank, keys: Idempotency) -> None:
    old = claim(keys)
    keys.keep(old, ANSWER)
    _age(bank, old, "expires_at", 24 * 3600 + 1)
    assert claim(keys, OTHER_JOB).first is None


def test_the_fingerprint_is_of_the_question_and_not_of_its_encoding() -> None:
    jobs = [
        JOB,
        OTHER_JOB,
        Job(Source(url="https://example.com/picture"), LIMITS),
        Job(Source(data=b"picture"), LIMITS, CutOptions(crop=True)),
        Job(Source(data=b"picture"), LIMITS, CutOptions(background=(0, 0, 1))),
        Job(Source(data=b"picture"), LIMITS, options=task_record.TaskOptions("task-1")),
        Job(Source(data=b"picture"), LIMITS, options=task_record.TaskOptions("task-1", asynchronous=True)),
    ]
    assert len({fingerprint_of(job) for job in jobs}) == len(jobs)
    assert fingerprint_of(
        replace(jobs[-1], options=task_record.TaskOptions("task-2", asynchronous=True))
    ) == fingerprint_of(jobs[-1])


def test_a_dead_calls_key_may_be_used_for_another_request(bank: Bank, keys: Idempotency) -> None:
    dead = claim(keys)
    _age(bank, dead, "lapses_at", LEASE_S + 1)
    other = claim(keys, OTHER_JOB)
    assert (other.busy, other.seed != dead.seed) == (False, True)


def test_one_of_two_calls_takes_over_an_expired_lease(bank: Bank, keys: Idempotency) -> None:
    dead = claim(keys)
    _age(bank, dead, "lapses_at", LEASE_S + 1)
    assert [claim(keys).busy for _ in range(2)] == [False, True]


def test_an_answer_is_kept_and_charged_in_one_or_not_at_all(bank: Bank, keys: Idempotency) -> None:
    account = Account("shop", qps=9, price_micros={"*": 7})
    lease, reservation = claim(keys), bank.meter.reserve(account, "call-1")
    payment = bank.meter.settlement(reservation, "jdc")
    bank.meter.release(reservation, "jdc")
    with pytest.raises(ServiceFault):
        keys.keep(lease, ANSWER, payment)
    assert not keys.is_kept(lease)
    payment = bank.meter.settlement(bank.meter.reserve(account, "call-2"), "jdc")
    for _ in range(2):  # as an SDK does that heard no answer
        keys.keep(lease, ANSWER, payment)
    assert keys.is_kept(lease)
    assert bank.day(account, day_of(time.time()))["charged_micros"] == 7


def _once(action: Callable[[], None]) -> Callable[[], None]:
    """The action on the first call, nothing on later ones."""
    left = [action]
    return lambda: left.pop()() if left else None


def _age(bank: Bank, old: KeyLease, name: str, seconds: int) -> None:
    """Moves one of an item's times into the past, as if that long had gone by."""
    item: dict[str, Any] = bank.meters.get_item(Key=old.key)["Item"]
    bank.meters.put_item(Item={**item, name: item[name] - seconds})
