"""One call from the gate to the answer, the same for every contract.

    method -> authenticate -> parse -> reserve -> fetch -> decode -> cut out -> store -> render -> settle

A call that fails gives its reservation back, is logged and counted once, and is answered in the contract's words.
"""

import base64
import resource
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from botocore.exceptions import BotoCoreError, ClientError

from cutline.accounts.account import Account
from cutline.accounts.gate import Gate
from cutline.accounts.meter import HOLD_S, Reservation
from cutline.adapters.result_store import ResultStore
from cutline.adapters.sources import Sources
from cutline.contracts.wire import Contract, Job, Outcome, Quota, Request, Response, Source
from cutline.errors import InputRefused, MattingError, Reason, ServiceFault
from cutline.serving.boundary import failure_of
from cutline.serving.call import Call, Deferral, Journal, Processor, Produced
from cutline.serving.deadline import Expired, deadline
from cutline.serving.idempotency import FirstAnswer, Idempotency, KeyLease
from cutline.serving.proxy_event import fits_the_proxy
from cutline.serving.telemetry import count_request, is_cold_start, time_stages

NO_TASKS = "Invalid sync: this account keeps no results, so it has no background tasks"


@dataclass(frozen=True, kw_only=True)
class Service:
    """Serves the calls of one function; built once per process.

    `results` is None if answers carry the pixels themselves, `journal` if no route asks about a call later, `deferral`
    if every call is worked at once.
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

    def handle(self, contract: Contract, request: Request) -> Response:
        """The contract's answer, always: a refusal or fault is an answer too."""
        return self.answer(Call(contract, request), self._serve)

    def answer(self, call: Call, serve: Callable[[Call], Response]) -> Response:
        """What `serve` answers, or the contract's refusal: the boundary around every call."""
        try:
            with deadline(self.time_limit_ms):
                response = serve(call)
            reason = ""
        except Exception as error:
            failure = failure_of(error, call.request.request_id, self.logger, self.metrics)
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
            lease = self._lease(call, account)
        if lease is not None and lease.first is not None:
            return self._replay(call, account, lease.first)
        try:
            if self.deferral is not None and self._is_deferred(call):
                return self._defer(call, account, lease, self.deferral)
            return self._work_now(call, account, lease)
        except BaseException:
            if lease is not None:
                self._undo("releasing the lease on the key failed", self.idempotency.forget, lease)
            raise

    def _is_deferred(self, call: Call) -> bool:
        return self.deferral is not None and call.job is not None and self.deferral.takes(call.job)

    def _lease(self, call: Call, account: Account) -> KeyLease | None:
        """The lease behind an `Idempotency-Key`.

        None for a request that cannot be parsed, and for an account that retains nothing: it has no answer to repeat.
        """
        key = call.request.headers.get("idempotency-key", "").strip()
        if not key or call.request.method != "POST" or call.job is None or not account.retains:
            return None
        contract = call.contract
        return self.idempotency.lease(account.account_id, contract.NAME, key, call.job, contract.LINK_LIFETIME_S)

    def _replay(self, call: Call, account: Account, first: FirstAnswer) -> Response:
        """The first answer again; charged here if the first call died after keeping it, otherwise not again."""
        if first.settles:
            with call.timer.stage("settle"):
                self.gate.settle(Reservation(account, first.day, first.call_id, None), call.contract.NAME)
        call.notes["replayed"] = True
        return first.response

    def _work_now(self, call: Call, account: Account, lease: KeyLease | None) -> Response:
        """Reserves, works and settles. A call that fails is released."""
        api = call.contract.NAME
        reservation = self._reserve(call, account, HOLD_S)
        try:
            response = self._produce(call, reservation)
            if lease is not None:
                self.idempotency.keep(lease, response, reservation)
        except BaseException:
            self._undo("releasing the reservation failed", self.gate.release, reservation, api)
            raise
        with call.timer.stage("settle"):
            self.gate.settle(reservation, api)
        call.notes["charge_micros"] = account.price_of(api)
        return response

    def _defer(self, call: Call, account: Account, lease: KeyLease | None, deferral: Deferral) -> Response:
        """Reserves and hands over. Once accepted, the task ends the reservation."""
        reservation = self._reserve(call, account, deferral.hold_s)
        try:
            response = deferral.accept(call, reservation)
        except BaseException:
            self._undo("releasing the reservation failed", self.gate.release, reservation, call.contract.NAME)
            raise
        if lease is not None:
            try:
                self.idempotency.keep(lease, response, reservation, settles=False)
            except (ClientError, BotoCoreError, MattingError, Expired):
                # The task is under way: a caller who got an error would send, and pay for, it again.
                self.logger.exception("keeping the answer of an accepted task failed")
        return response

    def _reserve(self, call: Call, account: Account, hold_s: int) -> Reservation:
        with call.timer.stage("gate"):
            call.reservation = self.gate.reserve(account, call.contract, hold_s)
        return call.reservation

    def _produce(self, call: Call, reservation: Reservation) -> Response:
        """The answer to an admitted call, stored and noted."""
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
            facts=produced.facts,
        )
        response = contract.render(request, job, outcome)
        if not fits_the_proxy(response):
            raise ServiceFault(Reason.STORE_FAILED, "the answer is larger than a synchronous call can bring back")
        if self.journal is not None and account.retains:
            with call.timer.stage("note"):
                self.journal.finished(account.account_id, request, job, outcome)
        return response

    def _fetch(self, url: str, job: Job, account: Account) -> bytes:
        return self.sources.read(url, account.account_id, job.limits.max_bytes, once=not account.retains)

    def _with_backdrop(self, call: Call, job: Job, account: Account) -> Job:
        """The job with the bytes of its backdrop. Raises InputRefused(BACKDROP_UNREACHABLE)."""
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
        keys: dict[str, str] = {}
        links: dict[str, str] = {}
        if self.results is None or call.contract.LINK_LIFETIME_S == 0:
            return keys, links
        if not account.retains:
            return keys, {name: _data_link(*result) for name, result in produced.results.items()}
        expires_at = int(call.request.received_at) + call.contract.LINK_LIFETIME_S
        for name, (body, content_type) in produced.results.items():
            keys[name] = self.results.put(account.account_id, body, content_type)
            links[name] = self.results.link(call.request.base_url, keys[name], expires_at)
        return keys, links

    def _note_failure(self, call: Call, failure: MattingError) -> None:
        """Tells the journal. If that fails too, the caller still gets the answer.

        A call that wants its result later is left out: its task may be under way and notes its own end.
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

    def _undo(self, message: str, undo: Callable[..., None], *what: Any) -> None:
        """Gives something back. What cannot be given back lapses by itself, so the answer does not change."""
        try:
            undo(*what)
        except (ClientError, BotoCoreError):
            self.logger.exception(message)

    def _report(self, call: Call, response: Response, reason: str) -> None:
        """The one line per request, and the metrics; never a body, key, signature or link."""
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
        time_stages(self.metrics, call.timer.stages_ms, cold_start=cold_start)


def _data_link(body: bytes, content_type: str) -> str:
    return f"data:{content_type};base64,{base64.b64encode(body).decode()}"


def _parse(call: Call) -> None:
    """Parses the request. A refusal is kept for later: the caller's rate and quota come first."""
    try:
        call.job = call.contract.parse(call.request)
    except InputRefused as error:
        call.refusal = error
