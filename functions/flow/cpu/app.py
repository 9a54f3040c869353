"""The flow's way round the endpoint: runs the network here."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.bootstrap import Bootstrap
from cutline.deadline import deadline
from cutline.flow.matting import CpuMatting
from cutline.flow.run import Step, run_step
from cutline.flow.steps import Matte
from cutline.flow.task import WORK_LIMIT_S
from cutline.settings import Settings

logger = Logger(service="cpu")
metrics = Metrics(namespace="Cutline", service="cpu")
settings = Settings.from_environment()
bootstrap = Bootstrap(settings)
matte = Matte(bootstrap.tasks, bootstrap.files, CpuMatting(settings.models_dir, settings.model, settings.threads))


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """{"task_id"} in."""
    task_id = event["task_id"]

    def work(step: Step) -> bool:
        with deadline(WORK_LIMIT_S * 1000):
            return matte(task_id, step)

    return {"worked": run_step("cpu", task_id, work, logger, metrics)}
