"""The memory and CPU time of a process and those that it started, as Lambda counts them for a sandbox."""

import time
from pathlib import Path


class ProcessTree:
    """A running process and its children."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak_kb = 0

    def peak_mb(self) -> int:
        """The most memory in MiB that the processes held together when this was called, or one of them at any time.

        As in a memory cgroup, a page counts once, however many of them map it. A library that they map too is as much
        as the process with most of it has, though other sandboxes may share it: on AWS each has its own.
        """
        resident = [_kb(f"/proc/{pid}/status", "VmHWM", "RssAnon", "RssFile", "RssShmem") for pid in self._pids()]
        self._peak_kb = max(self._peak_kb, *(process.get("VmHWM", 0) for process in resident))
        # The kernel walks all pages for the exact share of each process: only where the sum could be a new peak.
        if sum(sum(process.values()) - process.get("VmHWM", 0) for process in resident) > self._peak_kb:
            self._peak_kb = max(self._peak_kb, self._held_kb(max(process.get("RssFile", 0) for process in resident)))
        return self._peak_kb // 1024

    def cpu_ms(self) -> float:
        """CPU time so far of the process and of its children that still run."""
        return sum(_cpu_ms(pid) for pid in self._pids())

    def _held_kb(self, file_kb: int) -> int:
        own = [_kb(f"/proc/{pid}/smaps_rollup", "Pss_Anon", "Pss_Shmem") for pid in self._pids()]
        return file_kb + sum(sum(process.values()) for process in own)

    def _pids(self) -> tuple[int, ...]:
        try:
            children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text("ascii").split()
        except OSError:
            children = []
        return self._pid, *map(int, children)


def _kb(file: str, *names: str) -> dict[str, int]:
    """Return the lines `names` of a file of /proc, in KiB; none of a process that has ended."""
    try:
        lines = [line.split(":") for line in Path(file).read_text("ascii").splitlines()]
    except OSError:
        return {}
    return {name: int(value.split()[0]) for name, value in lines if name in names}


def _cpu_ms(pid: int) -> float:
    try:
        # The id of another process's CPU clock, as clock_getcpuclockid(3) makes it.
        return time.clock_gettime_ns(~pid << 3 | 2) / 1e6
    except OSError:
        return 0.0
