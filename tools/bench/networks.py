"""What one run of each network takes, preparation included, and how IS-Net at 1024 px compares with `matte`.

    python -m tools.bench.networks [--runs N]

The networks take turns on the same picture, so what else the machine does slows all of them; the ratio is the median
of the pairs'. CPU time is that of the whole process: with two threads, both.
"""

import argparse
import statistics
import time

import skimage.data

from cutline.pipeline.network import Network
from tests.support.running import ROOT
from tools.bench.bars import Bar, load_line

_MODELS = ROOT / "layers" / "model"
_SLOW, _FAST = "isnet", "matte"
_BAR_RATIO = 20


def main() -> None:
    """Prints a row per network and number of threads, and the bar where IS-Net has been fetched."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    names = [name for name in (_FAST, "costume", _SLOW) if (_MODELS / f"{name}.onnx").is_file()]
    print(f"networks alone, median of {runs} turns, ms; {load_line()}")
    print(f"{'':10}{'threads':>8}{'wall':>10}{'CPU':>10}")
    verdicts = []
    for threads in (1, 2):
        taken = _in_turns(names, threads, runs)
        for name, pairs in taken.items():
            wall_ms, cpu_ms = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(f"{name:10}{threads:8d}{wall_ms:10.1f}{cpu_ms:10.1f}")
        if _SLOW in taken:
            ratio = statistics.median(slow[1] / fast[1] for slow, fast in zip(taken[_SLOW], taken[_FAST], strict=True))
            bar = Bar(f"IS-Net at 1024 px over matte, CPU time, {threads} thread(s)", _BAR_RATIO, "x", least=True)
            verdicts.append(bar.verdict(ratio))
    print("\n".join(verdicts or ["IS-Net: not run, its weights are missing: make isnet"]))


def _in_turns(names: list[str], threads: int, runs: int) -> dict[str, list[tuple[float, float]]]:
    """Wall and CPU milliseconds of each run by network, after one to warm up."""
    picture_u8 = skimage.data.astronaut()
    networks = {name: Network.open(_MODELS, name, threads) for name in names}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for _ in range(runs + 1):
        for name, network in networks.items():
            wall_s, cpu_s = time.perf_counter(), time.process_time()
            network.predict(picture_u8)
            taken[name].append(((time.perf_counter() - wall_s) * 1000, (time.process_time() - cpu_s) * 1000))
    return {name: pairs[1:] for name, pairs in taken.items()}


if __name__ == "__main__":
    main()
