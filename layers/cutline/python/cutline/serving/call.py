"""One call on its way through the service, and the parts that an API may plug in."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from cutline.accounts.meter import Reservation
from cutline.contracts.wire import Contract, Job, Outcome, Progress, Quota, Request, Response
from cutline.errors import InputRefused, MattingError
from cutline.pipeline.timing import StageTimer


class Work(Protocol):
    """What an API does with a picture: bytes in, results by name ("image", ...) out."""

    def __call__(self, data: bytes, job: Job, timer: StageTimer) -> "Produced":
        """Raises MattingError."""


@dataclass(frozen=True)
class Produced:
    """Encoded results by name, each with its content type; `notes` go to the log."""

    width: int
    height: int
    results: Mapping[str, tuple[bytes, str]]
    notes: Mapping[str, Any]


class Journal(Protocol):
    """Keeps what became of a call, for an API that is asked about it later."""

    def finished(self, account_id: str, request: Request, job: Job, outcome: Outcome) -> None:
        """The call succeeded."""

    def failed(self, account_id: str, request: Request, job: Job, error: MattingError) -> None:
        """The call was parsed and then failed."""


class Deferral(Protocol):
    """Takes calls that want their result later; their quota is held for `hold_s`."""

    hold_s: int

    def takes(self, job: Job) -> bool:
        """Whether the call wants that."""

    def accept(self, call: "Call", reservation: Reservation) -> Response:
        """The answer, once the work is sure to be done. From then on the reservation is not the service's to end."""


@dataclass
class Call:
    """One call on its way: what is known of it so far."""

    contract: Contract
    request: Request
    timer: StageTimer = field(default_factory=StageTimer)
    started: float = field(default_factory=time.perf_counter)
    notes: dict[str, Any] = field(default_factory=dict)
    reservation: Reservation | None = None
    job: Job | None = None
    refusal: InputRefused | None = None

    @property
    def elapsed_ms(self) -> int:
        return round((time.perf_counter() - self.started) * 1000)

    @property
    def progress(self) -> Progress:
        """What a refusal may tell; the refused call itself has gone back to the quota."""
        left = None if self.reservation is None else self.reservation.remaining
        return Progress(self.job, Quota(None if left is None else left + 1), self.elapsed_ms)
