"""Pictures per second and waiting times of the endpoint's server, by the size of its batches.

    python -m tools.bench.endpoint --model matte --pictures 64 --batches 1 4 8 16

serve.py runs as in its container, on the GPU where onnxruntime finds one. Twice as many callers as a batch holds send
network-size PNGs, so that a batch gathers while another runs; they share this machine with the server. "network" is
the share of the time in which the network runs.
"""

import argparse
import json
import os
import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import skimage.data

from cutline.pipeline.codecs.encode import encode_png
from cutline.pipeline.inference.model_config import read_entry
from cutline.pipeline.inference.preprocess import fit_picture
from devkit.running import ROOT
from devkit.serving import MODELS, Child, child, in_repository


@dataclass(frozen=True)
class Row:
    """One size of batch: what it gave, and how large the batches really were."""

    per_s: float
    p50_ms: float
    p95_ms: float
    network: float
    mean_batch: float


def main() -> None:
    """Prints the device and a row per size of batch."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--model", default="matte")
    parser.add_argument("--models", type=Path, default=MODELS, help="folder of models.toml")
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 8, 16])
    options = parser.parse_args()
    body = encode_png(fit_picture(read_entry(options.models, options.model), skimage.data.astronaut(), None))
    names = {**in_repository(options.models, options.model), "THREADS": str(options.threads)}
    for place, batch in enumerate(options.batches):
        with child(ROOT / "endpoint", **names, MAX_BATCH=str(batch)) as running:
            ready = running.line("ready")
            if place == 0:
                _print_head(ready, options.pictures, options.threads)
            row = _measure(running, body, batch, options.pictures)
        cells = f"{row.per_s:12.1f}{row.p50_ms:10.1f}{row.p95_ms:10.1f}{row.network:10.0%}{row.mean_batch:12.1f}"
        print(f"{batch:>10}{cells}" + ("" if ready["max_batch"] == batch else "   the model takes one at a time"))


def _measure(running: Child, body: bytes, batch: int, pictures: int) -> Row:
    entries: list[dict[str, Any]] = []
    stdout = running.process.stdout
    assert stdout is not None
    reader = Thread(target=lambda: entries.extend(json.loads(line) for line in stdout))
    reader.start()
    callers = 2 * batch

    def timed(_: int) -> float:
        begun = time.perf_counter()
        answer = running.caller.invoke(body)
        assert answer.status == 200, answer.body
        return (time.perf_counter() - begun) * 1000

    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(timed, range(callers)))  # to warm up
        begun = time.perf_counter()
        waits_ms = sorted(pool.map(timed, range(pictures)))
        wall_s = time.perf_counter() - begun
    running.process.terminate()
    reader.join()
    runs = _after([entry for entry in entries if entry["message"] == "run"], callers)
    return Row(
        per_s=pictures / wall_s,
        p50_ms=statistics.median(waits_ms),
        p95_ms=waits_ms[int(0.95 * (pictures - 1))],
        network=sum(run["ms"] for run in runs) / 1000 / wall_s,
        mean_batch=pictures / len(runs),
    )


def _after(runs: list[dict[str, Any]], pictures: int) -> list[dict[str, Any]]:
    """The runs that follow those of the first `pictures`."""
    while pictures > 0:
        pictures -= runs.pop(0)["size"]
    return runs


def _print_head(ready: dict[str, Any], pictures: int, threads: int) -> None:
    print(f"{ready['model']} on {_device(ready['provider'])}, {ready['provider']}, {threads} CPU threads")
    print(f"{pictures} pictures per row, twice as many callers as MAX_BATCH")
    print(f"{'MAX_BATCH':>10}{'pictures/s':>12}{'p50 ms':>10}{'p95 ms':>10}{'network':>10}{'mean batch':>12}")


def _device(provider: str) -> str:
    if provider.startswith("CUDA"):
        query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "an unnamed CPU")


if __name__ == "__main__":
    main()
