"""The costume function: AILabTools costume (contracts.md section 5)."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.bootstrap import Bootstrap
from cutline.contracts import ailabtools
from cutline.errors import ServiceFault
from cutline.serving.processors import CostumeWork
from cutline.serving.proxy_event import to_proxy, to_request
from cutline.settings import Settings

logger = Logger(service="costume")
metrics = Metrics(namespace="Cutline", service="costume")
settings = Settings.from_environment()
work = CostumeWork(settings.models_dir, settings.threads)
service = Bootstrap(settings).service(work, logger, metrics)
try:
    work.open()
except ServiceFault:
    logger.exception("a model failed to open")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One REST proxy event in, one answer out."""
    return to_proxy(service.handle(ailabtools, to_request(event, settings.public_url)))
