"""A call in progress, and the parts that an API may plug in."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from cutline.accounts.account import Account
from cutline.accounts.meter import Reservation
from cutline.contracts.wire import Contract, Job, Metadata, Outcome, Progress, Quota, Request, Response
from cutline.errors import InputRefused, MattingError
from cutline.pipeline.timing import StageTimer
from cutline.serving.idempotency import KeyLease


class Processor(Protocol):
    """What an API does with a picture."""

    def process(self, data: bytes, job: Job, timer: StageTimer) -> "Produced":
        """Results by name ("image", ...) of an encoded picture. Raises MattingError."""


@dataclass(frozen=True)
class Produced:
    """Encoded results by name, each with its content type; `notes` go to the log, `metadata` into the answer.

    keep: makes, of the keys of the results and a task's id, the file that a mend of them needs; None where there is no
    mending them.
    """

    width: int
    height: int
    results: Mapping[str, tuple[bytes, str]]
    notes: Mapping[str, Any]
    metadata: Metadata = None
    keep: Callable[[Mapping[str, str], str], bytes] | None = None


class Journal(Protocol):
    """Keeps the outcome of a call, for an API that can be asked about it later."""

    def finished(self, account_id: str, request: Request, job: Job, outcome: Outcome) -> None:
        """Note that the call succeeded."""

    def failed(self, account_id: str, request: Request, job: Job, error: MattingError) -> None:
        """Note that the call was parsed and then failed."""


class Deferral(Protocol):
    """Accepts calls worked in the background; their quota is held for `hold_s`."""

    hold_s: int

    def takes(self, job: Job) -> bool:
        """Return whether the job is worked in the background."""

    def named(self, job: Job, seed: str) -> Job:
        """Return the job with a task id derived from `seed`, so that a second try finds the first one's task."""

    def call_id(self, job: Job) -> str:
        """Return the reservation's id."""

    def ended(self, call: "Call") -> Response | None:
        """Return the answer if an earlier try's task has ended: it was charged or released and needs no reservation."""

    def accept(self, call: "Call", reservation: Reservation) -> Response:
        """Return the answer, once the work is certain. From then on the reservation belongs to the task.

        `call.fallback_response` is set as soon as the work may have begun; `call.surplus_reservation` if the task had
        ended before.
        """


@dataclass
class Call:
    """One call in progress, and its state so far."""

    contract: Contract
    request: Request
    timer: StageTimer = field(default_factory=StageTimer)
    started: float = field(default_factory=time.perf_counter)
    notes: dict[str, Any] = field(default_factory=dict)
    account: Account | None = None
    reservation: Reservation | None = None
    lease: KeyLease | None = None
    job: Job | None = None
    refusal: InputRefused | None = None
    # Served, and yet to be charged.
    to_settle: bool = False
    # The answer from now on, even if a later write fails: the task that it names may have started.
    fallback_response: Response | None = None
    surplus_reservation: bool = False

    @property
    def elapsed_ms(self) -> int:
        return round((time.perf_counter() - self.started) * 1000)

    @property
    def progress(self) -> Progress:
        """State for a refusal's answer. The refused call itself is back in the quota."""
        left = None if self.reservation is None else self.reservation.remaining
        qps = None if self.account is None else self.account.qps
        return Progress(self.job, Quota(None if left is None else left + 1, qps=qps), self.elapsed_ms)
