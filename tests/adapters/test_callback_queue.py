"""The queue of callbacks: a message names its task and nothing that must stay between caller and service."""

import json
from typing import Any

from cutline.adapters.callback_queue import CallbackQueue, task_of


class Sqs:
    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send_message(self, **fields: Any) -> None:
        self.sent.append(fields)


def test_a_message_names_its_task_and_no_more() -> None:
    sqs = Sqs()
    CallbackQueue(sqs, "https://queue").add("a-task")
    (sent,) = sqs.sent
    assert sent["QueueUrl"] == "https://queue"
    assert json.loads(sent["MessageBody"]) == {"task_id": "a-task"}
    assert task_of(sent["MessageBody"]) == "a-task"
