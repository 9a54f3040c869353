"""Calls everything that a deployment offers, once cold and once again, and tells what came back.

    python -m tools.smoke [--url URL] --key KEY [--stack NAME] [--logs FOLDER]

KEY is an API key of an account, or better the file that `cutline account create NAME --json` printed: JD's and Aidge's
calls are signed with secrets. The drop and the table of the functions need AWS credentials. Each call is charged to the
account. Ends with 1 if anything failed.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from devkit.clients import Answer, follow, open_picture, send
from tools.smoke.calls import CALLS, PICTURE, SIZE, Call, Failed, Keys, Result, Skipped, read_keys
from tools.smoke.reports import from_cloudwatch, from_folder, table
from tools.smoke.speed import SLOWDOWN, measure
from tools.smoke.speed import table as speed_table
from tools.smoke.work import drop, mend, run_task

_OK = 200


@dataclass
class Smoke:
    """What was tried so far, and what went wrong."""

    url: str
    keys: Keys
    tried: int = 0
    skipped: int = 0
    faults: list[str] = field(default_factory=list)

    def attempt(self, name: str, act: Callable[[], Sequence[float]]) -> None:
        """Does it and notes its milliseconds, or why there are none."""
        self.tried += 1
        try:
            cells = "".join(f"{ms:10.0f}" for ms in act())
        except Skipped as reason:
            cells, self.skipped = f"   skipped: {reason}", self.skipped + 1
        except Exception as error:  # the boundary of one check: whatever happened, the others are tried
            cells = "    FAILED"
            words = str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"
            self.faults.append(f"{name}: {words}")
        print(f"{name:16}{cells}", flush=True)

    def call(self, call: Call) -> list[float]:
        """An API's first call, which may start a sandbox, and another one; both results are looked at."""
        times_ms = []
        for _ in range(2):
            answer, ms = timed(lambda: call.send(self.url, self.keys))
            times_ms.append(ms)
            check_file(call.judge(answer))
        return times_ms

    def link(self) -> list[float]:
        """A result link of its own, as a browser follows it: ours, then S3's."""
        result = CALLS["pw"].judge(CALLS["pw"].send(self.url, self.keys))
        return [timed(lambda: check_file(result))[1] for _ in range(2)]

    def mend(self) -> list[float]:
        """The result of one call, mended twice."""
        link = str(CALLS["pw"].judge(CALLS["pw"].send(self.url, self.keys)))
        return [timed(lambda: mend(link))[1] for _ in range(2)]

    def page(self, path: str) -> list[float]:
        """A page, twice."""
        return [timed(lambda: self._page(path))[1] for _ in range(2)]

    def _page(self, path: str) -> None:
        answer = send("GET", self.url + path)
        if answer.status != _OK or not answer.body:
            raise Failed(f"HTTP {answer.status}")


def timed(act: Callable[[], Any]) -> tuple[Any, float]:
    """What `act` returns, and its milliseconds."""
    begun = time.perf_counter()
    found = act()
    return found, (time.perf_counter() - begun) * 1000


def check_file(result: Result) -> None:
    """Raises Failed where there is a result, and it or what its link leads to is no cut-out of the picture."""
    if result is None:
        return
    try:
        picture = open_picture(result if isinstance(result, bytes) else fetched(result).body)
    except OSError as error:
        raise Failed(f"the result is no picture: {error}") from error
    if (picture.mode, picture.size) != ("RGBA", SIZE):
        raise Failed(f"the result is {picture.mode} {picture.size}, not RGBA {SIZE}")
    darkest, brightest = picture.getchannel("A").getextrema()
    if (darkest, brightest) != (0, 255):
        raise Failed("nothing was cut out")


def fetched(link: str) -> Answer:
    """The file behind a link. Raises Failed."""
    try:
        answer = follow(link)
    except AssertionError as error:
        raise Failed(f"the link does not lead anywhere: {error}") from error
    if answer.status != _OK:
        raise Failed(f"the link leads to HTTP {answer.status}")
    return answer


def outputs_of(stack: str) -> dict[str, str]:
    """The stack's outputs. Raises Skipped where AWS does not tell."""
    try:
        (found,) = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except (BotoCoreError, ClientError) as error:
        raise Skipped(f"stack {stack} cannot be looked at: {error}") from error
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def print_reports(logs: Path | None, stack: str, since_ms: int, expected: int) -> None:
    """The functions' table, where there is a way to their logs."""
    try:
        if logs:
            found = from_folder(logs)
        elif not (group := outputs_of(stack).get("FunctionLogs")):
            raise Skipped(f"stack {stack} has no output FunctionLogs")
        else:
            found = from_cloudwatch(boto3.client("logs"), group, since_ms, expected)
    except (Skipped, BotoCoreError, ClientError) as reason:
        print(f"\nfunctions: skipped: {reason}")
        return
    print("", *table(found), sep="\n")


def print_speed(smoke: Smoke) -> None:
    """Print how fast decoder and encoders are, and whether their bounds hold; one that does not is a fault."""
    try:
        speeds = measure(smoke.url, smoke.keys)
    except (Failed, OSError) as reason:
        print(f"\nspeed: skipped: {reason}")
        return
    print("", *speed_table(speeds), sep="\n")
    smoke.faults += [f"{speed.name}: slower than its bound" for speed in speeds if speed.needed > SLOWDOWN]


def main() -> int:
    """1 if anything failed."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.smoke", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", help="where the APIs answer; without it the stack's output Url")
    parser.add_argument("--key", required=True, help="an API key, or the file with an account's credentials")
    parser.add_argument("--stack", default=os.environ.get("CUTLINE_STACK") or "cutline", help="for buckets and logs")
    parser.add_argument("--logs", type=Path, metavar="FOLDER", help="the local cloud's logs in place of CloudWatch's")
    given = parser.parse_args()
    since_ms = int(time.time() * 1000)
    try:
        smoke = Smoke((given.url or outputs_of(given.stack)["Url"]).rstrip("/"), read_keys(given.key))
    except (Failed, Skipped) as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"{smoke.url}\n\n{'milliseconds':16}{'first':>10}{'again':>10}")
    for path in ("/health", "/", "/openapi.json"):
        smoke.attempt(f"GET {path}", partial(smoke.page, path))
    for call in CALLS.values():
        smoke.attempt(call.label, partial(smoke.call, call))
    smoke.attempt("result link", smoke.link)
    smoke.attempt("mend", smoke.mend)
    smoke.attempt("task", lambda: [timed(lambda: check_file(run_task(smoke.url, smoke.keys)))[1]])
    smoke.attempt("drop", lambda: [timed(lambda: drop(smoke.url, smoke.keys, outputs_of(given.stack), PICTURE))[1]])
    print_speed(smoke)
    print_reports(given.logs, given.stack, since_ms, smoke.tried)
    print("", *(f"FAILED {fault}" for fault in smoke.faults), sep="\n")
    failed = len(smoke.faults)
    print(f"{smoke.tried - failed - smoke.skipped} work, {failed} failed, {smoke.skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
