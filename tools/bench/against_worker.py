"""One tree's side of `tools.bench.against`: CPU time, bytes and memory of its pipeline, as JSON.

    PYTHONPATH=TREE/layers/cutline/python python against_worker.py TREE RUNS PICTURE...

It imports nothing but the tree's `cutline`, whose names have changed: each is looked for where it is and where it was.
"""

from __future__ import annotations

import importlib
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

# Kernel clocks of other processes: the process's id, inverted, before three bits that say which clock.
_SCHEDULER_CLOCK = 2


def main() -> None:
    """Prints the medians over RUNS of each picture after a run to warm up, and the peak of memory."""
    tree, runs, *pictures = sys.argv[1:]
    pipeline = _Pipeline(Path(tree))
    measured = {}
    for picture in pictures:
        data = Path(picture).read_bytes()
        samples = [pipeline.cut(data) for _ in range(int(runs) + (int(runs) > 1))][-int(runs) :]
        stages = {name: statistics.median(one[0].get(name, 0.0) for one in samples) for name in samples[-1][0]}
        measured[Path(picture).name] = {"stages": stages, "png": len(samples[-1][1])}
    print(json.dumps({"pictures": measured, "peak_mib": pipeline.peak_kib() / 1024}))


class _Pipeline:
    """A tree's pipeline, from a file to a file, on one thread."""

    def __init__(self, tree: Path) -> None:
        self._decode = _found(
            "cutline.pipeline.codecs.decoder_process:decode_in_subprocess",
            "cutline.pipeline.apart:decode_apart",
            "cutline.pipeline.decode:decode_image",
        )
        self._options = _found("cutline.pipeline.options:CutOptions", "cutline.pipeline.request:CutRequest")
        self._cut_out = _found("cutline.pipeline.outputs.files:make_files", "cutline.pipeline.cutout:cut_out")
        self._timer = _found("cutline.pipeline.timing:StageTimer")
        limits = _found("cutline.limits:PictureLimits")
        self._limits = limits(frozenset({"JPEG"}), 64 << 20)
        # As a function's INIT does: its copy of the process is small as long as no network is open.
        start = getattr(sys.modules[self._decode.__module__], "start_decoder", None)
        if start is not None:
            start()
        network = _found("cutline.pipeline.inference.network:Network", "cutline.pipeline.network:Network")
        self._network = network.open(tree / "layers" / "model", "matte", 1)
        keep = _found("cutline.pipeline.codecs.memory:keep_freed_memory", "cutline.pipeline.memory:keep_freed_memory")
        if keep is not None:
            keep()
        self._idle_kib = _kib("self/status", "VmRSS")

    def cut(self, data: bytes) -> tuple[dict[str, float], bytes]:
        """CPU milliseconds by stage, the decoder's process included, and the file."""
        timer = self._timer(cpu_s)
        with timer.stage("decode"):
            picture = self._decode(data, self._limits)
        cutout = self._cut_out(picture, self._options(), self._network, timer)
        return dict(timer.stages_ms), cutout.image

    def peak_kib(self) -> int:
        """The most resident memory of this process and its decoder at one time.

        The decoder's peak falls into the time when this process has not begun with its picture. What they share is
        counted twice there, and once at this process's own peak.
        """
        decoders = children(os.getpid())
        with_decoder = self._idle_kib + sum(_kib(f"{pid}/status", "VmHWM") for pid in decoders)
        private = sum(_kib(f"{pid}/smaps_rollup", "Private_Clean", "Private_Dirty") for pid in decoders)
        return max(with_decoder, _kib("self/status", "VmHWM") + private)


def _found(*places: str) -> Any:
    """What the first "module:name" that exists names, or None."""
    for place in places:
        module, name = place.split(":")
        try:
            return getattr(importlib.import_module(module), name)
        except ImportError:
            continue
    return None


def cpu_s(pid: int | None = None) -> float:
    """CPU seconds so far of this process, or another one, and its children, to the nanosecond."""
    pid = pid or os.getpid()
    own = 0.0
    for one in (pid, *children(pid)):
        try:
            own += time.clock_gettime((~one << 3) | _SCHEDULER_CLOCK)
        except OSError:
            continue  # it has ended
    return own


def children(pid: int) -> list[int]:
    """The processes that a process's threads have started."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text("ascii").split()]


def _kib(file: str, *names: str) -> int:
    """The sum of some values of a file of /proc."""
    lines = Path("/proc", file).read_text("ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.partition(":")[0] in names)


if __name__ == "__main__":
    main()
