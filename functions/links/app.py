"""The links function: `GET /r/{token}` redirects to a result until the link expires."""

import time
from typing import Any

from aws_lambda_powertools import Logger

from cutline.bootstrap import Bootstrap
from cutline.contracts.wire import Response, json_response
from cutline.errors import InputRefused
from cutline.serving.proxy_event import to_proxy
from cutline.settings import Settings

logger = Logger(service="links")
results = Bootstrap(Settings.from_environment()).results


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """302 to a fresh presigned URL, or 404 for a forged or expired token. The token is never logged."""
    try:
        location = results.redirect(event["pathParameters"]["token"], time.time())
    except InputRefused as error:
        logger.info("link refused", reason=str(error.reason))
        return to_proxy(json_response(404, {"message": "This link is unknown or has expired."}))
    headers = {"Location": location, "Access-Control-Allow-Origin": "*"}
    return to_proxy(Response(302, headers, b""))
