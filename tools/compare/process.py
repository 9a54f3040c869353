"""A peer's process: one picture at a time, with its wall and CPU time."""

import contextlib
import os
import select
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil


class PeerFailed(Exception):
    """The process ended, or gave no answer in time."""


@dataclass(frozen=True)
class Taken:
    """Seconds that one picture took."""

    wall_s: float
    cpu_s: float


class PeerProcess:
    """Bound to the first `threads` CPUs, whatever the peer thinks it may use. Close it."""

    def __init__(self, command: list[str], threads: int, log: IO[bytes], limit_s: float) -> None:
        cpus = ",".join(str(cpu) for cpu in range(threads))
        self._begun = time.perf_counter()
        self._limit_s = limit_s
        self._process = subprocess.Popen(
            ["taskset", "-c", cpus, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
        self._usage = psutil.Process(self._process.pid)
        self._unread = b""

    def first(self, source: Path, target: Path) -> float:
        """Seconds from the start of the process to its first result. Raises PeerFailed."""
        self.take(source, target)
        return time.perf_counter() - self._begun

    def take(self, source: Path, target: Path) -> Taken:
        """Raises PeerFailed."""
        assert self._process.stdin is not None
        wall_s, cpu_s = time.perf_counter(), self._cpu_s()
        try:
            self._process.stdin.write(f"{source}\t{target}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise PeerFailed("its process ended") from error
        self._await_answer()
        return Taken(time.perf_counter() - wall_s, self._cpu_s() - cpu_s)

    def peak_mib(self) -> float:
        """The kernel's own high-water mark."""
        status = Path(f"/proc/{self._process.pid}/status").read_text("ascii")
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def _await_answer(self) -> None:
        """Peers may print other lines of their own."""
        while self._next_line().strip() != b"done":
            pass

    def _next_line(self) -> bytes:
        """Not by the stream's own readline: what that has read already, `select` would wait for."""
        stdout = self._process.stdout
        assert stdout is not None
        while b"\n" not in self._unread:
            if not select.select([stdout], [], [], self._limit_s)[0]:
                raise PeerFailed(f"no answer within {self._limit_s:.0f} s")
            said = os.read(stdout.fileno(), 65_536)
            if not said:
                raise PeerFailed("its process ended")
            self._unread += said
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _cpu_s(self) -> float:
        times = self._usage.cpu_times()
        return float(times.user + times.system)
