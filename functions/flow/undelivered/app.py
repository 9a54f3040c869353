"""Consumes the dead letters of state Matte: ends the wait of each task, which then runs on the CPU."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.bootstrap import Bootstrap
from cutline.settings import Settings
from cutline.tasks.queue import each, give_up

logger = Logger(service="undelivered")
metrics = Metrics(namespace="Cutline", service="undelivered")
machine = Bootstrap(Settings.from_environment()).state_machine


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch from the DLQ in, its failed messages out."""

    def work(body: str) -> None:
        logger.warning("undelivered", waiting=give_up(body, machine))

    return each(event, work, logger, metrics)
