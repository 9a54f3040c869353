"""The intake of dropped pictures: events of the input bucket become tasks."""

from typing import Any

from aws_lambda_powertools import Logger

from cutline.bootstrap import Bootstrap
from cutline.flow.intake import Intake
from cutline.flow.worker import each
from cutline.pipeline.timing import StageTimer
from cutline.settings import Settings

logger = Logger(service="intake")
bootstrap = Bootstrap(Settings.from_environment())
intake = Intake(
    bootstrap.accounts, bootstrap.meter, bootstrap.tasks, bootstrap.files, bootstrap.results, bootstrap.flow
)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch from SQS in; the messages that are to come back out."""

    def work(body: str) -> None:
        timer = StageTimer()
        outcome = intake(body, timer)
        logger.info("drop", outcome=outcome, total_ms=round(timer.total_ms))

    return each(event, work, logger)
