"""SageMaker's runtime: calls the endpoint's process, directly or through S3; passes other requests to moto."""

import http.client
import json
import re
import time
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.api.gateway import read_all
from localcloud.aws.endpoint_process import ContainerAnswer, EndpointProcess
from localcloud.aws_account import ACCOUNT_ID, client

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

OPERATIONS = {"invocations": "InvokeEndpoint", "async-invocations": "InvokeEndpointAsync"}
BODY_LIMIT_BYTES = 6 * 1024 * 1024
_PATH = re.compile(r"/endpoints/([^/]+)/(invocations|async-invocations)")
_OK, _BUSY = 200, 503
_AT_ONCE = 16
_QUEUE_TTL_S = 6 * 3600
_RETRY_PAUSE_S = 0.5
_HEADER = "HTTP_X_AMZN_SAGEMAKER_"


class SageMakerRefusal(Exception):
    """An error of SageMaker: `status`, AWS's exception name and the fields of its body."""

    def __init__(self, status: int, code: str, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.body = json.dumps({"Message": message, **fields}).encode()


def runtime_operation(path: str) -> str | None:
    """The operation of the runtime that a path names, if any."""
    match = _PATH.fullmatch(path)
    return OPERATIONS[match[2]] if match else None


class SageMaker:
    """Wraps moto, whose own endpoints return canned answers. Without `open` there is no endpoint."""

    def __init__(self, aws: "WSGIApplication") -> None:
        self._aws = aws
        self._endpoint: EndpointProcess | None = None
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="async-endpoint")

    def open(self, endpoint: EndpointProcess) -> None:
        """Take calls for this endpoint."""
        self._endpoint = endpoint

    def close(self) -> None:
        """Drop the queued calls."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        match = _PATH.fullmatch(environ["PATH_INFO"])
        if match is None:
            return self._aws(environ, start_response)
        body = read_all(environ, BODY_LIMIT_BYTES + 1)
        try:
            endpoint = self._find(unquote(match[1]), asynchronous=match[2] == "async-invocations")
            if endpoint.config.output:
                status, headers, answer = self._accept(endpoint, environ)
            else:
                status, headers, answer = _invoke(endpoint, environ, body)
        except SageMakerRefusal as refusal:
            status, answer = refusal.status, refusal.body
            headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", refusal.code)]
        start_response(f"{status} {http.client.responses[status]}", [*headers, ("x-amzn-RequestId", str(uuid.uuid4()))])
        return [answer]

    def _find(self, name: str, asynchronous: bool) -> EndpointProcess:
        endpoint = self._endpoint
        if endpoint is None or endpoint.config.name != name:
            raise SageMakerRefusal(400, "ValidationError", f"Endpoint {name} of account {ACCOUNT_ID} not found.")
        if asynchronous != bool(endpoint.config.output):
            kind = "asynchronous" if endpoint.config.output else "realtime"
            raise SageMakerRefusal(400, "ValidationError", f"Endpoint {name} is {kind}.")
        return endpoint

    def _accept(
        self, endpoint: EndpointProcess, environ: "WSGIEnvironment"
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        source = environ.get(f"{_HEADER}INPUTLOCATION", "")
        if not source.startswith("s3://"):
            raise SageMakerRefusal(400, "ValidationError", "InputLocation must be an S3 URI")
        inference_id = environ.get(f"{_HEADER}INFERENCE_ID") or str(uuid.uuid4())
        output, failure = (
            f"{endpoint.config.output}/{inference_id}.out",
            f"{endpoint.config.failure}/{inference_id}-error.out",
        )
        ttl_s = float(environ.get(f"{_HEADER}REQUESTTTLSECONDS") or _QUEUE_TTL_S)
        kind = environ.get(f"{_HEADER}CONTENT_TYPE", "application/octet-stream")
        self._pool.submit(_work_off, endpoint, source, kind, (output, failure), time.monotonic() + ttl_s)
        headers = [
            ("Content-Type", "application/json"),
            ("X-Amzn-SageMaker-OutputLocation", output),
            ("X-Amzn-SageMaker-FailureLocation", failure),
        ]
        return 202, headers, json.dumps({"InferenceId": inference_id}).encode()


def _invoke(
    endpoint: EndpointProcess, environ: "WSGIEnvironment", body: bytes
) -> tuple[int, list[tuple[str, str]], bytes]:
    if len(body) > BODY_LIMIT_BYTES:
        raise SageMakerRefusal(413, "ValidationError", f"The body is larger than {BODY_LIMIT_BYTES} bytes")
    answer = _ask(endpoint, body, environ.get("CONTENT_TYPE", ""))
    headers = [("Content-Type", answer.content_type), ("x-Amzn-Invoked-Production-Variant", "main")]
    return 200, headers, answer.body


def _ask(endpoint: EndpointProcess, body: bytes, kind: str) -> ContainerAnswer:
    """The container's answer with status 200. Raises SageMakerRefusal for any other answer, and for none."""
    try:
        answer = endpoint.call("POST", "/invocations", body, {"Content-Type": kind})
    except TimeoutError as error:
        message = "Your invocation timed out while waiting for a response from container primary"
        raise SageMakerRefusal(424, "ModelError", message, OriginalStatusCode=0) from error
    except (OSError, http.client.HTTPException) as error:
        raise SageMakerRefusal(503, "ServiceUnavailable", "No instance of the endpoint answers") from error
    if answer.status != _OK:
        text = answer.body[:1000].decode("utf-8", "replace")
        message = f'Received error ({answer.status}) from primary with message "{text}"'
        raise SageMakerRefusal(424, "ModelError", message, OriginalStatusCode=answer.status, OriginalMessage=text)
    return answer


def _work_off(endpoint: EndpointProcess, source: str, kind: str, targets: tuple[str, str], end: float) -> None:
    """Run one queued call: read the input from S3, write the answer or the failure to S3."""
    s3 = client("s3")
    output, failure = targets
    try:
        answer = _ask_until(endpoint, s3.get_object(**_place(source))["Body"].read(), kind, end)
        s3.put_object(**_place(output), Body=answer.body, ContentType=answer.content_type)
    except (SageMakerRefusal, ClientError, BotoCoreError) as error:
        s3.put_object(**_place(failure), Body=str(error).encode())


def _ask_until(endpoint: EndpointProcess, body: bytes, kind: str, end: float) -> ContainerAnswer:
    """Like `_ask`, but retries until `end` while the endpoint is away or busy."""
    while True:
        try:
            return _ask(endpoint, body, kind)
        except SageMakerRefusal as refusal:
            busy = refusal.code == "ServiceUnavailable" or json.loads(refusal.body)["OriginalStatusCode"] == _BUSY
            if not busy or time.monotonic() > end:
                raise
        time.sleep(_RETRY_PAUSE_S)


def _place(address: str) -> dict[str, str]:
    parts = urlsplit(address)
    return {"Bucket": parts.netloc, "Key": parts.path[1:]}
