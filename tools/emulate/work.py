"""What the smoke test does with storage and queues, by the product's own code, where no function can run."""

import json
import secrets
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cutline.accounts.account import Account, AccountStore
from cutline.accounts.meter import Meter
from cutline.adapters.kms import KmsCipher
from cutline.adapters.link_secret import LinkSecret
from cutline.adapters.result_store import ResultStore, result_key
from cutline.contracts.wire import Scheme
from cutline.errors import AccessRefused

_WAIT_S = 30.0


@dataclass(frozen=True)
class World:
    """Clients, tables by name, and the stack's physical names."""

    clients: Callable[[str], Any]
    table: Callable[[str], Any]
    names: Mapping[str, str]


def checks() -> Iterator[tuple[str, Callable[[World], None]]]:
    """Each check with its name; it raises where something is wrong."""
    yield "accounts: encrypted secret", account
    yield "meter: a quota of one", quota
    yield "result and its link", result
    yield "drop reaches the intake queue", drop
    yield "task queue: third failure goes to the dead letters", dead_letters


def pause_consumers(clients: Callable[[str], Any]) -> None:
    """Stop the mappings: they would take the queues' messages for functions that cannot run."""
    functions = clients("lambda")
    mappings = [item["UUID"] for item in functions.list_event_source_mappings()["EventSourceMappings"]]
    for mapping in mappings:
        functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    limit = time.monotonic() + _WAIT_S
    while any(functions.get_event_source_mapping(UUID=mapping)["State"] != "Disabled" for mapping in mappings):
        assert time.monotonic() < limit, "mappings do not stop"
        time.sleep(0.5)


def account(world: World) -> None:
    """An account's secret comes back as it was written."""
    store = _accounts(world)
    store.put_account(Account("emulated", qps=5, daily_quota=1))
    store.put_credential(Scheme.JD, "AK-emulated", "emulated", "SK-emulated")
    found = store.find(Scheme.JD, "AK-emulated")
    assert found is not None and found.secret == "SK-emulated", found


def quota(world: World) -> None:
    """The second call of a day's one is refused; the first is charged."""
    meter = Meter(world.table(world.names["MeterTable"]), 0, 0)
    emulated = Account("emulated", qps=5, daily_quota=1)
    reservation = meter.reserve(emulated, secrets.token_hex(8))
    assert meter.settle(reservation, "jdc")
    try:
        meter.reserve(emulated, secrets.token_hex(8))
    except AccessRefused:
        return
    raise AssertionError("a second call was admitted")


def result(world: World) -> None:
    """A result's link leads to the file."""
    secret = world.clients("secretsmanager").get_secret_value(SecretId=world.names["LinkSecret"])["SecretString"]
    store = ResultStore(world.clients("s3"), world.names["OutputBucket"], lambda: LinkSecret.parse(secret))
    key = result_key("emulated", secrets.token_hex(8), "image/png")
    store.put_at(key, b"pixels", "image/png")
    token = store.link("https://shop.example", key, int(time.time()) + 60).rpartition("/")[2]
    with urllib.request.urlopen(store.redirect(token, time.time()), timeout=_WAIT_S) as answer:
        assert answer.read() == b"pixels"


def drop(world: World) -> None:
    """S3 notifies the queue of a drop, and of no other file."""
    s3, bucket = world.clients("s3"), world.names["InputBucket"]
    for key in ("t/emulated/x.png", "in/emulated/auto/x.png"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    for body in _received(world, world.names["IntakeQueue"]):
        keys = [record["s3"]["object"]["key"] for record in json.loads(body).get("Records", [])]
        if keys:
            assert keys == ["in/emulated/auto/x.png"], keys
            return
    raise AssertionError("no event")


def dead_letters(world: World) -> None:
    """A message that was received three times goes to the dead letters."""
    sqs, queue = world.clients("sqs"), world.names["MatteQueue"]
    sqs.send_message(QueueUrl=queue, MessageBody="task")
    for _ in range(4):
        for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=2).get("Messages", []):
            sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    assert next(_received(world, world.names["MatteDeadLetters"]), "") == "task"


def _accounts(world: World) -> AccountStore:
    cipher = KmsCipher(world.clients("kms"), world.names["AccountsKey"])
    return AccountStore(world.table(world.names["AccountsTable"]), cipher)


def _received(world: World, queue: str) -> Iterator[str]:
    limit = time.monotonic() + _WAIT_S
    while time.monotonic() < limit:
        for message in world.clients("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []):
            yield message["Body"]
