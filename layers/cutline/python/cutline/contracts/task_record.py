"""A background task as every API sees it: what was asked for, its states, and the record that is kept of it.

PicWish's numbers are the states (contracts.md 3.5), because its tasks came first; other APIs translate them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from cutline.contracts.wire import Contract, Job, Outcome, Request, Response
from cutline.errors import MattingError, Reason
from cutline.limits import MIB, PictureLimits
from cutline.pipeline.outputs.metadata import ResultMetadata

# Of the links and of the record (contracts.md 3.5).
LINK_LIFETIME_S = 3600
# AVIF and HEIF are ours, the latter where it is deployed (contracts.md 3.3).
LIMITS = PictureLimits(
    frozenset({"AVIF", "BMP", "HEIF", "JPEG", "PNG", "TIFF", "WEBP"}), max_bytes=15 * MIB, max_side_px=4096
)
QUEUED, DONE, PREPARING, WAITING, PROCESSING = 0, 1, 2, 3, 4
FAILED = -1
_INVALID_FILE = -7
# What is wrong with the task: HTTP 200 and a negative state (contracts.md 3.5).
STATES: Mapping[Reason, int] = {
    Reason.NO_SUBJECT: FAILED,
    Reason.MODEL_FAILED: FAILED,
    Reason.STORE_FAILED: -2,
    Reason.URL_UNREACHABLE: -3,
    Reason.BACKDROP_UNREACHABLE: -3,
    Reason.URL_TOO_LARGE: -5,
    Reason.IMAGE_EMPTY: _INVALID_FILE,
    Reason.IMAGE_TYPE: _INVALID_FILE,
    Reason.IMAGE_CORRUPT: _INVALID_FILE,
    Reason.RESOLUTION_TOO_HIGH: _INVALID_FILE,
    Reason.RESOLUTION_TOO_LOW: _INVALID_FILE,
    Reason.TIMED_OUT: -8,
}

AS_LINK, AS_BASE64, AS_BYTES = 1, 2, 3
BOTH, IMAGE_ONLY, MASK_ONLY = 1, 2, 3


@dataclass(frozen=True)
class TaskOptions:
    """Options of a task, besides the cut-out's; `asynchronous`: the answer is only the task's id.

    The id is not part of the question: two tasks that ask the same are equal.
    """

    task_id: str = field(compare=False)
    asynchronous: bool = False
    kind: str = "auto"
    return_type: int = AS_LINK
    output_type: int = IMAGE_ONLY
    callback_url: str = ""


@dataclass(frozen=True)
class TaskRecord:
    """The record of a task; times are unix seconds, `keys` are the storage keys of its results.

    metadata: of a finished task's results.
    """

    task_id: str
    account_id: str
    state: int
    created_at: int
    processed_at: int | None
    completed_at: int | None
    options: TaskOptions
    keys: Mapping[str, str] = field(default_factory=dict)
    metadata: ResultMetadata | None = None


class TaskContract(Contract, Protocol):
    """A contract with background tasks."""

    def task_id(self, request: Request, parameters: Mapping[str, str]) -> str | None:
        """Return the id of the task asked about, "" if it is missing, or None for a call that makes a task.

        `parameters`: those of the route's path.
        """

    def accepted(self, request: Request, task_id: str) -> Response:
        """Return the answer to a call that became a task."""

    def show(self, record: TaskRecord, images: Mapping[str, str], request: Request | None = None) -> Response:
        """Return a task's state and, once it is done, its results; `images` are links or base64 by name.

        `request` is None for a callback.
        """


def queued(account_id: str, request: Request, options: TaskOptions) -> TaskRecord:
    """Return the record of a task that is yet to be worked."""
    return TaskRecord(options.task_id, account_id, QUEUED, int(request.received_at), None, None, options)


def finished(account_id: str, request: Request, job: Job, outcome: Outcome) -> TaskRecord:
    """Return the record of a call that succeeded."""
    started = int(request.received_at)
    completed = int(request.received_at + outcome.elapsed_ms / 1000)
    options = task_options(job)
    metadata = outcome.metadata if isinstance(outcome.metadata, ResultMetadata) else None
    return TaskRecord(options.task_id, account_id, DONE, started, started, completed, options, outcome.keys, metadata)


def failed(account_id: str, request: Request, job: Job, error: MattingError) -> TaskRecord | None:
    """Return the record of a task that failed, or None where the failure is not the task's but ours."""
    state = STATES.get(error.reason)
    if state is None:
        return None
    started = int(request.received_at)
    options = task_options(job)
    return TaskRecord(options.task_id, account_id, state, started, started, None, options)


def task_options(job: Job) -> TaskOptions:
    """Return the options of a job that is a task."""
    assert isinstance(job.options, TaskOptions)
    return job.options
