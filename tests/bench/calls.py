"""What a whole synchronous call takes in the local cloud: every stage over HTTP, and the first call of a sandbox.

    python -m tests.bench.calls [--runs N]

Stages are the `Server-Timing` header of JD matting calls with the astronaut of scikit-image; "http" is the rest of
the time that the caller waited. Medians over the runs after one to warm up.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from tests.e2e.clients import Answer, JdClient, encoded
from tests.localcloud.running import running_cloud

SIDES = (1024, 2048)  # larger photographs do not pass through a synchronous call at this quality
_BEFORE = ("gate", "parse")
_PIPELINE = ("decode", "network", "refine", "foreground", "compose", "encode")
_COLUMNS = (*_BEFORE, *_PIPELINE, "store", "settle", "http", "total")


def main() -> None:
    """Prints a row per picture size, and the cold start."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as state, running_cloud(Path(state)) as cloud:
        jd = JdClient(cloud.url)
        print(f"JD matting over HTTP in the local cloud, median of {runs} calls, ms")
        print(f"{'picture':>10}" + "".join(f"{name:>11}" for name in _COLUMNS))
        for side in SIDES:
            body = _photograph(side)
            first, *rest = [_timed(jd, body) for _ in range(runs + 1)]
            if side == SIDES[0]:
                cold_ms = first["total"]
            cells = "".join(f"{statistics.median(run.get(name, 0.0) for run in rest):11.1f}" for name in _COLUMNS)
            print(f"{side * side / 1e6:7.1f} MP{cells}")
        print(f"cold start, INIT to the first answer (1 MP): {cold_ms:.0f} ms")


def _timed(jd: JdClient, body: bytes) -> dict[str, float]:
    started = time.perf_counter()
    answer = jd.cutout(body)
    total_ms = (time.perf_counter() - started) * 1000
    assert answer.json["result"]["status"] == 0, answer
    stages = _server_timing(answer)
    return {**stages, "http": total_ms - sum(stages.values()), "total": total_ms}


def _server_timing(answer: Answer) -> dict[str, float]:
    entries = (entry.strip().split(";dur=") for entry in answer.headers["server-timing"].split(","))
    return {name: float(duration) for name, duration in entries}


def _photograph(side: int) -> bytes:
    image = Image.fromarray(skimage.data.astronaut()).resize((side, side), Image.Resampling.LANCZOS)
    return encoded(np.asarray(image), "JPEG", quality=92)


if __name__ == "__main__":
    main()
