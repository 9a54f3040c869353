"""What Lambda says of each call at its end: the time of INIT, the call's own, and the most memory."""

import json
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PLAIN = re.compile(
    r"^REPORT .*\tDuration: ([\d.]+) ms.*\tMemory Size: (\d+) MB\tMax Memory Used: (\d+) MB"
    r"(?:\tInit Duration: ([\d.]+))?"
)
# As Lambda names a stream in a group of many functions: 2026/11/22/cutline-CutoutFunction-1A2B[$LATEST]0123...
_STREAM = re.compile(r"^\d+/\d+/\d+/(?:.*-)?(\w+?)Function(?:-\w+)?\[")
# CloudWatch shows a line some seconds after it was written.
_WAIT_S, _PAUSE_S = 45.0, 5.0


@dataclass(frozen=True)
class Report:
    """One call of a function; `init_ms` is 0 where the sandbox had been started before."""

    function: str
    run_ms: float
    init_ms: float
    memory_mb: int
    peak_mb: int


def from_folder(folder: Path) -> list[Report]:
    """The reports in the local cloud's logs, a file per function."""
    found = []
    for path in sorted(folder.glob("*Function.log")):
        name = path.stem.removesuffix("Function")
        found += [report for line in path.read_text("utf-8", "replace").splitlines() if (report := read(name, line))]
    return found


def from_cloudwatch(
    logs: Any, group: str, since_ms: int, expected: int, sleep: Callable[[float], None] = time.sleep
) -> list[Report]:
    """The reports since a time, waited for until `expected` calls have theirs, or for 45 seconds."""
    waited = 0.0
    while True:
        found = list(_events(logs, group, since_ms))
        if len(found) >= expected or waited >= _WAIT_S:
            return found
        sleep(_PAUSE_S)
        waited += _PAUSE_S


def _events(logs: Any, group: str, since_ms: int) -> Iterator[Report]:
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, startTime=since_ms, filterPattern='"platform.report"'
    )
    for event in (event for page in pages for event in page["events"]):
        stream = _STREAM.match(event["logStreamName"])
        if stream and (report := read(stream[1], event["message"])):
            yield report


def read(function: str, line: str) -> Report | None:
    """The report in a line of either log format, if it is one."""
    plain = _PLAIN.match(line)
    if plain:
        run_ms, memory_mb, peak_mb, init_ms = plain.groups()
        return Report(function, float(run_ms), float(init_ms or 0), int(memory_mb), int(peak_mb))
    if '"platform.report"' not in line:
        return None
    said: Mapping[str, Any] = json.loads(line)["record"]["metrics"]
    return Report(
        function,
        float(said["durationMs"]),
        float(said.get("initDurationMs", 0)),
        int(said["memorySizeMB"]),
        int(said["maxMemoryUsedMB"]),
    )


def table(reports: Iterable[Report]) -> list[str]:
    """A line per function, the heaviest first."""
    by_function: dict[str, list[Report]] = defaultdict(list)
    for report in reports:
        by_function[report.function].append(report)
    lines = [f"{'function':14}{'calls':>7}{'starts':>8}{'INIT ms':>9}{'slowest ms':>12}{'memory MB':>11}{'of':>7}"]
    for name, calls in sorted(by_function.items(), key=lambda item: -max(call.peak_mb for call in item[1])):
        starts = [call.init_ms for call in calls if call.init_ms]
        init = f"{max(starts):9.0f}" if starts else f"{'-':>9}"
        peak = max(call.peak_mb for call in calls)
        slowest = max(call.run_ms for call in calls)
        lines.append(f"{name:14}{len(calls):7d}{len(starts):8d}{init}{slowest:12.0f}{peak:11d}{calls[0].memory_mb:7d}")
    return lines
