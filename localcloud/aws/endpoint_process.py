"""The SageMaker endpoint without its container: the real serve.py in its own process."""

import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localcloud.aws_account import HOST
from localcloud.functions.launch import launch_command
from localcloud.functions.sandbox import forker

CALL_LIMIT_S = 60.0
_STOP_LIMIT_S = 5.0
_RESTART_PAUSE_S = 1.0
_PING_PAUSE_S = 0.1


@dataclass(frozen=True)
class EndpointConfig:
    """An endpoint with its values resolved by CloudFormation; `output` and `failure` are S3 URIs, empty if realtime."""

    name: str
    environment: dict[str, str]
    output: str
    failure: str


@dataclass(frozen=True)
class ContainerAnswer:
    """The answer of the container."""

    status: int
    content_type: str
    body: bytes


class EndpointProcess:
    """Runs serve.py from construction until `close`, and restarts it when it ends, like SageMaker an instance."""

    def __init__(self, config: EndpointConfig, root: Path, log_dir: Path) -> None:
        self.config = config
        self._root = root
        self._log = (log_dir / f"{config.name}.log").open("wb", buffering=0)
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep_running, daemon=True)
        self._keeper.start()

    def wait_until_ready(self, limit_s: float) -> bool:
        """Wait for `/ping` to answer 200. Returns False after `limit_s`."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.call("GET", "/ping").status == http.HTTPStatus.OK:
                    return True
            self._closing.wait(_PING_PAUSE_S)
        return False

    def call(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> ContainerAnswer:
        """The container's answer. Raises OSError or HTTPException without one, TimeoutError after a minute."""
        connection = http.client.HTTPConnection(HOST, self._port, timeout=CALL_LIMIT_S)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return ContainerAnswer(response.status, response.getheader("Content-Type", ""), response.read())
        finally:
            connection.close()

    def close(self) -> None:
        """End the process like SageMaker: SIGTERM, then SIGKILL."""
        self._closing.set()
        process = self._process
        if process is not None:
            process.terminate()
            try:
                process.wait(_STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
        self._keeper.join()
        self._log.close()

    def _keep_running(self) -> None:
        while not self._closing.is_set():
            self._process = process = forker.submit(self._fork).result()
            if self._closing.is_set():
                process.terminate()
            assert process.stdout is not None
            for line in process.stdout:
                self._log.write(line)
                self._note_port(line)
            code = process.wait()
            if not self._closing.wait(_RESTART_PAUSE_S):
                print(f"{self.config.name} ended with {code}; it is started again", file=sys.stderr)

    def _note_port(self, line: bytes) -> None:
        with contextlib.suppress(ValueError, KeyError):
            entry = json.loads(line)
            if entry["message"] == "listening":
                self._port = int(entry["port"])

    def _fork(self) -> "subprocess.Popen[bytes]":
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOST": HOST,
            "PORT": "0",
            "PYTHONPATH": str(self._root / "layers" / "cutline" / "python"),
            "MODELS_DIR": str(self._root / "layers" / "model"),
            **self.config.environment,
        }
        return subprocess.Popen(
            launch_command("serve.py", "serve"),
            cwd=self._root / "endpoint",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
