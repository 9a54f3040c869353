"""The links function: `GET` and `HEAD /r/{token}` redirect to a result until the link expires."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.bootstrap import Bootstrap
from cutline.serving.proxy_event import to_proxy, to_request
from cutline.settings import Settings

logger = Logger(service="links")
metrics = Metrics(namespace="Cutline", service="links")
service = Bootstrap(Settings.from_environment()).links(logger, metrics)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One REST proxy event in, one answer out."""
    return to_proxy(service.handle(to_request(event), event["pathParameters"]["token"]))
