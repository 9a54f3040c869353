"""The end of a call's reservation: settled, with its answer kept under its key, or given back. docs/charging.md."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from botocore.exceptions import BotoCoreError, ClientError

from cutline.accounts.meter import Meter
from cutline.adapters.dynamodb import may_have_written
from cutline.contracts.wire import Response
from cutline.errors import MattingError, Reason, ServiceFault
from cutline.serving.boundary import failure_of
from cutline.serving.call import Call
from cutline.serving.deadline import deadline
from cutline.serving.idempotency import Idempotency


class Settlement:
    """Ends reservations and leases."""

    def __init__(self, meter: Meter, idempotency: Idempotency, logger: Logger, metrics: Metrics) -> None:
        self._meter = meter
        self._idempotency = idempotency
        self._logger = logger
        self._metrics = metrics

    def settle(self, call: Call, response: Response, left_ms: Callable[[], int]) -> None:
        """Charge a served call, together with keeping its answer under its key. `left_ms`: the time left for that.

        `left_ms` raises where the caller is gone by now: nothing is charged, and the hold expires. Where it stays open
        whether the write was applied, the answer is given all the same: the caller has been, or at worst has not been,
        charged for what it gets.
        """
        reservation, api = call.reservation, call.contract.NAME
        if not call.to_settle or reservation is None:
            return
        limit_ms = left_ms()
        try:
            with deadline(limit_ms), call.timer.stage("settle"):
                if call.lease is None:
                    self._meter.settle(reservation, api)
                else:
                    self._idempotency.keep(call.lease, response, self._meter.settlement(reservation, api))
        except Exception as error:
            timed_out = isinstance(error, ServiceFault) and error.reason is Reason.TIMED_OUT
            open_ended = timed_out or may_have_written(error)
            # Should the write come late after all, it finds neither the hold nor the lease, and does nothing.
            if not open_ended or (call.lease is not None and not self._idempotency.is_kept(call.lease)):
                self.release(call)
                self.forget(call)
                raise
            failure_of(error, call.request.request_id, self._logger, self._metrics)
        call.notes["charge_micros"] = reservation.account.price_of(api)

    def release(self, call: Call) -> None:
        """Give the call's reservation back."""
        self.undo("releasing the reservation failed", self._meter.release, call.reservation, call.contract.NAME)

    def forget(self, call: Call) -> None:
        """Give the lease on the call's Idempotency-Key back, if it has one."""
        if call.lease is not None:
            self.undo("releasing the lease on the key failed", self._idempotency.forget, call.lease)

    def undo(self, message: str, undo: Callable[..., object], *arguments: Any) -> None:
        """Give something back. A failure is logged: what is not given back expires, so the answer does not change."""
        try:
            undo(*arguments)
        except (ClientError, BotoCoreError, MattingError):
            self._logger.exception(message)
