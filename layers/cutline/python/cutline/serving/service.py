"""One call from the gate to the answer, the same for every contract.

    method -> authenticate -> parse -> lease -> reserve -> fetch -> decode -> cut out -> store -> render -> settle

The lease is on the call's Idempotency-Key, if it has one. A call that fails gives its reservation and lease back, is
logged and counted once, and is answered in the contract's words.
"""

import base64
import resource
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from aws_lambda_powertools import Logger, Metrics
from botocore.exceptions import BotoCoreError, ClientError

from cutline.accounts.account import Account
from cutline.accounts.gate import Gate
from cutline.accounts.meter import HOLD_S, Reservation
from cutline.adapters.result_store import ResultStore, result_key
from cutline.adapters.sources import Sources
from cutline.contracts.task_record import AS_BASE64, TaskOptions
from cutline.contracts.wire import (
    BrowserContract,
    Contract,
    Job,
    KeyContract,
    Outcome,
    Quota,
    Request,
    Response,
    Source,
    with_confidence,
    with_finish_headers,
)
from cutline.errors import InputRefused, MattingError, Reason, ServiceFault
from cutline.serving.boundary import failure_of
from cutline.serving.call import Call, Deferral, Journal, Processor, Produced
from cutline.serving.deadline import deadline
from cutline.serving.idempotency import Idempotency, KeyLease
from cutline.serving.mend_store import MendStore, not_kept
from cutline.serving.proxy_event import fits_the_proxy
from cutline.serving.settlement import Settlement
from cutline.serving.telemetry import count_cold_start, count_request, is_cold_start

# API Gateway answers for us after 29 s, counted from the request; starting a function is part of it.
_GATEWAY_MS = 28_000
_SETTLE_MS, _SETTLE_MARGIN_MS = 12_000, 700
_MAX_AGE_MS = 300_000

NO_TASKS = "Invalid sync: this account keeps no results, so it has no background tasks"


@dataclass(frozen=True, kw_only=True)
class Service:
    """Serves the calls of one function; built once per process.

    `results` is None if answers carry the pixels themselves, `journal` if no route asks about a call later, `deferral`
    if every call is worked at once, `mends` if results cannot be mended.
    """

    gate: Gate
    idempotency: Idempotency
    results: ResultStore | None
    processor: Processor
    sources: Sources
    logger: Logger
    metrics: Metrics
    time_limit_ms: int
    journal: Journal | None = None
    deferral: Deferral | None = None
    mends: MendStore | None = None

    @cached_property
    def _settlement(self) -> Settlement:
        return Settlement(self.gate.meter, self.idempotency, self.logger, self.metrics)

    def handle(self, contract: Contract, request: Request) -> Response:
        """Return the contract's answer, to a refusal or fault too."""
        if request.method == "OPTIONS" and isinstance(contract, BrowserContract):
            return contract.preflight(request)
        if isinstance(contract, KeyContract):
            request = contract.with_key(request)
        return self.answer(Call(contract, request), self._serve)

    def answer(self, call: Call, serve: Callable[[Call], Response]) -> Response:
        """Return what `serve` returns, or the contract's refusal: the boundary around every call."""
        reason = ""
        try:
            with deadline(_time_left_ms(call, self.time_limit_ms)):
                response = serve(call)
            self._settlement.settle(call, response, lambda: _time_left_ms(call, _SETTLE_MS, _SETTLE_MARGIN_MS))
        except Exception as error:
            failure = failure_of(error, call.request.request_id, self.logger, self.metrics)
            if call.fallback_response is not None:
                # The task may have started: after an error the caller would send, and pay for, it again.
                response = call.fallback_response
            else:
                response, reason = call.contract.refuse(call.request, failure, call.progress), str(failure.reason)
                self._note_failure(call, failure)
        headers = {
            **response.headers,
            "Server-Timing": call.timer.server_timing(),
            "X-Cutline-Charge-Micros": str(call.notes.get("charge_micros", 0)),
        }
        response = replace(response, headers=headers)
        self._report(call, response, reason)
        return response

    def _serve(self, call: Call) -> Response:
        contract, request = call.contract, call.request
        if request.method not in contract.METHODS:
            raise InputRefused(Reason.METHOD_NOT_ALLOWED)
        with call.timer.stage("gate"):
            account = self.gate.authenticate(contract, request)
        call.account = account
        call.notes["account_id"] = account.account_id
        with call.timer.stage("parse"):
            _parse(call)
        if not account.retains and self._is_deferred(call):
            call.job, call.refusal = None, InputRefused(Reason.PARAMETER_INVALID, NO_TASKS)
        with call.timer.stage("gate"):
            call.lease = self._lease(call, account)
        if call.lease is not None and call.lease.first is not None:
            self.gate.meter.throttle(account, "replays")
            call.notes["replayed"] = True
            return call.lease.first()
        try:
            if self.deferral is not None and self._is_deferred(call):
                return self._defer(call, account, self.deferral)
            return self._work_now(call, account)
        except BaseException:
            if call.fallback_response is None:
                self._settlement.forget(call)
            raise

    def _is_deferred(self, call: Call) -> bool:
        return self.deferral is not None and call.job is not None and self.deferral.takes(call.job)

    def _lease(self, call: Call, account: Account) -> KeyLease | None:
        """Claim the lease of an `Idempotency-Key`.

        None for a request that cannot be parsed, and for an account that retains nothing: it has no answer to repeat.
        """
        key = call.request.headers.get("idempotency-key", "").strip()
        if not key or call.request.method != "POST" or call.job is None or not account.retains:
            return None
        contract = call.contract
        lease = self.idempotency.lease(account.account_id, contract.NAME, key, call.job, contract.LINK_LIFETIME_S)
        if not lease.busy:
            return lease
        # A call that waits holds a sandbox too, so it counts as in flight and takes from the rate.
        waiting = self.gate.wait(account, contract)
        call.notes["waited"] = True
        try:
            return self.idempotency.wait(lease)
        finally:
            self._settlement.undo("ending the wait failed", self.gate.meter.end_wait, waiting)

    def _work_now(self, call: Call, account: Account) -> Response:
        """Reserves and works. A call that fails is released, one that is served is due to be settled."""
        reservation = self._reserve(call, account, HOLD_S)
        try:
            response = self._produce(call, reservation)
        except BaseException:
            self._settlement.release(call)
            raise
        call.to_settle = True
        return response

    def _defer(self, call: Call, account: Account, deferral: Deferral) -> Response:
        """Reserves and hands over. Once accepted, the task ends the reservation."""
        assert call.job is not None
        if call.lease is not None:
            call.job = deferral.named(call.job, call.lease.seed)
        again = call.lease is not None and call.lease.again
        ended = deferral.ended(call) if again else None
        if ended is not None:
            return self._keep(call, ended)
        reservation = self._reserve(call, account, deferral.hold_s, deferral.call_id(call.job), again=again)
        try:
            response = deferral.accept(call, reservation)
        except BaseException:
            # A reservation that an earlier try made may be its task's, which may have started.
            if call.fallback_response is None and not reservation.already_held:
                self._settlement.release(call)
            raise
        if call.surplus_reservation and not reservation.already_held:
            self._settlement.undo("cancelling the surplus reservation failed", self.gate.meter.cancel, reservation)
        return self._keep(call, response)

    def _keep(self, call: Call, response: Response) -> Response:
        """Return the answer of a deferred call and store it under its key."""
        if call.lease is not None:
            self.idempotency.keep(call.lease, response)
        return response

    def _reserve(
        self, call: Call, account: Account, hold_s: int, call_id: str = "", *, again: bool = False
    ) -> Reservation:
        with call.timer.stage("gate"):
            rate_limited = not call.notes.get("waited", False)
            reservation = self.gate.reserve(
                account, call.contract, hold_s, call_id, rate_limited=rate_limited, again=again
            )
        call.reservation = reservation
        return reservation

    def _produce(self, call: Call, reservation: Reservation) -> Response:
        """Serve an admitted call; store, log and return its answer."""
        contract, request, job, account = call.contract, call.request, call.job, reservation.account
        if job is None:
            assert call.refusal is not None
            raise call.refusal
        data = job.source.data
        if data is None:
            with call.timer.stage("fetch"):
                data = self._fetch(job.source.url or "", job, account)
        job = self._with_backdrop(call, job, account)
        produced = self.processor.process(data, job, call.timer)
        call.notes |= {"pixels": produced.width * produced.height, **produced.notes}
        with call.timer.stage("store"):
            keys, links = self._store(call, account, produced)
        outcome = Outcome(
            width=produced.width,
            height=produced.height,
            links=links,
            keys=keys,
            inline={name: body for name, (body, _) in produced.results.items()},
            quota=Quota(reservation.remaining, charged=account.price_of(contract.NAME) > 0, qps=account.qps),
            elapsed_ms=call.elapsed_ms,
            metadata=produced.metadata,
        )
        response = with_confidence(contract.render(request, job, outcome), call.notes.get("confidence"))
        response = with_finish_headers(response, call.notes)
        if not fits_the_proxy(response):
            raise ServiceFault(Reason.STORE_FAILED, "the answer is larger than a synchronous call can bring back")
        if self.journal is not None and account.retains:
            with call.timer.stage("note"):
                self.journal.finished(account.account_id, request, job, outcome)
        return response

    def _fetch(self, url: str, job: Job, account: Account) -> bytes:
        return self.sources.read(url, account.account_id, job.limits.max_bytes, once=not account.retains)

    def _with_backdrop(self, call: Call, job: Job, account: Account) -> Job:
        """Return the job with the bytes of its backdrop. Raises InputRefused(BACKDROP_UNREACHABLE)."""
        if job.backdrop is None or job.backdrop.url is None:
            return job
        try:
            with call.timer.stage("fetch"):
                data = self._fetch(job.backdrop.url, job, account)
        except InputRefused as error:
            raise InputRefused(Reason.BACKDROP_UNREACHABLE, error.detail) from error
        return replace(job, backdrop=Source(data=data))

    def _store(self, call: Call, account: Account, produced: Produced) -> tuple[dict[str, str], dict[str, str]]:
        """Key of and link to each result; nothing is stored for a contract whose answers carry the pixels.

        Nor for an account that retains nothing: each of its links is the result itself (RFC 2397).
        """
        links: dict[str, str] = {}
        if self.results is None or call.contract.LINK_LIFETIME_S == 0:
            return {}, links
        if not account.retains:
            return {}, {name: _data_link(*result) for name, result in produced.results.items()}
        expires_at = int(call.request.received_at) + call.contract.LINK_LIFETIME_S
        result_id = uuid.uuid4().hex
        keys = {
            name: result_key(account.account_id, f"{result_id}-{name}", content_type)
            for name, (_, content_type) in produced.results.items()
        }
        keeping = not_kept()
        if self.mends is not None and produced.keep is not None and _has_links(call.job):
            file = produced.keep(keys, _task_id_of(call.job))
            keeping = self.mends.keeping(account.account_id, result_id, file)
        with keeping as metadata_of:
            for name, (body, content_type) in produced.results.items():
                self.results.put_at(keys[name], body, content_type, metadata_of(name))
                links[name] = self.results.link(call.request.base_url, keys[name], expires_at)
        return keys, links

    def _note_failure(self, call: Call, failure: MattingError) -> None:
        """Records the failure in the journal. If that fails too, the caller still gets the answer.

        A deferred call is left out: its task may have started and records its own end.
        """
        if self.journal is None or call.job is None or call.reservation is None or self._is_deferred(call):
            return
        account = call.reservation.account
        if not account.retains:
            return
        try:
            self.journal.failed(account.account_id, call.request, call.job, failure)
        except (ClientError, BotoCoreError):
            self.logger.exception("noting the failed call failed")

    def _report(self, call: Call, response: Response, reason: str) -> None:
        """Log one line per request and count it; never a body, key, signature or link."""
        api, total_ms, cold_start = call.contract.NAME, call.elapsed_ms, is_cold_start()
        self.logger.info(
            "request",
            request_id=call.request.request_id,
            api=api,
            route=f"{call.request.method} {call.request.path}",
            status=response.status,
            reason=reason or "ok",
            stages_ms={name: round(ms, 1) for name, ms in call.timer.stages_ms.items()},
            max_rss_kib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            **call.notes,
            cold_start=cold_start,
            # Lambda bills this and, of a cold start, INIT; its own report line has the sum.
            billed_ms=total_ms,
        )
        count_request(self.metrics, api, reason or "ok", total_ms, call.notes.get("charge_micros", 0))
        if cold_start:
            count_cold_start(self.metrics)


def _task_id_of(job: Job | None) -> str:
    return job.options.task_id if job is not None and isinstance(job.options, TaskOptions) else ""


def _has_links(job: Job | None) -> bool:
    """Return whether there are ever links to the results: none of a task whose answers carry the pixels."""
    return job is None or not isinstance(job.options, TaskOptions) or job.options.return_type != AS_BASE64


def _data_link(body: bytes, content_type: str) -> str:
    return f"data:{content_type};base64,{base64.b64encode(body).decode()}"


def _time_left_ms(call: Call, limit_ms: int, margin_ms: int = 0) -> int:
    """`limit_ms`, or less where the caller's gateway gives up before: its clock runs from the request on.

    Raises ServiceFault(TIMED_OUT) where no time is left, so that a caller who is gone is neither served nor charged.
    """
    age_ms = round((time.time() - call.request.received_at) * 1000)
    if not 0 <= age_ms <= _MAX_AGE_MS:  # no age, but a clock that is wrong
        age_ms = call.elapsed_ms
    left_ms = min(limit_ms, _GATEWAY_MS + margin_ms - age_ms)
    if left_ms <= 0:
        raise ServiceFault(Reason.TIMED_OUT, "the call waited too long to be worked")
    return left_ms


def _parse(call: Call) -> None:
    """Parses the request. A refusal is kept for later: the caller's rate and quota come first."""
    try:
        call.job = call.contract.parse(call.request)
    except InputRefused as error:
        call.refusal = error
