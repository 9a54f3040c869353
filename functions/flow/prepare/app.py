"""State Prepare: fetches and checks a task's picture and reduces it to the network's size."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.adapters.fetch import FetchPolicy
from cutline.bootstrap import Bootstrap
from cutline.pipeline.model_entry import read_entry
from cutline.settings import Settings
from cutline.tasks.prepare import Prepare
from cutline.tasks.step import run_step

logger = Logger(service="prepare")
metrics = Metrics(namespace="Cutline", service="prepare")
settings = Settings.from_environment()
bootstrap = Bootstrap(settings)
prepare = Prepare(
    bootstrap.tasks,
    bootstrap.files,
    FetchPolicy(settings.fetch_allowed),
    read_entry(settings.models_dir, settings.model),
)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """{"task_id"} in. Raises StepRefused for a picture that no retry can help."""
    task_id = event["task_id"]
    return {"worked": run_step("prepare", task_id, lambda step: prepare.run(task_id, step), logger, metrics)}
