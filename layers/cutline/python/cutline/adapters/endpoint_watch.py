"""Whether the asynchronous endpoint is awake: a circuit breaker that all workers share by one item in DynamoDB.

An endpoint without an instance answers nothing for minutes. So it is asked only while an answer of the last minute
proves that it is awake; otherwise the picture goes to the CPU at once. Meanwhile one picture every two minutes is also
queued at the endpoint without waiting for the answer: the queue wakes the endpoint, and the answer shows that it woke.
The item is in the tasks' table, whose other ids are UUIDs:

pk           "endpoint/<name>"
awake_until  unix second until which the last answer counts as proof
looked_at    when a worker last checked the probe
probe        where the answer to the last probe will be; probed_at: when it was sent
"""

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from cutline.adapters.dynamodb import ConditionFailed, write_if
from cutline.adapters.sagemaker import EndpointFault, GpuEndpoint, Trouble
from cutline.errors import ServiceFault

# Scaling takes the last instance after minutes without work, so an answer proves more than a minute.
AWAKE_S = 60
# How often one of the workers checks the probe, and how long each relies on the answer.
CHECK_S = 5
# A probe stays queued beyond the next one, so that the queue is never empty while tasks come.
PROBE_S, PROBE_TTL_S = 120, 180
_SILENT = frozenset({Trouble.TIMED_OUT, Trouble.UNAVAILABLE})
_NOT_PROVEN = "(attribute_not_exists(awake_until) OR awake_until <= :now)"
_TURN = f"{_NOT_PROVEN} AND (attribute_not_exists(looked_at) OR looked_at <= :before)"


class QueuedEndpoint(GpuEndpoint, Protocol):
    """An endpoint that also queues a picture without waiting for the answer."""

    def queue(self, picture: bytes, content_type: str, ttl_s: int) -> str:
        """Where the answer will be. Raises ClientError and BotoCoreError."""

    def has_answered(self, output: str) -> bool:
        """Return whether it is there. Raises ClientError and BotoCoreError."""


class WatchedEndpoint:
    """Implements `GpuEndpoint`: asks while the endpoint is awake, otherwise refuses at once with Trouble.ASLEEP."""

    def __init__(
        self, endpoint: QueuedEndpoint, table: Any, name: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._endpoint = endpoint
        self._table = table
        self._key = {"pk": f"endpoint/{name}"}
        self._clock = clock
        self._awake = False
        self._relied_on_until = 0
        self._proven_at = 0

    def alpha(self, picture: bytes, content_type: str) -> bytes:
        """Raises EndpointFault."""
        if not self.is_awake(picture, content_type):
            raise EndpointFault(Trouble.ASLEEP)
        try:
            maps = self._endpoint.alpha(picture, content_type)
        except EndpointFault as fault:
            if fault.trouble in _SILENT:
                self.stayed_silent()
            raise
        self.answered()
        return maps

    def is_awake(self, picture: bytes, content_type: str) -> bool:
        """Return whether the endpoint may be asked; if not, the picture may have become a probe."""
        now = int(self._clock())
        if now >= self._relied_on_until:
            self._relied_on_until = now + CHECK_S
            try:
                self._awake = self._check(now, picture, content_type)
            except (ClientError, BotoCoreError, ServiceFault):
                self._awake = False  # unknown: the CPU does the work
        return self._awake

    def answered(self) -> None:
        """Notes that the endpoint answered, at most once in half of `AWAKE_S`."""
        now = int(self._clock())
        if now >= self._proven_at + AWAKE_S // 2:
            self._proven_at = now
            self._note(now + AWAKE_S)

    def stayed_silent(self) -> None:
        """Notes that the endpoint did not answer, so that no worker waits for it."""
        self._proven_at = 0
        self._note(0)

    def _check(self, now: int, picture: bytes, content_type: str) -> bool:
        try:
            item = write_if(
                self._table.update_item,
                _TURN,
                Key=self._key,
                UpdateExpression="SET looked_at = :now",
                ExpressionAttributeValues={":now": now, ":before": now - CHECK_S},
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )["Attributes"]
        except ConditionFailed as met:
            return int(met.item.get("awake_until", 0)) > now
        # An older probe proves nothing: the endpoint may have answered it and gone to sleep since.
        if now >= int(item.get("probed_at", 0)) + PROBE_S:
            output = self._endpoint.queue(picture, content_type, PROBE_TTL_S)
            self._set("SET probe = :probe, probed_at = :now", {":probe": output, ":now": now})
            return False
        if not self._endpoint.has_answered(item["probe"]):
            return False
        self._note(now + AWAKE_S)
        return True

    def _note(self, awake_until: int) -> None:
        now = int(self._clock())
        self._awake, self._relied_on_until = awake_until > now, now + CHECK_S
        # If this write fails, the next worker that checks finds out again.
        with contextlib.suppress(ClientError, BotoCoreError):
            self._set("SET awake_until = :until REMOVE probe, probed_at", {":until": awake_until})

    def _set(self, expression: str, values: Mapping[str, Any]) -> None:
        self._table.update_item(Key=self._key, UpdateExpression=expression, ExpressionAttributeValues=dict(values))
