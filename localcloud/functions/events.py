"""SQS event source mappings: polls the queues and invokes the functions, like Lambda's own pollers."""

import hashlib
import json
import os
import sys
import threading
from typing import Any

from localcloud.aws_account import REGION, client
from localcloud.functions.runtime import LambdaService, ServiceRefusal
from localcloud.stack.deploy import QueueMapping

_WAIT_S = 10
_SQS_BATCH = 10
_PAUSE_S = 1.0
# AWS polls as often as the mapping permits; here as many tasks work at once as the machine's processors bear.
_POLLERS = max(4, 2 * (os.cpu_count() or 2))


class Pollers:
    """MaximumConcurrency threads per mapping; each receives messages, invokes, and deletes those that succeeded."""

    def __init__(self, mappings: list[QueueMapping], service: LambdaService) -> None:
        self._service = service
        self._stopping = threading.Event()
        for mapping in mappings:
            for _ in range(min(mapping.max_concurrency, _POLLERS)):
                threading.Thread(target=self._poll, args=(mapping,), daemon=True).start()

    def stop(self) -> None:
        """Take no further message."""
        self._stopping.set()

    def _poll(self, mapping: QueueMapping) -> None:
        url = client("sqs").get_queue_url(QueueName=mapping.queue_arn.rpartition(":")[2])["QueueUrl"]
        # With the function's role, like Lambda.
        sqs = client("sqs", self._service.logical_id_of(mapping.function_name))
        while not self._stopping.is_set():
            try:
                # Lambda asks now and then; here it is asked at the start and after a failure.
                sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
                while not self._stopping.is_set():
                    self._round(sqs, url, mapping)
            except Exception as error:
                # One failed round must not end the mapping: the messages return after their visibility timeout.
                if not self._stopping.is_set():
                    print(f"poller of {mapping.function_name}: {error}", file=sys.stderr)
                self._stopping.wait(_PAUSE_S)

    def _round(self, sqs: Any, url: str, mapping: QueueMapping) -> None:
        received = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=min(_SQS_BATCH, mapping.batch_size),
            WaitTimeSeconds=_WAIT_S,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages = received.get("Messages", [])
        if not messages or self._stopping.is_set():
            return
        event = {"Records": [_record(message, mapping) for message in messages]}
        try:
            outcome = self._service.invoke(mapping.function_name, json.dumps(event).encode())
        except ServiceRefusal:
            self._stopping.wait(_PAUSE_S)  # throttled: the batch returns after its visibility timeout
            return
        failed = _failed_ids(outcome.payload, mapping) if not outcome.error_type else None
        for message in messages:
            if failed is not None and message["MessageId"] not in failed:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def _failed_ids(payload: bytes, mapping: QueueMapping) -> set[str] | None:
    """The ids of the messages to keep; None keeps all, as for an unreadable answer."""
    if not mapping.partial_failures:
        return set()
    try:
        answer = json.loads(payload) or {}
        return {failure["itemIdentifier"] for failure in answer.get("batchItemFailures") or []}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _record(message: dict[str, Any], mapping: QueueMapping) -> dict[str, Any]:
    attributes = {
        name: {key[0].lower() + key[1:]: value for key, value in spec.items()}
        for name, spec in message.get("MessageAttributes", {}).items()
    }
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": attributes,
        "md5OfBody": hashlib.md5(message["Body"].encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": mapping.queue_arn,
        "awsRegion": REGION,
    }
