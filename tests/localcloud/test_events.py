"""Queues that feed functions, objects that feed queues, and a state machine that runs."""

import json

import pytest

from devkit.patience import until
from devkit.running import RunningCloud

pytestmark = pytest.mark.http


def _seen(toy: RunningCloud, name: str) -> int:
    item = toy.client("dynamodb").get_item(TableName=toy.resources["Notes"], Key={"id": {"S": name}}).get("Item")
    return int(item["seen"]["N"]) if item else 0


def test_messages_reach_the_function_and_only_failed_ones_come_back(toy: RunningCloud) -> None:
    sqs, url = toy.client("sqs"), toy.resources["Work"]
    entries = [{"Id": name, "MessageBody": name} for name in ("good-1", "poison", "good-2")]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    until(lambda: _seen(toy, "poison") == 2)
    assert (_seen(toy, "good-1"), _seen(toy, "good-2")) == (1, 1)


def test_a_dropped_object_reaches_the_function_by_the_queue(toy: RunningCloud) -> None:
    s3 = toy.client("s3")
    for key in ("out/ignored.jpg", "in/a b+ü.jpg"):
        s3.put_object(Bucket=toy.resources["Files"], Key=key, Body=b"x")
    until(lambda: _seen(toy, "in/a b+ü.jpg") == 1)
    assert _seen(toy, "out/ignored.jpg") == 0


def test_the_state_machine_calls_the_real_function(toy: RunningCloud) -> None:
    flows, arn = toy.client("stepfunctions"), toy.resources["Flow"]
    started = flows.start_execution(stateMachineArn=arn, name="one", input=json.dumps({"Records": []}))["executionArn"]
    until(lambda: flows.describe_execution(executionArn=started)["status"] != "RUNNING")
    ended = flows.describe_execution(executionArn=started)
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"]) == {"batchItemFailures": [], "machine": arn}
