"""State Matte: runs the network for queued tasks, on the endpoint or, without one, in this function."""

import json
from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.bootstrap import Bootstrap
from cutline.settings import Settings
from cutline.tasks.matte import Matte
from cutline.tasks.predictors import CpuPredictor, EndpointPredictor
from cutline.tasks.queue import Worker, each
from cutline.tasks.step import run_step

logger = Logger(service="worker")
metrics = Metrics(namespace="Cutline", service="worker")
settings = Settings.from_environment()
bootstrap = Bootstrap(settings)
endpoint = bootstrap.endpoint
predictor = (
    EndpointPredictor(endpoint) if endpoint else CpuPredictor(settings.models_dir, settings.model, settings.threads)
)
worker = Worker(Matte(bootstrap.tasks, bootstrap.files, predictor.predict), bootstrap.state_machine)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch from SQS in, its failed messages out."""

    def work(body: str) -> None:
        outcome = run_step("worker", json.loads(body)["task_id"], lambda step: worker.run(body, step), logger, metrics)
        logger.info("message", outcome=outcome)

    return each(event, work, logger)
