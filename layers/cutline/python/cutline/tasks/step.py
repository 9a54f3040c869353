"""One state of a task: run, logged and counted. The boundary around every function of the state machine."""

import resource
from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeVar

from aws_lambda_powertools import Logger, Metrics

from cutline.contracts import picwish
from cutline.errors import MattingError, Reason, ServiceFault
from cutline.pipeline.timing import StageTimer
from cutline.serving.telemetry import count_failed_step, count_fault, count_refusal, is_cold_start
from cutline.tasks.task import Task

T = TypeVar("T")


class StepFailed(Exception):
    """A step failed and may be tried again. The message is the reason's name and nothing else.

    Step Functions reads the class's name (`errorType`); `tasks.fail.reason_of` reads the message.
    """


class StepRefused(StepFailed):
    """A step failed in a way that another try would not change; flow.asl.json tries no step again after it."""


class StepCrowded(StepFailed):
    """The account has its maximum in flight; flow.asl.json tries the step again for a quarter of an hour."""


class Step(StageTimer):
    """A step in progress: the time of its stages, and in `notes` the other fields of its log line."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: dict[str, Any] = {}

    def works_on(self, task: Task) -> None:
        """Notes whose task it is, and as which API's call it is charged."""
        self.notes |= {"account_id": task.record.account_id, "api": task.order.api}


def run_step(name: str, task_id: str, work: Callable[[Step], T], logger: Logger, metrics: Metrics) -> T:
    """Run `work` and return its result. Raises StepFailed for MattingError; other exceptions pass through."""
    step, begun, reason, ours = Step(), perf_counter(), "ok", False
    try:
        return work(step)
    except MattingError as error:
        reason, ours = str(error.reason), isinstance(error, ServiceFault)
        step.notes |= {"detail": error.detail} if error.detail else {}
        raise _failure_of(error)(reason) from error
    except Exception as error:
        reason, ours = type(error).__name__, True
        raise
    finally:
        logger.info(
            "step",
            step=name,
            task_id=task_id,
            reason=reason,
            stages_ms={stage: round(ms, 1) for stage, ms in step.stages_ms.items()},
            max_rss_kib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            **{"api": picwish.NAME, **step.notes},
            cold_start=is_cold_start(),
            billed_ms=round((perf_counter() - begun) * 1000),
        )
        if reason != "ok":
            count_failed_step(metrics, name, reason)
            (count_fault if ours else count_refusal)(metrics)


def _failure_of(error: MattingError) -> type[StepFailed]:
    if error.reason is Reason.RATE_EXCEEDED:
        return StepCrowded
    return StepFailed if error.retry else StepRefused
