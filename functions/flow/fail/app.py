"""State Fail: sets a task's negative state and releases its reservation."""

from functools import partial
from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.bootstrap import Bootstrap
from cutline.serving.telemetry import count_charge
from cutline.settings import Settings
from cutline.tasks.fail import Fail, reason_of
from cutline.tasks.step import run_step

logger = Logger(service="fail")
metrics = Metrics(namespace="Cutline", service="fail")
bootstrap = Bootstrap(Settings.from_environment())
fail = Fail(bootstrap.tasks, bootstrap.files, bootstrap.meter, bootstrap.results, partial(count_charge, metrics))


def handler(event: dict[str, Any], context: object) -> None:
    """{"task_id", "error": {"Error", "Cause"}} in."""
    task_id, reason = event["task_id"], reason_of(event["error"])
    logger.info("task failed", task_id=task_id, reason=str(reason))
    if run_step("fail", task_id, lambda step: fail.run(task_id, reason, step), logger, metrics):
        bootstrap.callbacks.add(task_id)
