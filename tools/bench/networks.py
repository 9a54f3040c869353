"""What one run of each network takes, preparation included, and how IS-Net at 1024 px compares with `matte`.

    python -m tools.bench.networks [--runs N] [--pictures FOLDER]

The networks take turns on the same picture, so what else the machine does slows all of them; the ratio is the median
of the pairs'. CPU time is that of the whole process: with two threads, both.

With a folder of pictures, each enlarged to a megapixel: how many passes `matte` takes at each, because the subject is
small or the confidence low, and what these cost.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from cutline.pipeline.filters import F32, U8
from cutline.pipeline.inference.network import Network
from cutline.pipeline.inference.passes import predict_in_passes
from devkit.running import ROOT
from tools.bench.bars import Bar, load_line

_MODELS = ROOT / "layers" / "model"
_SLOW, _FAST = "isnet", "matte"
_BAR_RATIO = 20
_PIXELS = 1e6


def main() -> None:
    """Prints a row per network and number of threads, and the bar where IS-Net has been fetched."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--pictures", type=Path)
    arguments = parser.parse_args()
    runs = arguments.runs
    names = [name for name in (_FAST, "costume", _SLOW) if (_MODELS / f"{name}.onnx").is_file()]
    print(f"networks only, median of {runs} turns, ms; {load_line()}")
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
    if arguments.pictures is not None:
        _print_passes(arguments.pictures)


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


def _print_passes(folder: Path) -> None:
    """Print how many passes `matte` makes over the pictures of a folder, and their CPU milliseconds (medians)."""
    network = Network.open(_MODELS, _FAST, 1)
    taken: dict[int, list[float]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in Image.registered_extensions()):
        with Image.open(path) as image:
            scale = (_PIXELS / (image.width * image.height)) ** 0.5
            rgb_u8 = np.array(image.convert("RGB").resize((round(image.width * scale), round(image.height * scale))))
        passes, cpu_ms = _count_passes(network, rgb_u8)
        taken.setdefault(passes, []).append(cpu_ms)
    count = sum(map(len, taken.values()))
    print(f"{_FAST} on {count} pictures of {folder.name}, 1 MP, one thread; {load_line()}")
    for passes, times in sorted(taken.items()):
        print(f"{passes} pass(es): {len(times)} of {count}, {statistics.median(times):.0f} ms of CPU")
    print(f"on average {statistics.mean(time for times in taken.values() for time in times):.0f} ms")


def _count_passes(network: Network, rgb_u8: U8) -> tuple[int, float]:
    """Return the network's passes over a picture, and their CPU milliseconds."""
    passes = 0

    def predict(rgb_u8: U8) -> dict[str, F32]:
        nonlocal passes
        passes += 1
        prepared = network.prepare(rgb_u8)
        return network.finish(prepared, network.run([prepared])[0])

    begun = time.process_time()
    predict_in_passes(network.entry, predict, rgb_u8, None)
    return passes, (time.process_time() - begun) * 1000


if __name__ == "__main__":
    main()
