"""The site function: the playground, the OpenAPI document, the reference page and `GET /health`."""

import os
from typing import Any

import pages

import cutline
from cutline.contracts.wire import json_response
from cutline.serving.proxy_event import to_proxy, to_request
from cutline.settings import Settings

settings = Settings.from_environment()
site = pages.Site.from_environment(os.environ)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer one REST proxy event."""
    request = to_request(event, settings.public_url)
    match event["resource"]:
        case "/health":
            health = {"status": "ok", "version": cutline.__version__}
            return to_proxy(json_response(200, health))
        case "/site/{name}":
            return to_proxy(site.file(event["pathParameters"]["name"]))
        case "/openapi.json":
            return to_proxy(site.description(request))
        case "/reference":
            return to_proxy(site.reference(request))
        case _:
            return to_proxy(site.playground(request))
