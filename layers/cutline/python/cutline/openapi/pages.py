"""The operations for people and tools: the playground, this document, and whether the service answers."""

from typing import Any

import cutline
from cutline.openapi import native
from cutline.openapi.operation import path_parameter
from cutline.openapi.schema import closed, text

_HTML = {"text/html": {"schema": {"type": "string"}}}


def paths() -> dict[str, Any]:
    """What the site function answers."""
    parts = {
        kind: {"schema": {"type": "string"}} for kind in ("text/javascript", "text/css", "image/jpeg", "image/svg+xml")
    }
    facts = {"application/json": {"schema": {"type": "object"}}}
    files = {"200": {"description": "A file.", "content": parts | facts}, "404": native.lost()}
    name = path_parameter("name", "A file of the playground.", "playground.js")
    page = {"200": {"description": "A page.", "content": _HTML}}
    document = {"description": "OpenAPI 3.1.", "content": facts}
    return {
        "/health": native.get("health", "Whether the service answers", {"200": _health()}),
        "/": native.get("playground", "The playground, for people", page),
        "/site/{name}": native.get("siteFile", "The playground's parts", files, name),
        "/openapi.json": native.get("describe", "This document", {"200": document}),
        "/reference": native.get("reference", "This document, for people", page),
    }


def components() -> dict[str, dict[str, Any]]:
    """None."""
    return {}


def _health() -> dict[str, Any]:
    schema = closed({"status": {"const": "ok"}, "version": text("Of the service.")})
    example = {"status": "ok", "version": cutline.__version__}
    return {"description": "It does.", "content": {"application/json": {"schema": schema, "example": example}}}
