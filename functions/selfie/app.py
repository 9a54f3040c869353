"""The selfie function: JD SelfieSeg (contracts.md section 2)."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.bootstrap import Bootstrap
from cutline.contracts import jd_selfie
from cutline.errors import ServiceFault
from cutline.serving.processors import A_PERSON, CutoutWork
from cutline.serving.proxy_event import to_proxy, to_request
from cutline.settings import Settings

logger = Logger(service="selfie")
metrics = Metrics(namespace="Cutline", service="selfie")
settings = Settings.from_environment()
work = CutoutWork(settings.models_dir, settings.model, settings.threads, A_PERSON)
service = Bootstrap(settings).service(work, logger, metrics, keeps_results=False)
try:
    work.open()
except ServiceFault:
    logger.exception("the model failed to open")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One REST proxy event in, one answer out."""
    return to_proxy(service.handle(jd_selfie, to_request(event, settings.public_url)))
