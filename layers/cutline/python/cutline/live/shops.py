"""The live pictures of a shop's products, through Shopify's and WooCommerce's own APIs. Only reads."""

from __future__ import annotations

import base64
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

from cutline.contracts.addresses import read_address
from cutline.limits import MIB
from cutline.live.listing import Listed

_TRIES = 6
_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_TIMEOUT_S = 60
_PAGE = 50
_MAX_ANSWER_BYTES, _REFUSAL_BYTES, _NAME_CHARS = 32 * MIB, 4096, 200
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_GRAPHQL = "/admin/api/2026-01/graphql.json"
# Shopify refuses a query of more points: of each product one, two of its media, and two more of each of these.
_MAX_POINTS = 1000
# Videos and models come between the pictures.
_MIN_MEDIA = 5
_QUERY = """query Products($after: String, $products: Int!, $media: Int!) {
  products(first: $products, after: $after, query: "status:active") {
  nodes { id title media(first: $media) { nodes { ... on MediaImage { image { url } } } } }
  pageInfo { hasNextPage endCursor } } }"""
# By shop, the variables of its address and of its credentials.
VARIABLES: Mapping[str, tuple[str, ...]] = {
    "shopify": ("SHOPIFY_URL", "SHOPIFY_TOKEN"),
    "woocommerce": ("WC_URL", "WC_KEY", "WC_SECRET"),
}


class ShopFailed(Exception):
    """The shop's API refuses or cannot be reached; the message says which."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Another host would get the credentials."""

    def redirect_request(self, *args: Any) -> None:
        """Follow none."""


@dataclass(frozen=True)
class Shop:
    """A shop's API. Waits as long as the shop asks to, and tries again if it fails."""

    address: str
    headers: Mapping[str, str]
    sleep: Callable[[float], None] = time.sleep

    def ask(self, path: str, document: Mapping[str, Any] | None = None) -> Any:
        """Return the answer's JSON; with a document, to a POST of it. Raises ShopFailed."""
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(
            self.address + path, body, {"Content-Type": "application/json", **self.headers}
        )
        problem, pause_s = "", 0.0
        for attempt in range(_TRIES):
            if attempt:
                self.sleep(min(pause_s, _LONGEST_PAUSE_S))
            status, headers, answer = _exchange(request)
            if status == HTTPStatus.OK:
                found = _parsed(answer)
                asked_s = _throttled_s(found)
                if asked_s is None:
                    return found
                problem = "the shop's API is busy"
            elif status and status != HTTPStatus.TOO_MANY_REQUESTS and status < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise ShopFailed(_refusal(self.address, status, answer))
            else:
                problem = f"{self.address} returned HTTP status {status}" if status else answer.decode()
                asked_s = _seconds(headers.get("retry-after", ""))
            pause_s = _PAUSE_S * 2**attempt if asked_s is None else asked_s
        raise ShopFailed(problem)


def open_shop(kind: str, environment: Mapping[str, str]) -> Shop:
    """Open a shop with the address and credentials of its VARIABLES. Raises ShopFailed if one is missing."""
    missing = [name for name in VARIABLES[kind] if not environment.get(name)]
    if missing:
        raise ShopFailed(
            f"{', '.join(missing)} must be set: the shop's address and a credential that may read products"
        )
    address, *credentials = (environment[name] for name in VARIABLES[kind])
    try:
        parts = read_address(address)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ShopFailed(f"{VARIABLES[kind][0]} must be an https address: credentials are sent to it")
    if kind == "shopify":
        headers = {"X-Shopify-Access-Token": credentials[0]}
    else:
        headers = {"Authorization": "Basic " + base64.b64encode(":".join(credentials).encode()).decode()}
    if not all(value.isascii() and value.isprintable() for value in headers.values()):
        raise ShopFailed("the credentials must be printable ASCII characters")
    return Shop(address.rstrip("/"), headers)


def live_pictures(kind: str, shop: Shop, count: int) -> Iterator[Listed]:
    """Yield the first `count` pictures of every published product. Raises ShopFailed."""
    products = _of_shopify(shop, count) if kind == "shopify" else _of_woocommerce(shop)
    try:
        for name, addresses in products:
            for address in addresses[:count]:
                picture = Listed(address, _shown(name))
                if not picture.is_address:  # else a shop could name a file of this machine
                    raise TypeError("not an address")
                yield picture
    except (LookupError, TypeError, AttributeError) as error:
        raise ShopFailed(f"{shop.address} answers, but not like the API of {kind}") from error


def _of_shopify(shop: Shop, count: int) -> Iterator[tuple[str, list[str]]]:
    after, more = None, True
    media = max(count, _MIN_MEDIA)
    sizes = {"products": min(_PAGE, (_MAX_POINTS - 3) // (3 + 2 * media)), "media": media}
    while more:
        answer = shop.ask(_GRAPHQL, {"query": _QUERY, "variables": {"after": after, **sizes}})
        if answer.get("errors"):
            raise ShopFailed(f"Shopify refuses: {json.dumps(answer['errors'])[:300]}")
        found = answer["data"]["products"]
        for product in found["nodes"]:
            images = [node["image"]["url"] for node in product["media"]["nodes"] if node.get("image")]
            yield f"{product['title']} ({product['id'].rpartition('/')[2]})", images
        more = found["pageInfo"]["hasNextPage"]
        if more and found["pageInfo"]["endCursor"] == after:
            raise ShopFailed(f"{shop.address} returns the same page again and again")
        after = found["pageInfo"]["endCursor"]


def _of_woocommerce(shop: Shop) -> Iterator[tuple[str, list[str]]]:
    page, found, before = 1, True, None
    while found:
        # Oldest first, so that new ones do not shift the pages.
        query = {"per_page": _PAGE, "page": page, "status": "publish", "orderby": "id", "order": "asc"}
        found = shop.ask(f"/wp-json/wc/v3/products?{urlencode(query)}")
        if found and found == before:
            raise ShopFailed(f"{shop.address} returns the same page again and again")
        before = found
        for product in found:
            yield f"{product['name']} ({product['id']})", [image["src"] for image in product["images"]]
        page += 1


def _exchange(request: urllib.request.Request) -> tuple[int, Mapping[str, str], bytes]:
    """Return status, headers by names in lower case, and body; status 0 and the problem if there is no answer."""
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=_TIMEOUT_S) as answer:
            body = answer.read(_MAX_ANSWER_BYTES + 1)
            if len(body) > _MAX_ANSWER_BYTES:
                raise ShopFailed(f"{request.host} answers with more than {_MAX_ANSWER_BYTES} bytes")
            return answer.status, {}, body
    except urllib.error.HTTPError as error:
        with error:
            headers = {name.lower(): value for name, value in error.headers.items()}
            return error.code, headers, error.read(_REFUSAL_BYTES)
    except (OSError, http.client.HTTPException) as error:
        return 0, {}, f"cannot reach {request.host}: {error}".encode()


def _parsed(answer: bytes) -> Any:
    try:
        return json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise ShopFailed("the shop answers, but not with JSON") from error


def _throttled_s(found: Any) -> float | None:
    """Return the seconds to wait after GraphQL's own throttling, which comes with status 200; None without it."""
    errors = found.get("errors") if isinstance(found, dict) else None
    if not isinstance(errors, list) or not any(
        isinstance(error, dict) and (error.get("extensions") or {}).get("code") == "THROTTLED" for error in errors
    ):
        return None
    try:
        cost = found["extensions"]["cost"]
        status = cost["throttleStatus"]
        missing = float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])
        return max(_PAUSE_S, missing / float(status["restoreRate"]))
    except (LookupError, TypeError, ValueError, ArithmeticError):
        return _PAUSE_S


def _shown(name: str) -> str:
    """Return a product's name without control characters and lone surrogates, at most `_NAME_CHARS` of it."""
    return "".join(sign if sign.isprintable() else " " for sign in name[:_NAME_CHARS])


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _refusal(address: str, status: int, answer: bytes) -> str:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return f"{address} refuses the credentials (HTTP status {status})"
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return f"{address} redirects: set the address that it redirects to"
    return f"{address} returned HTTP status {status}: {answer[:200].decode(errors='replace')}"
