"""Counts what a piece of work takes in a running local cloud: AWS calls, the functions' own log lines, billed time."""

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from devkit.running import RunningCloud

_CALLS = "/localcloud/calls"
_SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/s3/aws4_request"}
# The pollers of Lambda's mappings ask day and night, with or without work.
_POLLING = ("sqs:ReceiveMessage", "sqs:GetQueueAttributes")
_PLATFORM = re.compile(rb"^(START|END|REPORT) RequestId: .*\n", re.MULTILINE)
_BILLED = re.compile(rb"^REPORT .*\tDuration: ([\d.]+) ms", re.MULTILINE)
_WAIT_S = 60.0
# An account's rate is idle again after this, and whatever was still in flight has ended.
_QUIET_S = 1.5


@dataclass(frozen=True)
class Measured:
    """By function's logical id: bytes of its own lines and milliseconds, of all its runs together."""

    operations: Mapping[str, int]
    log_bytes: Mapping[str, int]
    ms: Mapping[str, float]


def be_quiet() -> None:
    """Waits until what was done is over, and the accounts' rates are idle."""
    time.sleep(_QUIET_S)


def measured(cloud: RunningCloud, act: Callable[[], object], last: str) -> Measured:
    """What `act` takes, from its start until the function `last` has run once more; quiet afterwards, as before."""
    calls, logs = _calls(cloud), _logs(cloud)
    act()
    limit = time.monotonic() + _WAIT_S
    while _new(cloud, logs).get(last, b"").count(b"REPORT RequestId") == 0:
        assert time.monotonic() < limit, f"{last} did not run"
        time.sleep(0.1)
    be_quiet()
    new = _new(cloud, logs)
    return Measured(
        {name: times for name, times in (_calls(cloud) - calls).items() if name not in _POLLING},
        {name: len(_PLATFORM.sub(b"", lines)) for name, lines in new.items()},
        {name: sum(float(ms) for ms in _BILLED.findall(lines)) for name, lines in new.items()},
    )


def _calls(cloud: RunningCloud) -> Counter[str]:
    return Counter(cloud.call("GET", _CALLS, headers=_SIGNED).json())


def _logs(cloud: RunningCloud) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in cloud.log_dir.glob("*.log")}


def _new(cloud: RunningCloud, before: Mapping[str, bytes]) -> dict[str, bytes]:
    grown = {name: lines[len(before.get(name, b"")) :] for name, lines in _logs(cloud).items()}
    return {name: lines for name, lines in grown.items() if lines}
