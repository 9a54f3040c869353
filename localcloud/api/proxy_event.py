"""The Lambda proxy format of REST APIs (payload format 1.0): request to event, answer to response."""

import base64
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from localcloud.api.routes import Match
from localcloud.aws_account import ACCOUNT_ID

# Hop-by-hop headers, which end at the gateway, and the length, which does not apply to the event's body.
_NOT_FORWARDED = {
    "connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "content-length",
}
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
_REMAPPED = {"connection", "content-length", "date", "server", "www-authenticate", "x-amzn-requestid"}


class MalformedAnswer(Exception):
    """The function's answer is not a proxy response; the caller gets 502."""


@dataclass(frozen=True)
class Request:
    """A request as it came over the wire: header names keep their case, the path is decoded.

    `raw_path` is `path` with the stage's name before it, where the request had that.
    """

    method: str
    path: str
    raw_path: str
    stage: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes
    source_ip: str
    request_id: str

    def header(self, name: str) -> str:
        """The last value of a header, or an empty string."""
        return next((v for n, v in reversed(self.headers) if n.lower() == name.lower()), "")


@dataclass(frozen=True)
class Response:
    """The HTTP response to the client."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def to_event(request: Request, match: Match, binary: bool) -> dict[str, Any]:
    """The event. `binary`: the API's binary media types include the request's, so the body is sent as base64."""
    headers = [(n, v) for n, v in request.headers if n.lower() not in _NOT_FORWARDED]
    headers += [
        ("X-Amzn-Trace-Id", f"Root=1-{int(time.time()):08x}-{request.request_id.replace('-', '')[:24]}"),
        ("X-Forwarded-For", request.source_ip),
        ("X-Forwarded-Port", request.header("Host").rpartition(":")[2] or "80"),
        ("X-Forwarded-Proto", "http"),
    ]
    query = parse_qsl(request.query, keep_blank_values=True)
    body = base64.b64encode(request.body).decode() if binary else request.body.decode("utf-8", "replace")
    return {
        "resource": match.route.resource,
        "path": request.path,
        "httpMethod": request.method,
        "headers": dict(headers),
        "multiValueHeaders": _multi(headers),
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _multi(query) or None,
        "pathParameters": match.path_parameters or None,
        "stageVariables": None,
        "requestContext": _context(request, match),
        "body": body if request.body else None,
        "isBase64Encoded": binary and bool(request.body),
    }


def _multi(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def _context(request: Request, match: Match) -> dict[str, Any]:
    now = time.time()
    identity = dict.fromkeys(
        ("accessKey", "accountId", "caller", "cognitoAuthenticationProvider", "cognitoAuthenticationType",
         "cognitoIdentityId", "cognitoIdentityPoolId", "principalOrgId", "user", "userArn")
    )  # fmt: skip
    return {
        "accountId": ACCOUNT_ID,
        "apiId": "local",
        "domainName": request.header("Host"),
        "domainPrefix": request.header("Host").partition(".")[0],
        "extendedRequestId": request.request_id,
        "httpMethod": request.method,
        "identity": {**identity, "sourceIp": request.source_ip, "userAgent": request.header("User-Agent") or None},
        "path": request.raw_path,
        "protocol": "HTTP/1.1",
        "requestId": request.request_id,
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "requestTimeEpoch": int(now * 1000),
        "resourceId": "local",
        "resourcePath": match.route.resource,
        "stage": request.stage,
    }


def to_response(payload: bytes) -> Response:
    """The HTTP response that the function's answer describes. Raises MalformedAnswer."""
    try:
        answer = json.loads(payload)
        status = int(answer["statusCode"])
        body = answer.get("body") or ""
        raw = base64.b64decode(body, validate=True) if answer.get("isBase64Encoded") else body.encode()
        headers = [(name, _text(value)) for name, value in (answer.get("headers") or {}).items()]
        multi = answer.get("multiValueHeaders") or {}
        # multiValueHeaders override headers of the same name.
        headers = [(n, v) for n, v in headers if n not in multi]
        headers += [(name, _text(value)) for name, values in multi.items() for value in values]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedAnswer(str(error)) from error
    remapped = [(f"x-amzn-Remapped-{n}" if n.lower() in _REMAPPED else n, v) for n, v in headers]
    if not any(name.lower() == "content-type" for name, _ in remapped):
        remapped.append(("Content-Type", "application/json"))
    return Response(status, remapped, raw)


def _text(value: object) -> str:
    """A header's value; JSON booleans and numbers are allowed, a line break is not."""
    text = json.dumps(value) if isinstance(value, bool) else str(value)
    if "\n" in text or "\r" in text:
        raise ValueError("a header holds a line break")
    return text
