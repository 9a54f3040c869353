"""The OpenAPI 3.1 document of everything that the gateway routes (https://spec.openapis.org/oas/v3.1.1)."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast

import cutline
from cutline.contracts.apis import APIS
from cutline.contracts.wire import Contract
from cutline.openapi import mend, native, operation, uploads, usage


class Part(Protocol):
    """A module with components that other parts of the document refer to."""

    def components(self) -> dict[str, dict[str, Any]]:
        """Return components by name, by kind as OpenAPI has them."""


class DescribedRoutes(Part, Protocol):
    """A module that describes routes."""

    def paths(self) -> dict[str, Any]:
        """Return the path items, with the paths of contract and template."""


class DescribedApi(DescribedRoutes, Protocol):
    """The module that describes an API; FACTS are what the playground's form for it needs to know."""

    FACTS: Mapping[str, Any]


_OWN: tuple[DescribedRoutes, ...] = (usage, uploads, mend)


def document(base_url: str) -> dict[str, Any]:
    """Return the document with `base_url` as its only server."""
    return {**_document(), "servers": [{"url": base_url}]}


def part_of(contract: Contract) -> DescribedApi:
    """Import the module that describes an API: it has the contract module's name."""
    return cast(DescribedApi, import_module(f"cutline.openapi.{contract.__name__.rpartition('.')[2]}"))


@cache
def _document() -> dict[str, Any]:
    titles = [*(contract.TITLE for contract in APIS.values()), native.TAG]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cutline",
            "version": cutline.__version__,
            "summary": "Background removal, wire-compatible with commercial APIs.",
            "description": "Clients of these APIs change a host name and a key. "
            "The examples of responses are made by the code that serves calls.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [],
        "tags": [{"name": title} for title in titles],
        "paths": _all_paths(),
        "components": _all_components(),
    }


def _all_paths() -> dict[str, Any]:
    parts: list[DescribedRoutes] = [*map(part_of, APIS.values()), *_OWN]
    return {path: item for part in parts for path, item in part.paths().items()}


def _all_components() -> dict[str, Any]:
    parts: list[Part] = [operation, *map(part_of, APIS.values()), native, *_OWN]
    found: dict[str, Any] = {kind: {} for kind in ("schemas", "parameters", "headers", "responses", "securitySchemes")}
    for part in parts:
        for kind, components in part.components().items():
            found[kind] |= components
    return found
