"""A tree's local cloud for `tools.bench.against`: the CPU time of a JD matting call, warm and of a new sandbox."""

from __future__ import annotations

import os
import signal
import statistics
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import psutil

from devkit.clients import JdClient
from devkit.running import RunningCloud, running_cloud
from tools.bench.against_worker import cpu_s

_FUNCTION = Path("functions", "cutout")


class Cloud:
    """A local cloud in a process of its own, and the tree that it runs."""

    def __init__(self, root: Path, cloud: RunningCloud) -> None:
        self._folder = root / _FUNCTION
        self._process = cloud.process
        self._client = JdClient(cloud.url)

    @classmethod
    @contextmanager
    def running(cls, root: Path, environment: Mapping[str, str], folder: Path) -> Iterator[Cloud]:
        """The tree's `python -m localcloud` on a free port, ended afterwards."""
        with running_cloud(folder / f"state-{root.name}", root=root, environment=environment) as cloud:
            yield cls(root, cloud)

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
