"""The tasks function: background tasks and their states (contracts.md 3 and 6.3)."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.bootstrap import Bootstrap
from cutline.contracts.apis import TASK_APIS
from cutline.errors import ServiceFault
from cutline.serving.processors import ANY_SUBJECT, CutoutProcessor
from cutline.serving.proxy_event import to_proxy, to_request
from cutline.settings import Settings
from cutline.tasks.accept import Acceptance
from cutline.tasks.api import TaskJournal, TaskService

ROUTES = {route: contract for contract in TASK_APIS.values() for route in contract.ROUTES}

logger = Logger(service="tasks")
metrics = Metrics(namespace="Cutline", service="tasks")
settings = Settings.from_environment()
processor = CutoutProcessor(settings.models_dir, settings.model, settings.threads, ANY_SUBJECT)
bootstrap = Bootstrap(settings)
service = bootstrap.service(
    processor,
    logger,
    metrics,
    journal=TaskJournal(bootstrap.tasks),
    deferral=Acceptance(bootstrap.tasks, bootstrap.files, bootstrap.state_machine),
)
tasks = TaskService(service, bootstrap.tasks, bootstrap.results, bootstrap.files, bootstrap.state_machine)
try:
    processor.open()
except ServiceFault:
    logger.exception("opening the model failed")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One REST proxy event in, one answer out."""
    request, contract = to_request(event, settings.public_url), ROUTES[event["resource"].rstrip("/")]
    return to_proxy(tasks.handle(request, contract, event.get("pathParameters") or {}))
