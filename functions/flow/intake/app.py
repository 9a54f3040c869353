"""Turns events of dropped pictures in the input bucket into tasks."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.bootstrap import Bootstrap
from cutline.settings import Settings
from cutline.tasks.drop_intake import UNSEEN, Intake
from cutline.tasks.queue import each
from cutline.tasks.step import Step

logger = Logger(service="intake")
metrics = Metrics(namespace="Cutline", service="intake")
bootstrap = Bootstrap(Settings.from_environment())
intake = Intake(
    bootstrap.accounts, bootstrap.meter, bootstrap.tasks, bootstrap.files, bootstrap.results, bootstrap.state_machine
)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch from SQS in, its failed messages out."""

    def work(body: str) -> None:
        step = Step()
        outcome = intake.run(body, step)
        log = logger.error if UNSEEN in outcome else logger.info
        log("drop", outcome=outcome, **step.notes, total_ms=round(step.total_ms))

    return each(event, work, logger, metrics)
