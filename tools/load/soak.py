"""All routes mixed, by 1 to 32 callers at once: latency, wrong answers, memory.

Prints p50, p95 and p99 per route and how the sandboxes' memory went. An answer that is neither a success nor the
contract's own throttle is a fault.
"""

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from skimage import data

from devkit.accounts import accounts_of
from devkit.clients import SMALL, AidgeClient, AiLab, Answer, JdClient, PicWish, encoded, plain_picture, send
from devkit.running import RunningCloud, running_cloud

CONCURRENCY = (1, 2, 4, 8, 16, 32)
NAME = "load"
PICTURE = plain_picture(400, 300, "JPEG")
PORTRAIT = encoded(data.astronaut()[:300, 60:380])
_SAMPLE_S = 2.0
_MIB = 1 << 20


@dataclass
class Seen:
    """What the callers met: seconds by route, what was wrong, and memory by sandbox over time."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: Counter[str] = field(default_factory=Counter)
    throttled: Counter[str] = field(default_factory=Counter)
    memory: dict[int, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))


def routes(url: str) -> dict[str, Callable[[], Answer]]:
    """A call of every route."""
    jd, aidge = JdClient(url, f"AK-{NAME}", f"SK-{NAME}"), AidgeClient(url, f"APP-{NAME}", f"SK-{NAME}")
    picwish, ailab, key = PicWish(url, f"key-{NAME}"), AiLab(url, f"key-{NAME}"), {"X-API-KEY": f"key-{NAME}"}
    task = picwish.create(SMALL).json["data"]["task_id"]
    link = jd.cutout(PICTURE).json["result"]["cutout_image_url"]
    return {
        "JD matting": lambda: jd.cutout(PICTURE),
        "JD SelfieSeg": lambda: jd.segment(PORTRAIT),
        "Aidge": lambda: aidge.get({"imageUrl": f"http://127.0.0.1:9/{random.random()}"}),
        "PicWish": lambda: picwish.create(PICTURE),
        "PicWish, later": lambda: picwish.create(SMALL, sync="0"),
        "PicWish, query": lambda: picwish.query(task),
        "AILabTools": lambda: ailab.cut(PORTRAIT),
        "a wrong key": lambda: PicWish(url, f"unknown-{random.random()}").create(SMALL),
        "upload ticket": lambda: send("POST", f"{url}/uploads", b"{}", key),
        "usage": lambda: send("GET", f"{url}/usage", headers=key),
        "link": lambda: send("GET", link),
        "playground": lambda: send("GET", f"{url}/"),
        "health": lambda: send("GET", f"{url}/health"),
    }


def run(cloud: RunningCloud, minutes: float) -> Seen:
    """The mix at each concurrency in turn, for equal times."""
    accounts_of(cloud).create(NAME, qps=1000)
    seen, calls = Seen(), routes(cloud.url)
    stop = threading.Event()
    watch = threading.Thread(target=_watch, args=(cloud, seen, stop))
    watch.start()
    for callers in CONCURRENCY:
        end = time.monotonic() + minutes * 60 / len(CONCURRENCY)
        threads = [threading.Thread(target=_call, args=(calls, seen, end)) for _ in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    stop.set()
    watch.join()
    return seen


def measured(minutes: float) -> Seen:
    """The measurement, in a local cloud of its own."""
    # More than the callers, so that Lambda's own throttle, which no contract words, stays out of it.
    options = ["--parameter=SyncConcurrency=40", "--parameter=AccountConcurrency=40"]
    with tempfile.TemporaryDirectory() as folder, running_cloud(Path(folder), *options) as cloud:
        return run(cloud, minutes)


def _call(calls: dict[str, Callable[[], Answer]], seen: Seen, end: float) -> None:
    while time.monotonic() < end:
        name = random.choice(sorted(calls))
        begun = time.monotonic()
        answer = calls[name]()
        seen.seconds[name].append(time.monotonic() - begun)
        if answer.status in (429, 503):
            seen.throttled[name] += 1
        elif answer.status not in ((401,) if name == "a wrong key" else (200, 302)):
            seen.wrong[f"{name}: {answer.status} {answer.body[:100]!r}"] += 1


def _watch(cloud: RunningCloud, seen: Seen, stop: threading.Event) -> None:
    parent, begun = psutil.Process(cloud.process.pid), time.monotonic()
    while not stop.wait(_SAMPLE_S):
        for child in parent.children(recursive=True):
            try:
                seen.memory[child.pid].append((time.monotonic() - begun, child.memory_info().rss / _MIB))
            except psutil.NoSuchProcess:
                continue


def percentiles(seconds: list[float]) -> tuple[float, float, float]:
    """p50, p95 and p99."""
    cuts = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else seconds * 99
    return cuts[49], cuts[94], cuts[98]


def memory_of(seen: Seen) -> str:
    """How the sandboxes' memory went, in words; of those that lived long enough to tell."""
    slopes = [slope for points in seen.memory.values() if (slope := _slope(points)) is not None]
    peak = max(mib for points in seen.memory.values() for _, mib in points)
    if not slopes:
        return f"too short to tell a slope; the largest sandbox held {peak:.0f} MiB"
    return (
        f"{statistics.median(slopes):+.2f} MiB a minute in the median, {max(slopes):+.2f} at most,"
        f" of {len(slopes)} sandboxes after their first third; the largest held {peak:.0f} MiB"
    )


def report(seen: Seen) -> str:
    """The tables."""
    lines = [f"{'route':<18}{'calls':>7}{'p50 s':>9}{'p95 s':>9}{'p99 s':>9}{'throttled':>11}"]
    for name, seconds in sorted(seen.seconds.items()):
        numbers = "".join(f"{value:>9.3f}" for value in percentiles(seconds))
        lines.append(f"{name:<18}{len(seconds):>7}{numbers}{seen.throttled[name]:>11}")
    return "\n".join([*lines, "", f"memory: {memory_of(seen)}", f"wrong answers: {sum(seen.wrong.values())}"])


def _slope(points: list[tuple[float, float]]) -> float | None:
    """MiB per minute after the first third, or None for a sandbox that did not live long enough to tell."""
    settled = points[len(points) // 3 :]
    if len(settled) < 10:
        return None
    return 60 * statistics.linear_regression(*zip(*settled, strict=True)).slope


def main(given: argparse.Namespace) -> list[str]:
    """Print the tables. Return the wrong answers."""
    seen = measured(given.minutes)
    print(report(seen))
    return [f"{count} times {story}" for story, count in seen.wrong.most_common()]
