"""State Finish: refines a task's matte at full size, stores the results, charges the account."""

from functools import partial
from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.bootstrap import Bootstrap
from cutline.pipeline.codecs.decoder_process import start_decoder
from cutline.pipeline.codecs.memory import keep_freed_memory
from cutline.serving.deadline import deadline
from cutline.serving.telemetry import count_charge
from cutline.settings import Settings
from cutline.tasks.finish import Finish
from cutline.tasks.step import Step, run_step
from cutline.tasks.task import WORK_LIMIT_S

logger = Logger(service="finish")
metrics = Metrics(namespace="Cutline", service="finish")
start_decoder()
keep_freed_memory()
settings = Settings.from_environment()
bootstrap = Bootstrap(settings)
mends = bootstrap.mends(logger) if settings.mending else None
note_charge = partial(count_charge, metrics)
finish = Finish(bootstrap.tasks, bootstrap.files, bootstrap.results, bootstrap.meter, note_charge, mends=mends)


def handler(event: dict[str, Any], context: object) -> None:
    """{"task_id"} in."""
    task_id = event["task_id"]

    def work(step: Step) -> bool:
        with deadline(WORK_LIMIT_S * 1000):
            return finish.run(task_id, step)

    if run_step("finish", task_id, work, logger, metrics):
        bootstrap.callbacks.add(task_id)
