"""Counts AWS calls by operation; a signed `GET /localcloud/calls` returns the counts, for benches and tests."""

import json
import threading
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from localcloud.aws.faults import operation_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/localcloud/calls"


class Tally:
    """Wraps the services: counts every call and passes it on."""

    def __init__(self, aws: "WSGIApplication") -> None:
        self._aws = aws
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] == PATH:
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(self._calls).encode()]
        with self._lock:
            self._calls[operation_of(environ)] += 1
        return self._aws(environ, start_response)
