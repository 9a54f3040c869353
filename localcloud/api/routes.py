"""The routes of a translated REST API, matched like API Gateway's."""

import re
from dataclasses import dataclass
from typing import Any

_FUNCTION_OF = re.compile(r"/functions/\$\{(\w+?)(?:Alias\w+)?(?:\.Arn)?\}/invocations")
_DEFAULT_TIMEOUT_S = 29.0


@dataclass(frozen=True)
class Route:
    """`function` is a logical id, or empty for a mock integration (the OPTIONS methods that SAM adds for CORS)."""

    resource: str
    function: str
    timeout_s: float
    integration: dict[str, Any]


@dataclass(frozen=True)
class Match:
    """A route and the values of its path parameters."""

    route: Route
    path_parameters: dict[str, str]


class RouteTable:
    """Exact parts come before {parameters}, {parameters} before {proxy+}; a trailing slash makes no difference.

    REST APIs answer /thing and /thing/ with the same resource and deploy a path /thing/ as /thing
    (aws-powertools/powertools-lambda-python#1552, aws/aws-sam-cli#1495); the event's `path` keeps the slash.
    """

    def __init__(self, swagger: dict[str, Any]) -> None:
        self._resources: dict[tuple[str, ...], dict[str, Route]] = {}
        for path, methods in swagger.get("paths", {}).items():
            parts = tuple(_parts(path))
            if parts in self._resources:
                raise ValueError(f"two resources differ by a slash only, which API Gateway refuses: {path}")
            routes = {m.upper(): _route(path, spec) for m, spec in methods.items() if _INTEGRATION in spec}
            self._resources[parts] = routes

    def paths(self) -> set[str]:
        """Every resource, without a trailing slash."""
        return {"/" + "/".join(parts) for parts in self._resources}

    def find(self, method: str, path: str) -> Match | None:
        """The route of a request, or None, for which API Gateway answers "Missing Authentication Token"."""
        wanted = _parts(path)
        candidates = [(parts, taken) for parts in self._resources if (taken := _take(parts, wanted)) is not None]
        if not candidates:
            return None
        parts, taken = min(candidates, key=lambda candidate: [_rank(part) for part in candidate[0]])
        methods = self._resources[parts]
        route = methods.get(method) or methods.get(_ANY)
        return Match(route, taken) if route else None


_INTEGRATION = "x-amazon-apigateway-integration"
_ANY = "X-AMAZON-APIGATEWAY-ANY-METHOD"


def _route(path: str, spec: dict[str, Any]) -> Route:
    integration = spec[_INTEGRATION]
    uri = integration.get("uri", "")
    text = uri.get("Fn::Sub", "") if isinstance(uri, dict) else uri
    found = _FUNCTION_OF.search(text if isinstance(text, str) else text[0])
    timeout_s = integration.get("timeoutInMillis", _DEFAULT_TIMEOUT_S * 1000) / 1000
    return Route(path.rstrip("/") or "/", found[1] if found else "", timeout_s, integration)


def _parts(path: str) -> list[str]:
    return path.strip("/").split("/") if path.strip("/") else []


def _take(parts: tuple[str, ...], wanted: list[str]) -> dict[str, str] | None:
    taken: dict[str, str] = {}
    for index, part in enumerate(parts):
        if index >= len(wanted):
            return None
        if part.endswith("+}"):
            taken[part[1:-2]] = "/".join(wanted[index:])
            return taken
        if part.startswith("{"):
            taken[part[1:-1]] = wanted[index]
        elif part != wanted[index]:
            return None
    return taken if len(parts) == len(wanted) else None


def _rank(part: str) -> int:
    if part.endswith("+}"):
        return 2
    return 1 if part.startswith("{") else 0
