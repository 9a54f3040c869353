"""One step of the flow, run, logged and counted: the boundary around every step's function."""

import resource
from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeVar

from aws_lambda_powertools import Logger, Metrics

from cutline.contracts import picwish
from cutline.errors import MattingError
from cutline.pipeline.timing import StageTimer
from cutline.serving.telemetry import count_step, is_cold_start

T = TypeVar("T")


class Step(StageTimer):
    """A step under way: what its stages took, and in `notes` what else its line in the log is to tell."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: dict[str, Any] = {}


def run_step(name: str, task_id: str, work: Callable[[Step], T], logger: Logger, metrics: Metrics) -> T:
    """What `work` returns. Whatever it raises goes on to the state machine, which tries again or fails the task."""
    step, begun, reason = Step(), perf_counter(), "ok"
    try:
        return work(step)
    except MattingError as error:
        reason = str(error.reason)
        raise
    except Exception as error:
        reason = type(error).__name__
        raise
    finally:
        logger.info(
            "step",
            step=name,
            task_id=task_id,
            api=picwish.NAME,
            reason=reason,
            stages_ms={stage: round(ms, 1) for stage, ms in step.stages_ms.items()},
            max_rss_kib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            **step.notes,
            cold_start=is_cold_start(),
            billed_ms=round((perf_counter() - begun) * 1000),
        )
        count_step(metrics, name, reason, round(step.total_ms))
