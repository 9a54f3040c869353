"""The worker behind the queue: one message is one prepared picture and one waiting state."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics

from cutline.adapters.sagemaker import EndpointFault
from cutline.errors import MattingError
from cutline.serving.deadline import deadline
from cutline.serving.telemetry import count_fault
from cutline.tasks.state_machine import StateMachine
from cutline.tasks.step import Step, StepRefused
from cutline.tasks.task import WORK_LIMIT_S

if TYPE_CHECKING:
    # The functions that only take messages in need no pixels, and start without them.
    from cutline.tasks.matte import Matte

# The names of errors that flow.asl.json catches to go on without the queue.
ENDPOINT_AWAY = "EndpointAway"
UNDELIVERED = "Undelivered"
TIMED_OUT = "States.Timeout"


@dataclass(frozen=True)
class Worker:
    """Mattes the message's picture and answers its token; a message that came twice changes nothing."""

    matte: Matte
    machine: StateMachine

    def run(self, body: str, step: Step) -> str:
        """Return the outcome: "matted", "endpoint away" or the reason of a failure.

        Raises errors that pass: the message comes back after its visibility timeout, and after three tries lands in
        the DLQ.
        """
        message = json.loads(body)
        task_id, token = message["task_id"], message["token"]
        try:
            with deadline(WORK_LIMIT_S * 1000):
                self.matte.run(task_id, step)
        except EndpointFault as error:
            self.machine.fail(token, ENDPOINT_AWAY, str(error))
            return "endpoint away"
        except MattingError as error:
            if error.retry:
                raise
            self.machine.fail(token, StepRefused.__name__, str(error.reason))
            return str(error.reason)
        # Also for a task that has ended meanwhile: its execution, if there is one left, finds that out by itself.
        self.machine.succeed(token)
        return "matted"


def give_up(body: str, machine: StateMachine) -> bool:
    """Fails the state that waits for a message of the DLQ. False if it no longer waits."""
    message = json.loads(body)
    return machine.fail(message["token"], UNDELIVERED, "no worker managed the message")


Messages = list[dict[str, Any]]


def each(
    event: dict[str, Any], act: Callable[[str], None], logger: Logger, metrics: Metrics | None = None
) -> dict[str, Messages]:
    """Acts on every message of an SQS event and names those that failed, so that only they come back.

    To Lambda the call succeeds, so its metric of errors shows nothing: each failure is counted as a fault in `metrics`.
    None: `act` counts its own, as `run_step` does.
    """
    failed: Messages = []
    for record in event["Records"]:
        try:
            act(record["body"])
        except Exception:  # the boundary of one message: every error is logged, and SQS delivers it again
            logger.exception("message failed", message_id=record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
            if metrics is not None:
                count_fault(metrics)
    return {"batchItemFailures": failed}
