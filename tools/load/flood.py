"""One account floods in seven ways, another one's calls are served as before.

The local cloud has as many functions at once as a new AWS account has, and the template's own bounds. It is a fault if
the quiet account loses a call, or if the p99 of what it waited for functions and of the CPU time that they needed for
it is more than twice the quiet one. Wall times are printed too.
"""

import argparse
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from devkit.accounts import accounts_of
from devkit.clients import Answer, PicWish, plain_picture, send
from devkit.running import running_cloud
from localcloud.api.gateway import TIMES
from tools.bench.bars import load_line
from tools.load.floods import flooding, floods
from tools.load.measure import Phase, Visit, faults, table, watch

# Lambda's quota in a new AWS account.
FUNCTIONS_AT_ONCE = 10
QUIET, FLOODER = "quiet", "flooder"
# Calls per second that each may make.
ACCOUNTS = {QUIET: 20, "warmer": 20, FLOODER: 5}
_RAMP_S = 1.5
_PICTURE = plain_picture(400, 300)


def visitor(url: str, account: str) -> Callable[[], Visit]:
    """What makes a visit of the account's."""
    client, headers = PicWish(url, f"key-{account}"), {"X-API-KEY": f"key-{account}"}

    def visit() -> Visit:
        begun = time.monotonic()
        answers = {"cut-out": client.create(_PICTURE)}
        if _served(answers["cut-out"]):
            data = answers["cut-out"].json["data"]
            answers["task"] = client.query(data["task_id"])
            answers["link"] = send("GET", data["image"])
        answers["usage"] = send("GET", f"{url}/usage", headers=headers)
        wall_s = time.monotonic() - begun
        times = [_times_s(answer) for answer in answers.values()]
        lost = tuple(
            f"{name}: HTTP {got.status} {got.body[:80]!r}" for name, got in answers.items() if not _served(got)
        )
        return Visit(wall_s, sum(wait for wait, _ in times), sum(cpu for _, cpu in times), lost)

    return visit


def _served(answer: Answer) -> bool:
    """PicWish's failures may be HTTP 200 with a negative state."""
    return answer.status == 302 or (answer.status == 200 and b'"state":-' not in answer.body)


def _times_s(answer: Answer) -> tuple[float, float]:
    """How long the call waited for a function, and the CPU time it cost; nothing of a call that reached none."""
    times = dict(part.split("=") for part in answer.headers.get(TIMES.lower(), "wait=0 cpu=0").split())
    return float(times["wait"]) / 1000, float(times["cpu"]) / 1000


def run(
    visit: Callable[[], Visit],
    calls: Mapping[str, Callable[[], Answer]],
    seconds: float,
    connections: int,
    pause_s: float,
) -> tuple[Phase, list[Phase]]:
    """The quiet phase and one for each flood; prints a row of the table after each."""
    quiet, phases = Phase("quiet", watch(visit, seconds)), []
    print(table(quiet, []), flush=True)
    for name, call in calls.items():
        begun = time.monotonic()
        with flooding(call, connections, pause_s) as statuses:
            time.sleep(min(_RAMP_S, seconds))
            visits = watch(visit, seconds)
        phases.append(Phase(name, visits, statuses, time.monotonic() - begun))
        print(table(quiet, phases).splitlines()[-1], flush=True)
    return quiet, phases


def warm_up(url: str, accounts: Sequence[str]) -> None:
    """Starts all functions, so that no flood is measured by cold starts; no account may use them all at once."""
    visitors = itertools.cycle([visitor(url, account) for account in accounts])

    def visit() -> Visit:
        return next(visitors)()

    watch(visit, 0, callers=FUNCTIONS_AT_ONCE)


def main(given: argparse.Namespace) -> list[str]:
    """Print the table phase by phase. Return what is not as promised."""
    os.environ |= {"LOCALCLOUD_SANDBOXES": str(FUNCTIONS_AT_ONCE), "LOCALCLOUD_TIMES": "1"}
    options = [f"--parameter={parameter}" for parameter in ("FetchAllowed=127.0.0.1/32", *given.parameter)]
    with tempfile.TemporaryDirectory() as folder, running_cloud(Path(folder), *options) as cloud:
        for name, qps in ACCOUNTS.items():
            accounts_of(cloud).create(name, qps=qps)
        warm_up(cloud.url, [name for name in ACCOUNTS if name != FLOODER])
        with floods(cloud.url, FLOODER) as calls:
            quiet, phases = run(visitor(cloud.url, QUIET), calls, given.seconds, given.connections, given.pause)
    print(load_line())
    return faults(quiet, phases)
