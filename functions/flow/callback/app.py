"""State CallBack: sends a task's result to its `callback_url`."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.adapters.fetch import FetchPolicy
from cutline.bootstrap import Bootstrap
from cutline.settings import Settings
from cutline.tasks.callback import Callback
from cutline.tasks.step import run_step

logger = Logger(service="callback")
metrics = Metrics(namespace="Cutline", service="callback")
settings = Settings.from_environment()
bootstrap = Bootstrap(settings)
callback = Callback(bootstrap.tasks, bootstrap.results, bootstrap.link_secret, FetchPolicy(settings.fetch_allowed))


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """{"task_id"} in. Raises if the callback failed; the state machine retries."""
    task_id = event["task_id"]
    return {"called": run_step("callback", task_id, lambda step: callback.run(task_id, step), logger, metrics)}
