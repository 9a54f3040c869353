"""One step of the flow, run, logged and counted: the boundary around every step's function."""

from collections.abc import Callable
from typing import TypeVar

from aws_lambda_powertools import Logger, Metrics

from cutline.errors import MattingError
from cutline.pipeline.timing import StageTimer
from cutline.telemetry import count_step

T = TypeVar("T")


def run_step(step: str, task_id: str, work: Callable[[StageTimer], T], logger: Logger, metrics: Metrics) -> T:
    """What `work` returns. Whatever it raises goes on to the state machine, which tries again or fails the task."""
    timer = StageTimer()
    reason = "ok"
    try:
        return work(timer)
    except MattingError as error:
        reason = str(error.reason)
        raise
    except Exception as error:
        reason = type(error).__name__
        raise
    finally:
        stages_ms = {name: round(ms, 1) for name, ms in timer.stages_ms.items()}
        logger.info("step", step=step, task_id=task_id, reason=reason, stages_ms=stages_ms)
        count_step(metrics, step, reason, round(timer.total_ms))
