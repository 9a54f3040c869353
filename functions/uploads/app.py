"""The uploads function: `POST /uploads`, tickets for pictures too large for a synchronous call."""

from typing import Any

from aws_lambda_powertools import Logger

from cutline.bootstrap import Bootstrap
from cutline.serving.proxy_event import to_proxy, to_request
from cutline.settings import Settings

logger = Logger(service="uploads")
settings = Settings.from_environment()
desk = Bootstrap(settings).uploads(logger)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One REST proxy event in, one answer out."""
    return to_proxy(desk.handle(to_request(event, settings.public_url)))
