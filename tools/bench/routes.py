"""Cold start, billed time, memory and cost of each synchronous API in the local cloud, with a photograph of 1 MP.

    python -m tools.bench.routes [--runs N] [--starts N]

Milliseconds and memory are those of the REPORT line, as Lambda bills them; a sandbox's CPU time is what a busy machine
cannot blur. The stand-ins for AWS share this machine's cores. Cost is Lambda's per 1,000 pictures; `python -m
tools.bill` has the whole bill. The milliseconds are this processor's: arm64's are assumed to be the same.
"""

import argparse
import base64
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import skimage.data
from PIL import Image

from devkit.clients import AidgeClient, AiLab, Answer, JdClient, PicWish, encoded
from devkit.running import ROOT, RunningCloud, running_cloud
from tools.bench.bars import Bar, load_line
from tools.bill.prices import PRICES
from tools.smoke.reports import Report, from_folder

_BAR_COLD_MS, _BAR_CALL_MS, _BAR_COST = 1500, 350, 0.02


@dataclass(frozen=True)
class Route:
    """An API's function, and the call."""

    name: str
    function: str
    call: Callable[[str, bytes], Answer]


def _aidge(url: str, photo: bytes) -> Answer:
    document = {"imageBase64": base64.b64encode(photo).decode(), "backGroundType": "TRANSPARENT"}
    return AidgeClient(url).post(document)


ROUTES = (
    Route("JD matting", "CutoutFunction", lambda url, photo: JdClient(url).cutout(photo)),
    Route("Aidge", "CutoutFunction", _aidge),
    Route("JD SelfieSeg", "SelfieFunction", lambda url, photo: JdClient(url).segment(photo)),
    Route("PicWish sync", "TasksFunction", lambda url, photo: PicWish(url).create(photo, sync="1")),
    Route("AILabTools", "CostumeFunction", lambda url, photo: AiLab(url).cut(photo, cloth_class="tops")),
)


@dataclass(frozen=True)
class Call:
    """What Lambda reports of a call, and the CPU time of the sandbox since its start."""

    report: Report
    cpu_ms: float


def main() -> None:
    """Prints both tables and their bars."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--starts", type=int, default=3)
    options = parser.parse_args()
    starts: dict[str, list[Call]] = {}
    for _ in range(options.starts):
        with tempfile.TemporaryDirectory() as state, running_cloud(Path(state)) as cloud:
            for route in _first_of_each():
                starts.setdefault(route.function, []).append(_timed(cloud, route))
            warm = {route.name: [_timed(cloud, route) for _ in range(options.runs + 2)][1:] for route in ROUTES}
    print(load_line())
    _print_starts(starts)
    _print_costs(warm)


def _first_of_each() -> list[Route]:
    """One route per function."""
    return list({route.function: route for route in reversed(ROUTES)}.values())


def _print_starts(starts: dict[str, list[Call]]) -> None:
    print(f"{'cold start, ms':>18}{'INIT':>10}{'first call':>12}{'together':>10}{'CPU':>10}")
    worst_ms = 0.0
    for function, calls in starts.items():
        init_ms = statistics.median(call.report.init_ms for call in calls)
        first_ms = statistics.median(call.report.run_ms for call in calls)
        cpu_ms = statistics.median(call.cpu_ms for call in calls)
        worst_ms = max(worst_ms, init_ms + first_ms)
        print(f"{function:>18}{init_ms:10.0f}{first_ms:12.0f}{init_ms + first_ms:10.0f}{cpu_ms:10.0f}")
    print(Bar("cold start, INIT to the first answer, slowest function", _BAR_COLD_MS, "ms").verdict(worst_ms))


def _print_costs(warm: dict[str, list[Call]]) -> None:
    columns = ("billed ms", "CPU ms", "memory MB", "peak MB", "x86 $", "arm64 $")
    print(f"{'1,000 pictures':>18}" + "".join(f"{name:>11}" for name in columns))
    costs, times_ms = [], []
    for route in ROUTES:
        calls = warm[route.name]
        billed_ms, memory_mb = statistics.median(call.report.run_ms for call in calls[1:]), calls[0].report.memory_mb
        cpu_ms = (calls[-1].cpu_ms - calls[0].cpu_ms) / (len(calls) - 1)
        gb_seconds = memory_mb / 1024 * billed_ms  # of 1,000
        x86, arm64 = (PRICES[f"lambda {processor}"].of(gb_seconds) for processor in ("x86_64", "arm64"))
        cells = f"{billed_ms:11.0f}{cpu_ms:11.0f}{memory_mb:11d}{max(call.report.peak_mb for call in calls):11d}"
        print(f"{route.name:>18}{cells}{x86:11.4f}{arm64:11.4f}")
        if route.function != "CostumeFunction":
            costs.append(x86)
            times_ms.append(cpu_ms)
    print(Bar("whole call of a cut-out, 1 MP, CPU time", _BAR_CALL_MS, "ms").verdict(max(times_ms)))
    print(Bar("Lambda's cost of 1,000 cut-outs, x86, most expensive route", _BAR_COST, "$").verdict(max(costs)))


def _timed(cloud: RunningCloud, route: Route) -> Call:
    answer = route.call(cloud.url, _PHOTO)
    assert answer.status == 200, answer
    name = route.function.removesuffix("Function")
    report = [report for report in from_folder(cloud.log_dir) if report.function == name][-1]
    return Call(report, _cpu_ms(cloud, route.function))


def _cpu_ms(cloud: RunningCloud, function: str) -> float:
    """CPU time so far of the function's only sandbox: its process, and the one that decodes for it."""
    folder = ROOT / "functions" / function.removesuffix("Function").lower()
    children = psutil.Process(cloud.process.pid).children(recursive=True)
    times = [child.cpu_times() for child in children if Path(child.cwd()) == folder]
    return float(sum(one.user + one.system for one in times) * 1000)


def photograph(side: int) -> bytes:
    """A JPEG of an astronaut."""
    image = Image.fromarray(skimage.data.astronaut()).resize((side, side), Image.Resampling.LANCZOS)
    return encoded(np.asarray(image), "JPEG", quality=92)


_PHOTO = photograph(1024)


if __name__ == "__main__":
    main()
