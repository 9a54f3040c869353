"""The site function: `GET /health`."""

from typing import Any

import cutline
from cutline.contracts.wire import json_response
from cutline.gateway_event import to_proxy


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Says that the gateway and the functions behind it answer, and which version they run."""
    return to_proxy(json_response(200, {"status": "ok", "version": cutline.__version__}, {"Cache-Control": "no-store"}))
