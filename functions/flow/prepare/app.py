"""State Prepare: fetches and checks a task's picture and reduces it to the network's size."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.adapters.fetch import FetchPolicy
from cutline.bootstrap import Bootstrap
from cutline.pipeline.codecs.decoder_process import start_decoder
from cutline.pipeline.inference.model_config import read_entry
from cutline.serving.deadline import deadline
from cutline.settings import Settings
from cutline.tasks.prepare import Prepare
from cutline.tasks.step import Step, run_step
from cutline.tasks.task import WORK_LIMIT_S

logger = Logger(service="prepare")
metrics = Metrics(namespace="Cutline", service="prepare")
start_decoder()
settings = Settings.from_environment()
bootstrap = Bootstrap(settings)
prepare = Prepare(
    bootstrap.tasks,
    bootstrap.files,
    FetchPolicy(settings.fetch_allowed),
    read_entry(settings.models_dir, settings.model),
    bootstrap.meter,
)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """{"task_id"} in. Raises StepRefused for a picture that no retry can help."""
    task_id = event["task_id"]

    def work(step: Step) -> bool:
        with deadline(WORK_LIMIT_S * 1000):
            return prepare.run(task_id, step)

    return {"worked": run_step("prepare", task_id, work, logger, metrics)}
