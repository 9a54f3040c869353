"""SageMaker's container protocol: `GET /ping` and `POST /invocations` on port 8080.

    python serve.py [serve]        SageMaker passes the argument

ENDPOINT_MODEL  an entry of models.toml, default isnet        MODELS_DIR    default: models next to this file
HOST, PORT      default 0.0.0.0:8080; PORT 0 takes a free port and logs it
MAX_BATCH       pictures per run, 1..64, default 8            MAX_DELAY_MS  wait for others, 0..1000, default 10
MAX_WAITING     calls inside at once, 1..1024, default 64     THREADS       CPU threads, default: the CPUs there are

`/ping` is 503 until the first picture has passed, then 200. SIGTERM finishes the calls in progress and exits 0.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from admission import Admission
from batcher import Batcher
from cutline.environment import SettingsError, number
from cutline.errors import MattingError, Reason, ServiceFault
from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.inference.network import Network
from inference import MAX_BYTES, UnsupportedType, input_fn, model_fn, output_fn, predict_fn

# SageMaker gives a call 60 s, and 30 s to end after SIGTERM.
_CALL_LIMIT_S = 50.0
_STOP_LIMIT_S = 25.0
_IDLE_LIMIT_S = 90.0
_SIGNAL_PAUSE_S = 0.5
_STATUS = {
    Reason.IMAGE_TYPE: 415,
    Reason.IMAGE_TOO_LARGE: 413,
    Reason.RESOLUTION_TOO_HIGH: 413,
    Reason.BODY_TOO_LARGE: 413,
    Reason.IMAGE_EMPTY: 400,
    Reason.IMAGE_CORRUPT: 400,
    Reason.RESOLUTION_TOO_LOW: 400,
    Reason.OVERLOADED: 503,
    Reason.TIMED_OUT: 503,
}
_CHUNK_BYTES = 64 * 1024
_MAX_LENGTH_CHARS = 15


@dataclass(frozen=True)
class ServeSettings:
    """The variables explained at the head of this file."""

    host: str
    port: int
    models_dir: Path
    max_batch: int
    max_delay_ms: float
    max_waiting: int

    @classmethod
    def from_environment(cls, env: Mapping[str, str] = os.environ) -> "ServeSettings":
        """Raises SettingsError."""
        return cls(
            host=env.get("HOST", "") or "0.0.0.0",
            port=number(env, "PORT", int, 0, 65535, 8080),
            models_dir=Path(env.get("MODELS_DIR", "") or Path(__file__).with_name("models")),
            max_batch=number(env, "MAX_BATCH", int, 1, 64, 8),
            max_delay_ms=number(env, "MAX_DELAY_MS", float, 0, 1000, 10.0),
            max_waiting=number(env, "MAX_WAITING", int, 1, 1024, 64),
        )


class Refusal(Exception):
    """A call that breaks the protocol: an HTTP status and a reason."""

    def __init__(self, status: int, reason: str, detail: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason


class Server(ThreadingHTTPServer):
    """Answers `/ping` from the start and takes calls after `open`."""

    daemon_threads = True
    # In a larger burst the kernel refuses connections instead of a 503.
    request_queue_size = 256

    def __init__(self, settings: ServeSettings) -> None:
        super().__init__((settings.host, settings.port), Handler)
        self._settings = settings
        self.admission = Admission(settings.max_waiting)
        self._batcher: Batcher | None = None

    @property
    def ready(self) -> bool:
        """Whether this server takes calls."""
        return self._batcher is not None and self._batcher.healthy and not self.admission.closed

    @property
    def waiting(self) -> int:
        """How many pictures wait for the network."""
        return 0 if self._batcher is None else self._batcher.waiting

    def open(self, network: Network) -> None:
        """Warms the network up, then takes calls. Raises ServiceFault."""
        settings = self._settings
        max_batch = settings.max_batch if network.batches else 1
        _warm_up(network, max_batch)
        self._batcher = Batcher(network, max_batch, settings.max_delay_ms, _CALL_LIMIT_S, _log_run)
        _log("ready", model=network.entry.name, provider=network.provider, max_batch=max_batch)

    def invoke(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        """The answer and its type. Raises MattingError and UnsupportedType."""
        if self._batcher is None:
            raise ServiceFault(Reason.OVERLOADED, "not ready")
        return output_fn(predict_fn(input_fn(body, content_type), self._batcher), accept)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores callers that hang up."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection, which stays open between calls."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_LIMIT_S
    # Sends head and body together; else the body waits for the head's acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = -1
    _unread_bytes = 0

    def do_GET(self) -> None:
        if self.path != "/ping":
            self._send(404, *_worded("not_found"))
        elif self.server.ready:
            self._send(200, json.dumps({"inside": self.server.admission.inside}).encode(), "application/json")
        else:
            self._send(503, *_worded("not_ready"))

    def do_POST(self) -> None:
        begun, status, reason = time.perf_counter(), 200, "ok"
        with ExitStack() as inside:  # a call ends after its answer is sent
            try:
                content, kind = self._invoke(inside)
            except OSError:  # the caller is gone or silent
                raise
            except Exception as error:  # the one boundary: every failure is an answer
                status, reason = _judge(error)
                content, kind = _worded(reason, str(getattr(error, "detail", error)))
            self._drop_unread()
            self._send(status, content, kind)
        _log("call", status=status, reason=reason, ms=round((time.perf_counter() - begun) * 1000, 1))

    def handle_expect_100(self) -> bool:
        """Flushes the 100 Continue, which the caller waits for before it sends the body."""
        proceed = super().handle_expect_100()
        self.wfile.flush()
        return proceed

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: `do_POST` writes the line of a call, and pings have none."""

    def _invoke(self, inside: ExitStack) -> tuple[bytes, str]:
        text = self.headers.get("Content-Length", "")
        known = text.isascii() and text.isdigit() and len(text) <= _MAX_LENGTH_CHARS
        self._unread_bytes = int(text) if known else 0
        self.close_connection = self.close_connection or not known
        if self.path != "/invocations":
            raise Refusal(404, "not_found")
        if not known:
            raise Refusal(411, "length_required")
        if self._unread_bytes > MAX_BYTES:
            raise Refusal(413, Reason.BODY_TOO_LARGE, f"more than {MAX_BYTES} bytes")
        inside.enter_context(self.server.admission.enter())
        body = self.rfile.read(self._unread_bytes)
        self._unread_bytes -= len(body)
        if self._unread_bytes:
            raise ConnectionAbortedError
        return self.server.invoke(body, self.headers.get("Content-Type", ""), self.headers.get("Accept", ""))

    def _drop_unread(self) -> None:
        """Reads the rest of a refused call, up to a bound, so that the caller gets the answer."""
        bound = min(self._unread_bytes, 2 * MAX_BYTES)
        self.close_connection = self.close_connection or bound < self._unread_bytes
        while bound > 0:
            bound -= len(self.rfile.read(min(bound, _CHUNK_BYTES))) or bound
        self._unread_bytes = 0

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.close_connection = self.close_connection or self.server.admission.closed
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()


def _judge(error: Exception) -> tuple[int, str]:
    """The HTTP status and the reason of any failure; an unknown one is a 500."""
    if isinstance(error, Refusal):
        return error.status, error.reason
    if isinstance(error, UnsupportedType):
        return 415, Reason.IMAGE_TYPE
    if isinstance(error, MattingError):
        return _STATUS.get(error.reason, 500), error.reason
    return 500, Reason.INTERNAL


def _worded(reason: str, detail: str = "") -> tuple[bytes, str]:
    return json.dumps({"reason": reason, "message": detail}).encode(), "application/json"


def _warm_up(network: Network, max_batch: int) -> None:
    """Runs one picture, then the largest batch, so that a lack of memory shows now and not under load."""
    rgb_u8 = np.random.default_rng(0).integers(0, 256, (network.entry.height, network.entry.width, 3), np.uint8)
    output_fn(predict_fn(Picture(rgb_u8, None, "PNG"), network))
    network.run([network.prepare(rgb_u8)] * max_batch)


def _log_run(size: int, ms: float) -> None:
    _log("run", size=size, ms=round(ms, 1))


def _log(message: str, **fields: Any) -> None:
    print(json.dumps({"message": message, **fields}), flush=True)


def main() -> int:
    """0 after SIGTERM or Ctrl-C, 1 where the model does not open or a call did not end in time."""
    settings = ServeSettings.from_environment()
    stop, failures = threading.Event(), []
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: stop.set())
    server = Server(settings)

    def load() -> None:
        try:
            server.open(model_fn(str(settings.models_dir)))
        except (MattingError, SettingsError) as error:
            failures.append(error)
            stop.set()

    _log("listening", port=server.server_address[1])
    for work in (server.serve_forever, load):
        threading.Thread(target=work, daemon=True).start()
    # Short waits, because a signal that another thread receives does not end a long one.
    while not stop.wait(_SIGNAL_PAUSE_S):
        pass
    finished = server.admission.close(_STOP_LIMIT_S)
    server.shutdown()
    server.server_close()
    _log("stopped", finished=finished, failure=str(failures[0]) if failures else "")
    return 0 if finished and not failures else 1


if __name__ == "__main__":
    # Not sys.exit: onnxruntime must not be torn down under a thread that still opens a model.
    os._exit(main())
