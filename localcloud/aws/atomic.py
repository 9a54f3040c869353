"""Serialises DynamoDB requests: DynamoDB does so per item, but moto's threads can interleave condition and write."""

import io
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from localcloud.api.gateway import read_all

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_REQUEST_LIMIT_BYTES = 16 * 1024 * 1024  # DynamoDB's own


class Atomic:
    """Wraps moto: handles one DynamoDB request at a time, other requests concurrently."""

    def __init__(self, aws: "WSGIApplication") -> None:
        self._aws = aws
        self._turn = threading.Lock()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if not environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB"):
            return self._aws(environ, start_response)
        # Read first, so that a slow sender does not block the others.
        environ["wsgi.input"] = io.BytesIO(read_all(environ, _REQUEST_LIMIT_BYTES))
        with self._turn:
            return list(self._aws(environ, start_response))
