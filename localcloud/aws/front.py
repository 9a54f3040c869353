"""One WSGI application on one port: our Lambda and API Gateway, and moto for the other AWS services."""

import json
import re
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote

from localcloud.api.gateway import Gateway, read_all
from localcloud.aws.guard import Guard
from localcloud.aws.presign import S3Refusal, check_post, check_query
from localcloud.functions.runtime import REQUEST_LIMIT_BYTES, LambdaService, ServiceRefusal

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_LAMBDA = "/2015-03-31/functions/"
_JSON = ("Content-Type", "application/json")
# SigV4 and SigV4A, whose scope has no region. Its service decides what moto takes the call for.
_SIGNED = re.compile(
    r"AWS4-(?:HMAC-SHA256|ECDSA-P256-SHA256) Credential=[^/,\s]+/\d{8}/(?:[^/,\s]+/)?([\w-]+)/aws4_request"
)


class Front:
    """Routes every request. Before `open` it answers only signed calls to AWS services, which create the stack."""

    def __init__(self, aws: "WSGIApplication", guard: Guard) -> None:
        self._aws = aws
        self._guard = guard
        self._service: LambdaService | None = None
        self._gateway: Gateway | None = None
        self._buckets: set[str] = set()

    def open(self, service: LambdaService, gateway: Gateway, buckets: set[str]) -> None:
        """Accept calls to the functions, the API and the buckets' presigned URLs."""
        self._service, self._gateway, self._buckets = service, gateway, buckets

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path, query = environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        signed = self._is_signed(environ)
        if path.startswith(_LAMBDA) and path.endswith("/invocations") and self._service:
            return self._invoke(environ, start_response)
        try:
            if signed and not path.startswith("/moto-api"):  # moto's own API is not an AWS service
                return self._aws(environ, start_response)
            # The bucket names are known, and no route of the API begins with one.
            if path.startswith("/") and path.split("/")[1] in self._buckets:
                self._check_unsigned(environ, query)
                return self._aws(environ, start_response)
        except S3Refusal as refusal:
            start_response(f"{refusal.status} Refused", [("Content-Type", "application/xml"), ("Connection", "close")])
            return [refusal.body()]
        if self._gateway is None:
            start_response("503 Service Unavailable", [_JSON])
            return [b'{"message":"The stack is being made"}']
        return self._gateway(environ, start_response)

    def _is_signed(self, environ: "WSGIEnvironment") -> bool:
        """Whether it is a call to an AWS service by its Authorization header.

        API Gateway does not read that header of a route without IAM authorization, whatever it holds. Only buckets are
        listed under a path that may be a route too.
        """
        found = _SIGNED.match(environ.get("HTTP_AUTHORIZATION", ""))
        if found is None or self._gateway is None or (environ["PATH_INFO"], found[1]) == ("/", "s3"):
            return found is not None
        return self._gateway.find(environ) is None

    @staticmethod
    def _check_unsigned(environ: "WSGIEnvironment", query: str) -> None:
        """Buckets are private: without an Authorization header only presigned and CORS preflight requests pass."""
        if "X-Amz-Signature=" in query or ("Signature=" in query and "AWSAccessKeyId=" in query):
            check_query(environ)
        elif environ["REQUEST_METHOD"] == "POST" and "multipart/form-data" in environ.get("CONTENT_TYPE", ""):
            check_post(environ)
        elif environ["REQUEST_METHOD"] != "OPTIONS":
            raise S3Refusal(403, "AccessDenied", "Access Denied")

    def _invoke(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        assert self._service is not None
        name = unquote(environ["PATH_INFO"].removeprefix(_LAMBDA).removesuffix("/invocations"))
        refused = self._guard.refuses(environ, start_response)
        if refused is not None:
            return refused
        request_id = str(uuid.uuid4())
        # moto's Step Functions interpreter reads the request id and raises a KeyError without it.
        headers = [_JSON, ("x-amzn-RequestId", request_id), ("X-Amz-Executed-Version", "$LATEST")]
        payload = read_all(environ, REQUEST_LIMIT_BYTES + 1) or b"{}"
        try:
            match environ.get("HTTP_X_AMZ_INVOCATION_TYPE", "RequestResponse"):
                case "Event":
                    self._service.invoke_async(name, payload)
                    start_response("202 Accepted", headers)
                    return [b""]
                case "DryRun":
                    start_response("204 No Content", headers)
                    return [b""]
            outcome = self._service.invoke(name, payload, request_id)
        except ServiceRefusal as refusal:
            start_response(f"{refusal.status} Refused", [*headers, ("x-amzn-ErrorType", refusal.code)])
            return [json.dumps({"Type": "User", "message": str(refusal)}).encode()]
        failed = [("X-Amz-Function-Error", "Unhandled")] if outcome.error_type else []
        start_response("200 OK", [*headers, *failed])
        return [outcome.payload]
