"""The Lambda Runtime API of one sandbox: an HTTP server from which the process fetches its events."""

import json
import queue
import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from localcloud.aws_account import HOST


@dataclass(frozen=True)
class Outcome:
    """The answer of one invocation; `error_type` is set when the function, not the service, failed.

    wait_ms: until a sandbox was free, which on AWS is a refusal; cpu_ms: what the call cost the sandbox.
    """

    payload: bytes
    error_type: str = ""
    wait_ms: float = 0.0
    cpu_ms: float = 0.0


class RuntimeApi(ThreadingHTTPServer):
    """`send` takes events; `answers` holds the answers and an init error; `ready` is set at the end of INIT."""

    daemon_threads = True

    def __init__(self, function_arn: str) -> None:
        super().__init__((HOST, 0), _Handler)
        self.function_arn = function_arn
        self.ready = threading.Event()
        self._closing, self._ended = threading.Event(), threading.Event()
        self.answers: queue.Queue[Outcome] = queue.Queue()
        self.work: queue.Queue[tuple[str, bytes, int] | None] = queue.Queue()
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self) -> str:
        """The value of AWS_LAMBDA_RUNTIME_API."""
        return f"{HOST}:{self.server_address[1]}"

    def send(self, request_id: str, payload: bytes, deadline_ms: int) -> None:
        """Queue the next event."""
        self.work.put((request_id, payload, deadline_ms))

    def close(self) -> None:
        """Release the threads that wait for an event and for a connection, and the port."""
        self.work.put(None)
        self._closing.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self._ended.wait()
        self.server_close()

    def _serve(self) -> None:
        """`serve_forever` would look for its end 20 times a second, in every sandbox."""
        while not self._closing.is_set():
            self.handle_request()
        self._ended.set()

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore the broken connections of a killed sandbox; its end is reported elsewhere."""


class _Handler(BaseHTTPRequestHandler):
    """/2018-06-01/runtime/invocation/next, .../response, .../error and /init/error."""

    server: RuntimeApi
    protocol_version = "HTTP/1.1"
    # Without these two a warm call costs 42 ms instead of 2: Nagle's algorithm meets the delayed ACK.
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        self.server.ready.set()
        work = self.server.work.get()
        if work is None:
            self.close_connection = True
            return
        request_id, payload, deadline_ms = work
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.server.function_arn,
        }
        self._reply(200, payload, headers)

    def do_POST(self) -> None:
        body = self._body()
        error_type = ""
        if self.path.endswith("/error"):
            error_type = self.headers.get("Lambda-Runtime-Function-Error-Type") or _error_type(body)
        # Before the reply: the process exits after an init error, and the error must be seen before the exit.
        self.server.answers.put(Outcome(body, error_type))
        self.server.ready.set()
        self._reply(202, b'{"status":"OK"}', {})

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Silence: the REPORT line has more."""


def _error_type(body: bytes) -> str:
    try:
        return str(json.loads(body)["errorType"])
    except (ValueError, KeyError, TypeError):
        return "Unhandled"
