"""The callback function: calls the callers of ended tasks back."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.adapters.callback_queue import task_of
from cutline.adapters.fetch import FetchPolicy
from cutline.bootstrap import Bootstrap
from cutline.settings import Settings
from cutline.tasks.callback import Callback
from cutline.tasks.queue import each
from cutline.tasks.step import run_step

logger = Logger(service="callback")
metrics = Metrics(namespace="Cutline", service="callback")
settings = Settings.from_environment()
bootstrap = Bootstrap(settings)
callback = Callback(bootstrap.tasks, bootstrap.results, bootstrap.link_secret, FetchPolicy(settings.fetch_allowed))


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """A batch from SQS in; the messages that were not answered with 2xx out, so that they come back."""

    def work(body: str) -> None:
        task_id = task_of(body)
        run_step("callback", task_id, lambda step: callback.run(task_id, step), logger, metrics)

    return each(event, work, logger)
