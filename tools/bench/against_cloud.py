"""A tree's local cloud for `tools.bench.against`: the CPU time of a JD matting call, warm and of a new sandbox."""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import psutil

from tests.support.clients import JdClient
from tools.bench.against_worker import cpu_s

_READY = re.compile(r"^Ready: .*(http://127\.0\.0\.1:\d+)$", re.MULTILINE)
_START_LIMIT_S, _STOP_LIMIT_S = 240.0, 15.0
_FUNCTION = Path("functions", "cutout")


class Cloud:
    """A local cloud in a process of its own, and the tree that it runs."""

    def __init__(self, root: Path, process: subprocess.Popen[bytes], url: str) -> None:
        self._folder = root / _FUNCTION
        self._process = process
        self._client = JdClient(url)

    @classmethod
    @contextmanager
    def running(cls, root: Path, environment: Mapping[str, str], folder: Path) -> Iterator[Cloud]:
        """The tree's `python -m localcloud` on a free port, ended afterwards."""
        state = folder / f"state-{root.name}"
        state.mkdir()
        output = state / "output.txt"
        command = [sys.executable, "-m", "localcloud", "--port", "0", "--state", str(state)]
        names = {name: value for name, value in environment.items() if not name.startswith("AWS_")}
        with output.open("wb") as sink:
            process = subprocess.Popen(command, cwd=root, env=names, stdout=sink, stderr=subprocess.STDOUT)
        try:
            yield cls(root, process, _ready(process, output))
        finally:
            process.terminate()
            try:
                process.wait(_STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def sample(self, photo: bytes, calls: int) -> dict[str, float]:
        """CPU milliseconds from a sandbox's start to its first answer, and of each later call (median)."""
        self._end_sandbox()
        times = []
        for _ in range(calls + 1):
            answer = self._client.cutout(photo)
            assert answer.json["result"]["status"] == 0, answer
            times.append(cpu_s(self._sandbox()) * 1000)
        later = [after - before for before, after in pairwise(times)]
        return {"cold start": times[0], "1.0 MP, whole call": statistics.median(later)}

    def _end_sandbox(self) -> None:
        """Kills the sandbox, if there is one; the cloud notices it at the next call, which fails."""
        try:
            os.kill(self._sandbox(), signal.SIGKILL)
        except LookupError:
            return
        self._client.cutout(b"")

    def _sandbox(self) -> int:
        """The function's process; the decoder is its child. Raises LookupError."""
        for child in psutil.Process(self._process.pid).children():
            if child.status() != psutil.STATUS_ZOMBIE and Path(child.cwd()) == self._folder:
                return int(child.pid)
        raise LookupError("no sandbox")


def _ready(process: subprocess.Popen[bytes], output: Path) -> str:
    limit = time.monotonic() + _START_LIMIT_S
    while process.poll() is None and time.monotonic() < limit:
        found = _READY.search(output.read_text("utf-8", "replace"))
        if found:
            return found[1]
        time.sleep(0.1)
    raise RuntimeError("the local cloud did not start:\n" + output.read_text("utf-8", "replace")[-4000:])
