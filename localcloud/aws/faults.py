"""Faults on purpose: `faults.json` in the state folder, read at every AWS call, lists the calls to fail.

    {"dynamodb:UpdateItem": {"error": "ThrottlingException", "after": 1}, "s3:PUT": {"delay_s": 3},
     "sagemaker:InvokeEndpoint": {"error": "ModelError", "status": 424, "fields": {"OriginalStatusCode": 503}}}

S3 calls are named by their HTTP method, all others by their operation. Without the file nothing fails.

    after     the first calls that succeed, counted from the file's last change
    path      only calls whose path contains this text fail
    share     the share of the remaining calls that fail, in [0, 1]
    error     the name of the error; `status` its HTTP status; `fields` join its body
    delay_s   wait before the call: on its own, a service that hangs
    linger_s  wait after the call: a late answer
    twice     execute the call two times
"""

import io
import json
import random
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localcloud.aws.sagemaker import runtime_operation

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SERVICES = {"DynamoDB_20120810": "dynamodb", "TrentService": "kms", "AmazonSQS": "sqs", "AWSStepFunctions": "states"}
_S3_ERROR = "<Error><Code>{0}</Code><Message>a fault on purpose</Message></Error>"


class Faulty:
    """Wraps the services: delays and refuses the calls in the file, passes the others on."""

    def __init__(self, aws: "WSGIApplication", path: Path) -> None:
        self._aws = aws
        self._path = path
        self._seen: Counter[tuple[str, int]] = Counter()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        operation = operation_of(environ)
        fault = self._fault(operation, environ["PATH_INFO"])
        if not fault:
            return self._aws(environ, start_response)
        time.sleep(fault.get("delay_s", 0))
        if "error" not in fault:
            return self._late(environ, start_response, fault)
        body = json.dumps({"__type": fault["error"], "message": "a fault on purpose", **fault.get("fields", {})})
        if operation.startswith("s3:"):
            body = _S3_ERROR.format(fault["error"])
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = [("Content-Length", str(len(body))), ("x-amzn-ErrorType", fault["error"])]
        start_response(f"{fault.get('status', 400)} Fault", headers)
        return [body.encode()]

    def _late(
        self, environ: "WSGIEnvironment", start_response: "StartResponse", fault: dict[str, Any]
    ) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if fault.get("twice"):
            list(self._aws({**environ, "wsgi.input": io.BytesIO(body)}, lambda *_: lambda data: None))
        answer = list(self._aws({**environ, "wsgi.input": io.BytesIO(body)}, start_response))
        time.sleep(fault.get("linger_s", 0))
        return answer

    def _fault(self, operation: str, path: str) -> dict[str, Any]:
        try:
            fault = dict(json.loads(self._path.read_text("utf-8")).get(operation, {}))
            version = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        if fault.get("path", "") not in path:
            return {}
        self._seen[operation, version] += 1
        passes = self._seen[operation, version] <= fault.get("after", 0) or random.random() >= fault.get("share", 1)
        return {} if passes else fault


def operation_of(environ: "WSGIEnvironment") -> str:
    """The call's name in the fault file, such as dynamodb:UpdateItem."""
    runtime = runtime_operation(environ["PATH_INFO"])
    if runtime is not None:
        return f"sagemaker:{runtime}"
    version, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
    return f"{_SERVICES.get(version, version)}:{operation}" if operation else f"s3:{environ['REQUEST_METHOD']}"
