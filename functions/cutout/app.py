"""The cutout function: every cut-out that is no task (contracts.md sections 1, 4 and 6)."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.bootstrap import Bootstrap
from cutline.contracts import aidge, ailabtools, jd_matting, picture_check, rembg, removebg
from cutline.contracts.wire import Contract
from cutline.errors import ServiceFault
from cutline.serving.processors import CutoutProcessor
from cutline.serving.proxy_event import to_proxy, to_request
from cutline.settings import Settings

CONTRACTS: tuple[Contract, ...] = (jd_matting, aidge, removebg, rembg, ailabtools, picture_check)
ROUTES = {route: contract for contract in CONTRACTS for route in contract.ROUTES}

logger = Logger(service="cutout")
metrics = Metrics(namespace="Cutline", service="cutout")
settings = Settings.from_environment()
processor = CutoutProcessor(settings.models_dir, settings.model, settings.threads)
service = Bootstrap(settings).service(processor, logger, metrics)
try:
    processor.open()
except ServiceFault:
    logger.exception("opening the model failed")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One REST proxy event in, one answer out."""
    request, contract = to_request(event, settings.public_url), ROUTES[event["resource"].rstrip("/")]
    return to_proxy(service.handle(contract, request))
