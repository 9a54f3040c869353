"""The uploads function: `POST /uploads`, tickets for pictures too large for a synchronous call."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.bootstrap import Bootstrap
from cutline.serving.proxy_event import to_proxy, to_request
from cutline.settings import Settings

logger = Logger(service="uploads")
metrics = Metrics(namespace="Cutline", service="uploads")
settings = Settings.from_environment()
service = Bootstrap(settings).uploads(logger, metrics)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One REST proxy event in, one answer out."""
    return to_proxy(service.handle(to_request(event, settings.public_url)))
