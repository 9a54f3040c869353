"""The endpoint's server for tests: in this process around any network, or as the process that a container runs."""

import http.client
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image

from cutline.pipeline.inference.network import Network, Prepared
from devkit.patience import WAIT_S
from devkit.running import ROOT, Answer
from serve import Server, ServeSettings

MODELS = ROOT / "layers" / "model"


def encoded(rgb_u8: Any, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.asarray(rgb_u8)).save(file, kind)
    return file.getvalue()


def noise(seed: int, side: int = 32) -> Any:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


@dataclass(frozen=True)
class Caller:
    """Calls one server; a connection per call, as SageMaker's router has many."""

    port: int

    def ping(self) -> int:
        return self.call("GET", "/ping").status

    def invoke(self, body: bytes, kind: str = "image/png") -> Answer:
        return self.call("POST", "/invocations", body, {"Content-Type": kind})

    def call(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, cast(Mapping[str, str], response.headers), response.read())
        finally:
            connection.close()


class GatedNetwork:
    """A network that counts its batches, and whose runs wait while the gate is shut."""

    def __init__(self, network: Network) -> None:
        self.entry, self.batches, self.provider = network.entry, network.batches, network.provider
        self.calibration, self.prepare, self.finish = network.calibration, network.prepare, network.finish
        self._network = network
        self.gate, self.started = threading.Event(), threading.Semaphore(0)
        self.gate.set()
        self.sizes: list[int] = []
        self.failure: Exception | None = None

    def predict(self, rgb_u8: Any, alpha_u8: Any = None) -> Any:
        return self._network.predict(rgb_u8, alpha_u8)

    def run(self, pictures: list[Prepared]) -> Any:
        self.sizes.append(len(pictures))
        self.started.release()
        assert self.gate.wait(WAIT_S)
        if self.failure is not None:
            raise self.failure
        return self._network.run(pictures)


@contextmanager
def serving(**settings: Any) -> Iterator[tuple[Server, Caller]]:
    """A server in this process that is not open yet."""
    defaults = {"host": "127.0.0.1", "port": 0, "models_dir": MODELS, "max_batch": 4, "max_delay_ms": 0.0}
    server = Server(ServeSettings(**{**defaults, "max_waiting": 64, **settings}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server, Caller(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Child:
    """`python serve.py` as the container runs it."""

    process: "subprocess.Popen[str]"
    caller: Caller

    def line(self, message: str) -> dict[str, Any]:
        """The next line of its log that says `message`."""
        assert self.process.stdout is not None
        for text in self.process.stdout:
            entry: dict[str, Any] = json.loads(text)
            if entry["message"] == message:
                return entry
        raise AssertionError(f"the server ended without saying {message!r}")


@contextmanager
def child(folder: Path = ROOT / "endpoint", **environment: str) -> Iterator[Child]:
    """Started, and listening; it may not be ready yet."""
    names = {"HOST": "127.0.0.1", "PORT": "0", "PATH": os.environ["PATH"], **environment}
    process = subprocess.Popen(
        [sys.executable, "serve.py", "serve"], cwd=folder, env=names, stdout=subprocess.PIPE, text=True
    )
    try:
        started = Child(process, Caller(0))
        port = started.line("listening")["port"]
        yield Child(process, Caller(port))
    finally:
        process.kill()
        process.communicate()


def in_repository(models: Path, model: str = "matte") -> dict[str, Any]:
    """The variables with which serve.py runs from its folder in the repository."""
    package = ROOT / "layers" / "cutline" / "python"
    return {"PYTHONPATH": str(package), "MODELS_DIR": str(models), "ENDPOINT_MODEL": model, "THREADS": "1"}
