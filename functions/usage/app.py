"""The usage function: `GET /usage`, an account's calls, charges and refusals per day and API."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.bootstrap import Bootstrap
from cutline.serving.proxy_event import to_proxy, to_request
from cutline.settings import Settings

logger = Logger(service="usage")
metrics = Metrics(namespace="Cutline", service="usage")
settings = Settings.from_environment()
service = Bootstrap(settings).usage(logger, metrics)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One REST proxy event in, one answer out."""
    return to_proxy(service.handle(to_request(event, settings.public_url)))
