"""One call from the gate to the answer, the same for every contract.

    method -> gate (who, may they, is there room) -> parse -> fetch -> decode -> cut out -> store -> settle -> render

Whatever goes wrong on the way is released, logged and counted once, and worded by the contract.
"""

import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import BotoCoreError, ClientError

from cutline.accounts.gate import Gate
from cutline.accounts.meter import Reservation
from cutline.adapters.fetch import FetchPolicy, fetch
from cutline.adapters.results import ResultStore
from cutline.contracts.wire import Contract, Job, Outcome, Quota, Request, Response
from cutline.deadline import deadline
from cutline.errors import InputRefused, MattingError, Reason, ServiceFault
from cutline.pipeline.timing import StageTimer

_THROTTLES = frozenset(
    {"ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "SlowDown"}
)


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


@dataclass(frozen=True)
class Service:
    """Everything a call needs; built once per process."""

    gate: Gate
    results: ResultStore
    work: Work
    policy: FetchPolicy
    logger: Logger
    metrics: Metrics
    time_limit_ms: int

    def handle(self, contract: Contract, request: Request) -> Response:
        """The contract's answer, always: a refusal or fault is an answer too."""
        timer = StageTimer()
        started = time.perf_counter()
        notes: dict[str, Any] = {}
        try:
            with deadline(self.time_limit_ms):
                response = self._serve(contract, request, timer, notes)
            reason = ""
        except Exception as error:  # the one boundary: every failure is logged, counted and worded by the contract
            failure = _as_matting_error(error)
            response, reason = contract.refuse(request, failure), str(failure.reason)
            if isinstance(failure, ServiceFault):
                self.logger.error("fault", reason=reason, detail=failure.detail, exc_info=error)
        headers = {**response.headers, "Server-Timing": timer.server_timing(), "Cache-Control": "no-store"}
        response = replace(response, headers=headers)
        self._report(contract, request, response, reason, timer, {**notes, "total_ms": _since(started)})
        return response

    def _serve(self, contract: Contract, request: Request, timer: StageTimer, notes: dict[str, Any]) -> Response:
        if request.method not in contract.METHODS:
            raise InputRefused(Reason.METHOD_NOT_ALLOWED)
        with timer.stage("gate"):
            reservation = self.gate.admit(contract, request)
        notes["account_id"] = reservation.account.account_id
        try:
            job, outcome = self._produce(contract, request, reservation, timer, notes)
            response = contract.render(request, job, outcome)
        except BaseException:
            self._release(reservation, contract.NAME)
            raise
        with timer.stage("settle"):
            self.gate.settle(reservation, contract.NAME)
        notes["charge_micros"] = reservation.account.price_of(contract.NAME)
        return response

    def _produce(
        self, contract: Contract, request: Request, reservation: Reservation, timer: StageTimer, notes: dict[str, Any]
    ) -> tuple[Job, Outcome]:
        with timer.stage("parse"):
            job = contract.parse(request)
        data = job.source.data
        if data is None:
            with timer.stage("fetch"):
                data = fetch(job.source.url or "", job.limits.max_bytes, self.policy)
        produced = self.work(data, job, timer)
        notes |= {"pixels": produced.width * produced.height, **produced.notes}
        with timer.stage("store"):
            links = self._store(contract, request, reservation, produced)
        charged = reservation.account.price_of(contract.NAME) > 0
        quota = Quota(reservation.remaining, charged)
        inline = {name: body for name, (body, _) in produced.results.items()}
        return job, Outcome(produced.width, produced.height, links, inline, quota)

    def _store(
        self, contract: Contract, request: Request, reservation: Reservation, produced: Produced
    ) -> dict[str, str]:
        """A link to each result; nothing is stored for a contract whose answers carry the pixels themselves."""
        if contract.LINK_LIFETIME_S == 0:
            return {}
        expires_at = int(request.received_at) + contract.LINK_LIFETIME_S
        links = {}
        for name, (body, content_type) in produced.results.items():
            key = self.results.put(reservation.account.account_id, body, content_type)
            links[name] = self.results.link(request.base_url, key, expires_at)
        return links

    def _release(self, reservation: Reservation, api: str) -> None:
        """Gives the call back. Should that fail too, the hold lapses by itself: the answer must not suffer."""
        try:
            self.gate.release(reservation, api)
        except (ClientError, BotoCoreError):
            self.logger.exception("release failed; the hold will lapse")

    def _report(
        self,
        contract: Contract,
        request: Request,
        response: Response,
        reason: str,
        timer: StageTimer,
        notes: Mapping[str, Any],
    ) -> None:
        """The one line per request, and the metrics; never a body, key, signature or link."""
        self.logger.info(
            "request",
            request_id=request.request_id,
            api=contract.NAME,
            status=response.status,
            reason=reason or "ok",
            stages_ms={name: round(ms, 1) for name, ms in timer.stages_ms.items()},
            max_rss_kib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            **notes,
        )
        self.metrics.add_dimension("api", contract.NAME)
        self.metrics.add_dimension("reason", reason or "ok")
        self.metrics.add_metric("Requests", MetricUnit.Count, 1)
        self.metrics.add_metric("TotalMs", MetricUnit.Milliseconds, notes["total_ms"])
        self.metrics.flush_metrics()


def _since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)


def _as_matting_error(error: Exception) -> MattingError:
    """The refusal or fault behind any exception."""
    if isinstance(error, MattingError):
        return error
    if isinstance(error, ClientError) and error.response["Error"]["Code"] in _THROTTLES:
        return ServiceFault(Reason.OVERLOADED)
    return ServiceFault(Reason.INTERNAL, type(error).__name__)
