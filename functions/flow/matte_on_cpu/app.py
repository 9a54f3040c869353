"""State MatteOnCpu: runs the network in this function, without the endpoint."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.bootstrap import Bootstrap
from cutline.serving.deadline import deadline
from cutline.serving.telemetry import count_lost_message
from cutline.settings import Settings
from cutline.tasks.matte import Matte
from cutline.tasks.predictors import CpuPredictor
from cutline.tasks.queue import TIMED_OUT
from cutline.tasks.step import Step, run_step
from cutline.tasks.task import WORK_LIMIT_S

logger = Logger(service="cpu")
metrics = Metrics(namespace="Cutline", service="cpu")
settings = Settings.from_environment()
bootstrap = Bootstrap(settings)
predictor = CpuPredictor(settings.models_dir, settings.model, settings.threads)
matte = Matte(bootstrap.tasks, bootstrap.files, predictor.predict)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """{"task_id", "detour": the error that led here} in."""
    task_id = event["task_id"]
    if event["detour"] == TIMED_OUT:
        logger.error("message lost", task_id=task_id)
        count_lost_message(metrics)

    def work(step: Step) -> bool:
        with deadline(WORK_LIMIT_S * 1000):
            return matte.run(task_id, step)

    return {"worked": run_step("cpu", task_id, work, logger, metrics)}
