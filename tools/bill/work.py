"""What each piece of work takes of AWS. `tests/tools/test_bill.py` does each in the local cloud and counts it again.

Operations are named as the local cloud's tally names them (localcloud/aws/tally.py). Times are those of docs/speed.md's
machine. Everything is warm: sandboxes run, accounts and secrets are remembered, an account's calls come one by one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from localcloud.stack.short_forms import parse_yaml
from tools.conditions import settled

# What Lambda writes of each run besides the function's own lines, in JSON: platform.start, platform.end and
# platform.report, the last with the trace. An estimate.
PLATFORM_LOG_BYTES = 700
# What API Gateway writes of each request: the template's AccessLogSetting, filled in.
ACCESS_LOG_BYTES = 330
# Write units of a task's record, one per kilobyte. A shard and a nonce stay below one.
RECORD_UNITS = 1
# How many times the units a write takes in a transaction.
TRANSACTED = 2

# A result of 0.5 MB in base64.
SELFIE_BYTES = 670_000

_TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"


VCPU_MB = 1769


@cache
def _memory_sizes() -> dict[str, Any]:
    template = settled(parse_yaml(_TEMPLATE.read_text("utf-8")), {})
    defaults = {name: entry.get("Default") for name, entry in template["Parameters"].items()}
    sizes = {name: item["Properties"].get("MemorySize") for name, item in template["Resources"].items()}
    return {name: defaults[size["Ref"]] if isinstance(size, dict) else size for name, size in sizes.items() if size}


def memory_of(function: str) -> int:
    """Megabytes of a function, as the template has them with its default parameters."""
    return int(_memory_sizes()[function])


@dataclass(frozen=True)
class Run:
    """One function's run: how long, the bytes of its own log lines, and how long its sandbox's start takes."""

    function: str
    ms: float
    log_bytes: int = 0
    init_ms: float = 450

    @property
    def memory_mb(self) -> int:
        """The template's, with its default parameters."""
        return memory_of(self.function)

    @property
    def init_gb_s(self) -> float:
        """What a sandbox's start is billed as: Lambda bills INIT like a run."""
        return self.init_ms / 1000 * self.memory_mb / 1024


@dataclass(frozen=True)
class Work:
    """A piece of work. `write_units` and `read_units` are DynamoDB's, of the operations together.

    results: how many it stores, each with a link; kept: how many photographs it keeps, so that these can be mended.
    """

    name: str
    runs: tuple[Run, ...] = ()
    operations: Mapping[str, int] = field(default_factory=dict)
    write_units: float = 0.0
    read_units: float = 0.0
    gateway: int = 0
    transitions: int = 0
    # X-Ray's, if the request is sampled: the call's own, and one for an execution.
    traces: int = 1
    # Which go out to the internet in addition to the result: the answer, or a redirect.
    sent_bytes: int = 0
    results: int = 0
    kept: int = 0

    def on_top(self, processor: str) -> dict[str, float]:
        """By price, for work within a run that is counted already: no request and no log line of its own."""
        return self.units(processor) | {"lambda requests": 0, "logs": 0}

    def units(self, processor: str) -> dict[str, float]:
        """By price (`tools.bill.prices.PRICES`), without the result's own bytes and without traces."""
        count = self.operations.get
        logged = sum(run.log_bytes + PLATFORM_LOG_BYTES for run in self.runs) + self.gateway * ACCESS_LOG_BYTES
        return {
            f"lambda {processor}": sum(run.ms / 1000 * run.memory_mb / 1024 for run in self.runs),
            "lambda requests": len(self.runs),
            "gateway": self.gateway,
            "dynamodb writes": self.write_units,
            "dynamodb reads": self.read_units,
            # Deleting is free, whether it is one DELETE or the POST that names several objects.
            "s3 puts": count("s3:PUT", 0),
            "s3 gets": count("s3:GET", 0) + count("s3:HEAD", 0),
            "transitions": self.transitions,
            "sqs": sum(times for name, times in self.operations.items() if name.startswith("sqs:")),
            "kms": count("kms:Decrypt", 0),
            "logs": logged / 1e9,
            "egress": self.sent_bytes / 1e9,
        }


# The request's line and the metrics'.
_CALL_LOG_BYTES = 1000


def _call(
    name: str, function: str, ms: float, *, puts: int = 0, results: int = 1, kept: int = 1, sent_bytes: int = 400
) -> Work:
    """A synchronous call: reserve, work, store, settle; `puts` more items of less than a kilobyte."""
    operations = {"dynamodb:UpdateItem": 2, "dynamodb:PutItem": puts, "s3:PUT": results + kept}
    return Work(
        name,
        (Run(function, ms, log_bytes=_CALL_LOG_BYTES),),
        {operation: times for operation, times in operations.items() if times},
        write_units=2 + puts,
        gateway=1,
        sent_bytes=sent_bytes,
        results=results,
        kept=kept,
    )


CALLS = (
    # The nonce of its signature.
    _call("JD matting", "CutoutFunction", 177, puts=1),
    _call("Aidge", "CutoutFunction", 175),
    # Its answer is the picture itself, in base64.
    _call("JD SelfieSeg", "SelfieFunction", 172, puts=1, results=0, kept=0, sent_bytes=SELFIE_BYTES),
    # One put: the record that GET shows afterwards.
    _call("PicWish, sync=1", "TasksFunction", 178, puts=1),
    # Clothes are not mended.
    _call("AILabTools costume", "CostumeFunction", 299, results=2, kept=0),
)

# Accepted: a transaction over two items of a shard, the picture, the record, the start. Worked: state 2, the
# view; the message, state 4, the maps; the result and what a mend of it needs, state 1, settled; the working files
# deleted. Times are scaled from a run next to synchronous calls.
TASK = Work(
    "PicWish, sync=0",
    (
        Run("TasksFunction", 35, log_bytes=800),
        Run("PrepareFunction", 70, log_bytes=450),
        Run("WorkerFunction", 65, log_bytes=550),
        Run("FinishFunction", 200, log_bytes=800),
    ),
    {
        "dynamodb:TransactWriteItems": 1,
        "dynamodb:PutItem": 1,
        "dynamodb:UpdateItem": 4,
        "dynamodb:GetItem": 1,
        "s3:PUT": 5,
        "s3:GET": 4,
        "s3:POST": 1,
        "states:StartExecution": 1,
        "states:SendTaskSuccess": 1,
        "sqs:SendMessage": 1,
        "sqs:ReceiveMessage": 1,
        "sqs:DeleteMessage": 1,
    },
    write_units=2 * TRANSACTED + 4 * RECORD_UNITS + 1,
    read_units=1,
    gateway=1,
    transitions=3,
    traces=2,
    sent_bytes=200,
    results=1,
    kept=1,
)
QUESTION = Work(
    "question about a task",
    (Run("TasksFunction", 10, log_bytes=750),),
    {"dynamodb:GetItem": 1},
    read_units=1,
    gateway=1,
    sent_bytes=400,
)
# The redirect, and then the bucket's own answer.
LINK = Work("link fetched", (Run("LinksFunction", 5),), {"s3:GET": 1}, gateway=1, sent_bytes=900)
# How long the scheduled smoke waits for its call and its task, at half of the links function's memory. An estimate: on
# AWS the functions of a task may all have to be started.
SMOKE_WAIT_S = 8
# On top of a link, for the first browser that takes WebP: the PNG is read, and the WebP stored. Lambda gives a whole
# CPU at 1,769 MB, and less memory its share of that.
WEBP_CPU_MS = 155
FIRST_WEBP = Work(
    "first view as WebP",
    (Run("LinksFunction", WEBP_CPU_MS * VCPU_MB / memory_of("LinksFunction")),),
    {"s3:GET": 1, "s3:PUT": 1},
)
