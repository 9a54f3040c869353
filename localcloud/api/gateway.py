"""API Gateway: a REST API with Lambda proxy integrations, AWS's limits and gateway responses."""

import base64
import json
import os
import re
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from http import HTTPStatus
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from localcloud.api.proxy_event import MalformedAnswer, Request, Response, to_event, to_response
from localcloud.api.routes import Match, RouteTable
from localcloud.functions.runtime import LambdaService, ServiceRefusal
from localcloud.functions.runtime_api import Outcome

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PAYLOAD_LIMIT_BYTES = 10 * 1024 * 1024
HEADERS_LIMIT_BYTES = 10_240
# The rest of a body that is too large is read, so that a client which sends before it reads still sees the 413.
_DRAIN_BYTES = 64 * 1024 * 1024

# For `make load LOAD=flood`: how long the call waited for a sandbox, and what it cost it, in milliseconds.
TIMES = "X-Localcloud-Times"
TELLS_TIMES = bool(os.environ.get("LOCALCLOUD_TIMES"))

# Gateway response types: status and message unless the template sets others.
_DEFAULTS = {
    "MISSING_AUTHENTICATION_TOKEN": (403, "Missing Authentication Token"),
    "REQUEST_TOO_LARGE": (413, "Request Too Long"),
    "INTEGRATION_TIMEOUT": (504, "Endpoint request timed out"),
    # A throttled function: AWS answers INTEGRATION_FAILURE with status 500, not 429.
    "INTEGRATION_FAILURE": (500, "Internal server error"),
    # A function that failed, timed out or returned an invalid answer.
    "DEFAULT_5XX": (502, "Internal server error"),
}
_BAD_REQUEST = Response(400, [("Content-Type", "application/json")], b'{"message":"Bad Request"}')
_CLIENT_FAULTS = {"MISSING_AUTHENTICATION_TOKEN", "REQUEST_TOO_LARGE"}


class Gateway:
    """A WSGI application for every request that is not a call to an AWS service.

    It answers at the root, as API Gateway does under a domain, and below the stage's name, as at its own address.
    """

    def __init__(self, swagger: dict[str, Any], service: LambdaService, stage: str = "local") -> None:
        self.routes = RouteTable(swagger)
        self._stage = stage
        self._service = service
        self._responses = swagger.get("x-amazon-apigateway-gateway-responses", {})
        self._binary_types = swagger.get("x-amazon-apigateway-binary-media-types", [])

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        # A caller can choose it, as on AWS.
        request_id = environ.get("HTTP_X_AMZN_REQUESTID") or str(uuid.uuid4())
        response = self._respond(environ, request_id)
        headers = [*response.headers, ("x-amzn-RequestId", request_id), ("Content-Length", str(len(response.body)))]
        start_response(f"{response.status} {_phrase(response.status)}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]

    def find(self, environ: "WSGIEnvironment") -> Match | None:
        """Return the route of a request, or None."""
        return self.routes.find(environ["REQUEST_METHOD"], self._paths(environ)[1])

    def _paths(self, environ: "WSGIEnvironment") -> tuple[str, str]:
        """The path, and the same without the stage's name."""
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        prefix = f"/{self._stage}" if f"{path}/".startswith(f"/{self._stage}/") and self._stage else ""
        return path, path.removeprefix(prefix) or "/"

    def _respond(self, environ: "WSGIEnvironment", request_id: str) -> Response:
        headers = environ.get("localcloud.headers", [])
        if sum(len(name) + len(value) for name, value in headers) > HEADERS_LIMIT_BYTES:
            drain(environ)
            # Before the API is known, so without its gateway responses.
            message = f"HTTP header is larger than {HEADERS_LIMIT_BYTES} bytes"
            return Response(431, [("Content-Type", "application/json")], json.dumps({"message": message}).encode())
        length = environ.get("CONTENT_LENGTH") or "0"
        if not environ["PATH_INFO"].startswith("/") or re.fullmatch("[0-9]{1,15}", length) is None:
            return _BAD_REQUEST
        path, inner = self._paths(environ)
        match = self.find(environ)
        try:
            body = _read_body(environ)
        except OSError:  # chunks without true lengths
            return _BAD_REQUEST
        if match is None:
            return self._refuse("MISSING_AUTHENTICATION_TOKEN", request_id)
        if body is None:
            return self._refuse("REQUEST_TOO_LARGE", request_id)
        request = Request(
            method=environ["REQUEST_METHOD"],
            path=inner,
            raw_path=path,
            stage=self._stage,
            query=environ.get("QUERY_STRING", ""),
            headers=headers,
            body=body,
            source_ip=environ.get("REMOTE_ADDR", ""),
            request_id=request_id,
        )
        return self._integrate(request, match)

    def _integrate(self, request: Request, match: Match) -> Response:
        if not match.route.function:
            return _mock(match.route.integration)
        name = self._service.by_logical_id[match.route.function]

        def payload() -> bytes:
            event = to_event(request, match, self._is_binary(request))
            return json.dumps(event, separators=(",", ":")).encode()

        try:
            outcome = _in_time(self._service, name, payload, match.route.timeout_s)
            if outcome.error_type:
                return self._refuse("DEFAULT_5XX", request.request_id)
            response = to_response(outcome.payload)
            if TELLS_TIMES:
                response.headers.append((TIMES, f"wait={outcome.wait_ms:.3f} cpu={outcome.cpu_ms:.3f}"))
            return response
        except FutureTimeout:
            return self._refuse("INTEGRATION_TIMEOUT", request.request_id)
        except MalformedAnswer:
            return self._refuse("DEFAULT_5XX", request.request_id)
        except ServiceRefusal as refusal:
            # With base64, 4.5 MB of body exceeds Lambda's limit, far below the gateway's own 10 MB.
            too_large = refusal.code == "RequestTooLargeException"
            return self._refuse("REQUEST_TOO_LARGE" if too_large else "INTEGRATION_FAILURE", request.request_id)

    def _is_binary(self, request: Request) -> bool:
        content_type = request.header("Content-Type").partition(";")[0].strip().lower()
        types = [kind.replace("~1", "/") for kind in self._binary_types]
        return "*/*" in types or content_type in types

    def _refuse(self, kind: str, request_id: str) -> Response:
        """The gateway response of a type: the template's, else its DEFAULT_4XX/5XX, else AWS's."""
        status, message = _DEFAULTS[kind]
        family = "DEFAULT_4XX" if kind in _CLIENT_FAULTS else "DEFAULT_5XX"
        custom = self._responses.get(kind) or self._responses.get(family) or {}
        status = int(custom.get("statusCode", status))
        context = {
            "$context.error.messageString": json.dumps(message),
            "$context.error.message": message,
            "$context.error.responseType": kind,
            # API Gateway's own; the caller's is ignored.
            "$context.extendedRequestId": base64.b64encode(os.urandom(11)).decode(),
            "$context.requestId": request_id,
        }
        template = custom.get("responseTemplates", {}).get(
            "application/json", '{"message":$context.error.messageString}'
        )
        headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", _error_name(kind))]
        for name, value in custom.get("responseParameters", {}).items():
            if name.startswith("gatewayresponse.header."):
                header = name.removeprefix("gatewayresponse.header.")
                headers = [(n, v) for n, v in headers if n.lower() != header.lower()]
                headers.append((header, _fill(str(value).strip("'"), context)))
        return Response(status, headers, _fill(template, context).encode())


def _in_time(service: LambdaService, name: str, payload: Callable[[], bytes], timeout_s: float) -> Outcome:
    """The outcome. Raises TimeoutError; the function then continues to run, as on AWS.

    The time begins when a sandbox is free, because AWS would have started another one.
    """
    future: Future[Outcome] = Future()
    begun = Event()

    def begin() -> bytes:
        begun.set()
        return payload()

    def work() -> None:
        try:
            future.set_result(service.invoke(name, begin))
        except BaseException as error:  # raised again in the caller's thread
            future.set_exception(error)
        finally:
            begun.set()

    Thread(target=work, daemon=True).start()
    begun.wait()
    return future.result(timeout_s)


def _mock(integration: dict[str, Any]) -> Response:
    default = integration.get("responses", {}).get("default", {})
    prefix = "method.response.header."
    parameters = default.get("responseParameters", {})
    headers = [(n.removeprefix(prefix), str(v).strip("'")) for n, v in parameters.items() if n.startswith(prefix)]
    body = default.get("responseTemplates", {}).get("application/json", "").strip()
    return Response(
        int(default.get("statusCode", 200)), [*headers, ("Content-Type", "application/json")], body.encode()
    )


def _fill(template: str, context: dict[str, str]) -> str:
    pattern = "|".join(re.escape(name) for name in sorted(context, key=len, reverse=True))
    return re.sub(pattern, lambda match: context[match[0]], template)


def _error_name(kind: str) -> str:
    names = {
        "MISSING_AUTHENTICATION_TOKEN": "MissingAuthenticationTokenException",
        "REQUEST_TOO_LARGE": "RequestTooLargeException",
    }
    return names.get(kind, "InternalServerErrorException")


def _read_body(environ: "WSGIEnvironment") -> bytes | None:
    """The body, or None if it is larger than the gateway's limit. Holds no more than the limit in memory."""
    if int(environ.get("CONTENT_LENGTH") or 0) > PAYLOAD_LIMIT_BYTES:
        drain(environ)
        return None
    body = read_all(environ, PAYLOAD_LIMIT_BYTES + 1)
    if len(body) > PAYLOAD_LIMIT_BYTES:
        drain(environ)
        return None
    return body


def read_all(environ: "WSGIEnvironment", limit: int) -> bytes:
    """Up to `limit` bytes of the body, with a length or chunked."""
    source = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        return bytes(source.read(limit))
    return bytes(source.read(min(limit, int(environ.get("CONTENT_LENGTH") or 0))))


def drain(environ: "WSGIEnvironment") -> None:
    """Read the rest of the body and discard it."""
    source, chunked = environ["wsgi.input"], environ.get("wsgi.input_terminated")
    left = _DRAIN_BYTES if chunked else min(_DRAIN_BYTES, int(environ.get("CONTENT_LENGTH") or 0))
    while left > 0 and (chunk := source.read(min(left, 1 << 16))):
        left -= len(chunk)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"
