"""The usage function: `GET /usage`, and what is left of an account's day (contracts.md section 6)."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from cutline.bootstrap import Bootstrap
from cutline.contracts.apis import CREDITS
from cutline.serving.proxy_event import to_proxy, to_request
from cutline.settings import Settings

logger = Logger(service="usage")
metrics = Metrics(namespace="Cutline", service="usage")
settings = Settings.from_environment()
bootstrap = Bootstrap(settings)
service = bootstrap.usage(logger, metrics)
credits_left = bootstrap.credits(logger, metrics)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One REST proxy event in, one answer out."""
    request = to_request(event, settings.public_url)
    contract = CREDITS.get(event["resource"].rstrip("/"))
    return to_proxy(service.handle(request) if contract is None else credits_left.handle(contract, request))
