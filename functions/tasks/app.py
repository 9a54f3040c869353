"""The tasks function: background tasks of PicWish and AILabTools, their states (contracts.md 3 and 6.3)."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.bootstrap import Bootstrap
from cutline.contracts import ailabtools
from cutline.errors import ServiceFault
from cutline.serving.processors import ANY_SUBJECT, CutoutProcessor
from cutline.serving.proxy_event import to_proxy, to_request
from cutline.settings import Settings
from cutline.tasks.accept import Acceptance
from cutline.tasks.api import TaskJournal, TaskService

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
    request, route = to_request(event, settings.public_url), event["resource"].rstrip("/")
    if route in ailabtools.ROUTES:
        task_id = request.params.get("task_id", "").strip() if route == ailabtools.TASK_ROUTE else None
        return to_proxy(tasks.handle(request, task_id, ailabtools))
    task_id = (event.get("pathParameters") or {}).get("task_id")
    return to_proxy(tasks.handle(request, task_id))
