"""Milliseconds and memory of every pipeline stage, each size in a process of its own.

    python -m tools.bench.bench            the `matte` network, one thread, 1, 4 and 16.8 MP
    python -m tools.bench.bench --model isnet --runs 1 --threads 2
    python -m tools.bench.bench --against COMMIT    in turns with that commit: tools/bench/against.py

Wall time is what a caller waits; CPU time is what a busy machine cannot blur. Both are medians over the runs; the
peak is the process's resident memory from start to end, imports and network included.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from cutline.limits import MIB, PictureLimits
from cutline.pipeline.codecs.decode import decode_image
from cutline.pipeline.inference.network import Network
from cutline.pipeline.options import CutOptions
from cutline.pipeline.outputs.files import make_files
from cutline.pipeline.timing import StageTimer
from devkit.running import ROOT
from tools.bench.against import compare
from tools.bench.bars import Bar, load_line

SIDES = (1024, 2048, 4096)
STAGES = ("decode", "network", "refine", "foreground", "compose", "encode")
_COLUMNS = (*STAGES, "all but network", "total")
# By side: what, and the column that it bounds. CPU time is what one vCPU of its own would take.
_BARS = {
    1024: ((Bar("1 MP, all but the network, CPU time", 200, "ms"), "all but network"),),
    4096: ((Bar("16.8 MP, the whole pipeline, CPU time", 4000, "ms"), "total"),),
}
_PEAK = Bar("16.8 MP, peak memory", 1.2e9 / 2**20, "MiB")


def main() -> int:
    """Print one row of wall and one of CPU milliseconds for each picture size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", default="matte")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--side", type=int, help="measure this size in this process and print JSON")
    parser.add_argument("--against", metavar="COMMIT", help="measure in turns with this commit, and print ratios")
    parser.add_argument("--turns", type=int, default=5, help="with --against")
    parser.add_argument("--no-cloud", action="store_true", help="with --against: neither whole calls nor cold starts")
    options = parser.parse_args()
    if options.against:
        compare(options.against, options.turns, with_cloud=not options.no_cloud)
        return 0
    if options.side:
        print(json.dumps(measure(options.side, options.model, options.threads, options.runs)))
        return 0
    print(f"{options.model}, {options.threads} thread(s), median of {options.runs} runs after one to warm up, ms")
    print(f"{'picture':>10} {'':4}" + "".join(f"{name:>16}" for name in _COLUMNS) + f"{'peak RSS':>12}")
    verdicts = []
    for side in SIDES:
        command = [sys.executable, "-m", "tools.bench.bench", "--side", str(side), "--model", options.model]
        command += ["--threads", str(options.threads), "--runs", str(options.runs)]
        result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for clock in ("wall", "cpu"):
            cells = "".join(f"{result[clock][name]:16.1f}" for name in _COLUMNS)
            print(f"{side * side / 1e6:7.1f} MP {clock:4}{cells}{result['peak_mib']:8.0f} MiB")
        verdicts += [bar.verdict(result["cpu"][column]) for bar, column in _BARS.get(side, ())]
        if side == SIDES[-1]:
            verdicts.append(_PEAK.verdict(result["peak_mib"]))
    print("\n".join([load_line(), *verdicts]))
    return 0


def measure(side: int, model: str, threads: int, runs: int) -> dict[str, object]:
    """Medians by stage and clock, and the peak of this process."""
    # Made elsewhere, so that scikit-image and the upscaled source do not count in this process's peak.
    data = subprocess.run([sys.executable, "-c", _PHOTOGRAPH, str(side)], check=True, capture_output=True).stdout
    limits = PictureLimits(frozenset({"JPEG"}), 64 * MIB)
    network = Network.open(ROOT / "layers" / "model", model, threads)
    samples = [_one_run(data, limits, network) for _ in range(runs + 1)][1:]
    medians = {
        clock: {name: statistics.median(sample[clock][name] for sample in samples) for name in _COLUMNS}
        for clock in ("wall", "cpu")
    }
    return {**medians, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


_PHOTOGRAPH = """
import io, sys
import skimage.data
from PIL import Image
side = int(sys.argv[1])
image = Image.fromarray(skimage.data.astronaut()).resize((side, side), Image.Resampling.LANCZOS)
image.save(sys.stdout.buffer, "JPEG", quality=92)
"""


def _one_run(data: bytes, limits: PictureLimits, network: Network) -> dict[str, dict[str, float]]:
    wall, cpu = StageTimer(), StageTimer(time.process_time)
    both = _BothClocks(wall, cpu)
    with both.stage("decode"):
        picture = decode_image(data, limits)
    make_files(picture, CutOptions(), network, both)
    result = {}
    for clock, timer in (("wall", wall), ("cpu", cpu)):
        rest = timer.total_ms - timer.stages_ms["network"]
        result[clock] = {**timer.stages_ms, "all but network": rest, "total": timer.total_ms}
    return result


class _BothClocks(StageTimer):
    """Times every stage by two timers at once."""

    def __init__(self, *timers: StageTimer) -> None:
        super().__init__()
        self._timers = timers

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        with ExitStack() as stack:
            for timer in self._timers:
                stack.enter_context(timer.stage(name))
            yield


if __name__ == "__main__":
    raise SystemExit(main())
