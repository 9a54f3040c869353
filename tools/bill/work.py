"""What each piece of work takes of AWS. `tests/tools/test_bill.py` does each in the local cloud and counts it again.

Operations are named as the local cloud's tally names them (localcloud/aws/tally.py). Times are those of docs/speed.md's
machine. Everything is warm: sandboxes run, accounts and secrets are remembered, an account's calls come one by one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

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

_WORK_MB, _SMALL_MB = 1769, 512


@dataclass(frozen=True)
class Run:
    """One function's run: how long, at which memory, and the bytes of its own log lines."""

    function: str
    ms: float
    memory_mb: int = _WORK_MB
    log_bytes: int = 0


@dataclass(frozen=True)
class Work:
    """A piece of work. `write_units` and `read_units` are DynamoDB's, of the operations together."""

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


def _call(name: str, function: str, ms: float, *, puts: int = 0, results: int = 1, sent_bytes: int = 400) -> Work:
    """A synchronous call: reserve, work, store, settle; `puts` more items of less than a kilobyte."""
    operations = {"dynamodb:UpdateItem": 2, "dynamodb:PutItem": puts, "s3:PUT": results}
    return Work(
        name,
        (Run(function, ms, log_bytes=_CALL_LOG_BYTES),),
        {operation: times for operation, times in operations.items() if times},
        write_units=2 + puts,
        gateway=1,
        sent_bytes=sent_bytes,
    )


CALLS = (
    # The nonce of its signature.
    _call("JD matting", "CutoutFunction", 186, puts=1),
    _call("Aidge", "CutoutFunction", 169),
    # Its answer is the picture itself, in base64.
    _call("JD SelfieSeg", "SelfieFunction", 182, puts=1, results=0, sent_bytes=SELFIE_BYTES),
    # One put: the record that GET shows afterwards.
    _call("PicWish, sync=1", "TasksFunction", 174, puts=1),
    _call("AILabTools costume", "CostumeFunction", 313, results=2),
)

# Accepted: a transaction over two items of a shard, the picture, the record, the start. Worked: state 2, the
# view; the message, state 4, the maps; the result, state 1, settled; the working files deleted. Times are scaled from a
# run next to synchronous calls.
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
        "s3:PUT": 4,
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
LINK = Work("link fetched", (Run("LinksFunction", 5, _SMALL_MB),), {"s3:GET": 1}, gateway=1, sent_bytes=900)
