"""Requests to DynamoDB take turns; requests to other services do not."""

import io
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from localcloud.aws.atomic import Atomic


class Busy:
    """A WSGI application that notes how many requests it has had in flight at once, and echoes the body."""

    def __init__(self) -> None:
        self.most = self.now = 0
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.02)
        yield environ["wsgi.input"].read()
        with self._lock:
            self.now -= 1


def max_in_flight(target: str) -> int:
    busy = Busy()
    aws = Atomic(busy)

    def call(index: int) -> bytes:
        body = str(index).encode()
        environ = {"HTTP_X_AMZ_TARGET": target, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
        return b"".join(aws(environ, lambda *args: None))  # type: ignore[arg-type]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(call, range(16))) == [str(index).encode() for index in range(16)]
    return busy.most


def test_requests_to_dynamodb_take_turns() -> None:
    assert max_in_flight("DynamoDB_20120810.UpdateItem") == 1


def test_requests_to_other_services_do_not() -> None:
    assert max_in_flight("TrentService.Decrypt") > 1
