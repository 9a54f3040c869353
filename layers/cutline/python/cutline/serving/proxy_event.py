"""API Gateway's REST proxy event and answer, as `Request` and `Response`."""

import base64
import time
from collections.abc import Mapping
from typing import Any

from cutline.contracts.wire import Request, Response
from cutline.limits import MAX_ANSWER_BYTES, MAX_INLINE_BYTES

# On every answer. A route that may be cached, and a page with a policy of its own, set their own values.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    # Ignored over http, so the local cloud may send it.
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
}

ProxyEvent = Mapping[str, Any]


def to_request(event: ProxyEvent, public_url: str = "") -> Request:
    """Return the request of a proxy event; the body is byte-exact because the API declares every type binary."""
    context = event.get("requestContext") or {}
    multi = event.get("multiValueHeaders") or {name: [value] for name, value in (event.get("headers") or {}).items()}
    headers = {_clean(name).lower(): ",".join(_clean(value) for value in values) for name, values in multi.items()}
    queries = event.get("multiValueQueryStringParameters") or {
        name: [value] for name, value in (event.get("queryStringParameters") or {}).items()
    }
    query = tuple((_clean(name), _clean(value)) for name, values in queries.items() for value in values)
    path = _clean(event.get("path") or "/")
    raw_path = _clean(context.get("path") or path)
    # Before the route stands the stage in one of the two paths, or a domain's base path in both.
    depth = len(_parts(_clean(event.get("resource") or path)))
    return Request(
        method=str(event.get("httpMethod", "GET")).upper(),
        path=_split(path, depth)[1],
        raw_path=raw_path,
        query=query,
        headers=headers,
        body=_body(event),
        request_id=str(context.get("requestId", "")),
        received_at=int(context.get("requestTimeEpoch") or time.time() * 1000) / 1000,
        base_url=public_url or _base_url(headers, _split(raw_path, depth)[0]),
    )


def to_proxy(response: Response) -> dict[str, Any]:
    """Return the answer in the proxy's format: JSON as text, the rest as base64 that API Gateway decodes."""
    text = _is_text(response)
    return {
        "statusCode": response.status,
        "headers": {**_HEADERS, **response.headers},
        "body": response.body.decode() if text else base64.b64encode(response.body).decode(),
        "isBase64Encoded": not text,
    }


def fits_the_proxy(response: Response) -> bool:
    """Return whether a synchronous function can return the answer: base64 grows by a third, quotes in text double."""
    if _is_text(response):
        return len(response.body) + response.body.count(b'"') <= MAX_ANSWER_BYTES
    return len(response.body) <= MAX_INLINE_BYTES


def _is_text(response: Response) -> bool:
    return response.headers.get("Content-Type", "").startswith("application/json")


def _body(event: ProxyEvent) -> bytes:
    """Return the body's bytes; invalid base64 is returned unchanged, for the contract to refuse."""
    text = str(event.get("body") or "")
    if event.get("isBase64Encoded"):
        try:
            return base64.b64decode(text)
        except ValueError:
            pass
    return text.encode("utf-8", "surrogatepass")


def _base_url(headers: Mapping[str, str], before: str) -> str:
    """Scheme, host and what stands before the route, as the caller addressed them."""
    scheme = headers.get("x-forwarded-proto", "https").partition(",")[0].strip()
    return f"{scheme}://{headers.get('host', 'localhost')}{before}"


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _split(path: str, depth: int) -> tuple[str, str]:
    """Return a path without its last `depth` parts, and those parts with the slashes after them."""
    stem = path.rstrip("/")
    parts = stem.split("/")
    cut = max(len(parts) - depth, 1)
    return "/".join(parts[:cut]), "/" + "/".join(parts[cut:]) + (path[len(stem) :] if cut < len(parts) else "")


def _clean(text: str) -> str:
    """Text without lone surrogates, which JSON can carry and no encoder takes."""
    return str(text).encode("utf-8", "replace").decode()
