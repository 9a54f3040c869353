"""The queue of ended tasks whose callers are to be called back."""

import json
from typing import Any


class CallbackQueue:
    """Messages hold only a task's id: the body of the callback is made when it is sent."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url

    def add(self, task_id: str) -> None:
        """Once at least: a step that is tried again may add its task again."""
        self._sqs.send_message(QueueUrl=self._url, MessageBody=json.dumps({"task_id": task_id}))


def task_of(body: str) -> str:
    """Return the task that a message of the queue is about."""
    return str(json.loads(body)["task_id"])
