"""The parts of the document: one module per API, found by its contract's name, and what every deployment has."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol, cast

from cutline.contracts.apis import APIS
from cutline.contracts.wire import Contract
from cutline.openapi import links, native, operation, pages, uploads, usage


class Part(Protocol):
    """What has components that others refer to: components by name, by kind as OpenAPI has them."""

    def components(self) -> dict[str, dict[str, Any]]:
        """The components of its operations, or of all operations."""


class Described(Part, Protocol):
    """What has operations."""

    def paths(self) -> dict[str, Any]:
        """The path items, as contract and template have their paths."""


class DescribedApi(Described, Protocol):
    """What the openapi module of an API defines. FACTS are those that its options in the playground ask for."""

    FACTS: Mapping[str, Any]


def part_of(contract: Contract) -> DescribedApi:
    """The module that describes an API: it has the contract module's name."""
    return cast(DescribedApi, import_module(f"cutline.openapi.{contract.__name__.rpartition('.')[2]}"))


def all_paths() -> dict[str, Any]:
    """Every path item, the APIs' first."""
    parts: list[Described] = [*map(part_of, APIS.values()), links, usage, uploads, pages]
    return {path: item for part in parts for path, item in part.paths().items()}


def all_components() -> dict[str, Any]:
    """The components of all parts."""
    parts: list[Part] = [operation, *map(part_of, APIS.values()), native, links, usage, uploads, pages]
    found: dict[str, Any] = {kind: {} for kind in ("schemas", "parameters", "headers", "responses", "securitySchemes")}
    for part in parts:
        for kind, components in part.components().items():
            found[kind] |= components
    return found
