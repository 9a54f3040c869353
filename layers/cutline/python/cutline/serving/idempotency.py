"""`Idempotency-Key`: a repeated POST gets the first answer again and is charged once.

One item per account, API and key, in the meter's table (draft-ietf-httpapi-idempotency-key-header):

    running   a call with this key is under way; `lapses_at` bounds how long a dead one blocks the key
    done      its answer, and the reservation that pays for it

Only answers to calls that succeeded are kept. A failed call gives its lease back, so its retry is a first try.
"""

import dataclasses
import hashlib
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from cutline.accounts.meter import Reservation
from cutline.adapters.dynamodb import ConditionFailed, write_if
from cutline.contracts.wire import Job, Response
from cutline.errors import AccessRefused, Reason, ServiceFault
from cutline.storage_keys import IDEMPOTENT

# Longer than a synchronous function may run, so that nobody takes over from a call that is still alive.
LEASE_S = 30
DEFAULT_KEEP_S = 24 * 3600
_POLL_S = 0.25
# DynamoDB's items end at 400 KB; what is larger goes to the bucket.
_MAX_INLINE_BYTES = 256 * 1024


class AnswerStore(Protocol):
    """Keeps the bodies of answers that are too large for the table."""

    def put_answer(self, account_id: str, body: bytes) -> str:
        """Stores the body and returns its key. Raises ServiceFault(STORE_FAILED)."""

    def get(self, key: str) -> bytes:
        """A stored body. Raises ServiceFault(STORE_FAILED)."""


@dataclass(frozen=True)
class FirstAnswer:
    """What the first call with a key answered, and the reservation that pays for it.

    `settles` is False where the answer was a promise: the task that keeps it is charged when it is done.
    """

    response: Response
    day: str
    call_id: str
    settles: bool


@dataclass(frozen=True)
class KeyLease:
    """A call's right, for a time, to do the work behind a key; `first` is set where another call has done it."""

    account_id: str
    pk: str
    sk: str
    owner: str
    expires_at: int
    first: FirstAnswer | None = None

    @property
    def key(self) -> dict[str, str]:
        return {"pk": self.pk, "sk": self.sk}


class Idempotency:
    """Leases keys and keeps answers in `table`."""

    def __init__(
        self, table: Any, answers: AnswerStore, sleep: Callable[[float], None] = time.sleep, wait_s: float = LEASE_S
    ) -> None:
        self._table = table
        self._answers = answers
        self._sleep = sleep
        self._wait_s = wait_s

    def lease(self, account_id: str, api: str, key: str, job: Job, keep_s: int = 0) -> KeyLease:
        """The right to work, or the first answer; waits while another call with the key is at work.

        Raises AccessRefused(IDEMPOTENCY_MISMATCH) where the key stands for another request, and
        ServiceFault(OVERLOADED) where the other call takes too long.
        """
        fingerprint = fingerprint_of(job)
        lease = KeyLease(
            account_id,
            pk=IDEMPOTENT + account_id,
            sk=f"{api}#{hashlib.sha256(key.encode()).hexdigest()}",
            owner=uuid.uuid4().hex,
            expires_at=int(time.time()) + (keep_s or DEFAULT_KEEP_S),
        )
        deadline = time.monotonic() + self._wait_s
        while True:
            item = self._take(lease, fingerprint)
            if item is None:
                return lease
            if item["fingerprint"] != fingerprint:
                raise AccessRefused(Reason.IDEMPOTENCY_MISMATCH, "this Idempotency-Key was used with another request")
            if item["state"] == "done":
                return dataclasses.replace(lease, first=self._first(item))
            if time.monotonic() > deadline:
                raise ServiceFault(Reason.OVERLOADED, "a call with this Idempotency-Key is still at work")
            self._sleep(_POLL_S)

    def keep(self, lease: KeyLease, response: Response, reservation: Reservation, *, settles: bool = True) -> None:
        """Keeps the answer, before the call is charged: who repeats it pays, if the first call dies in between.

        Raises ServiceFault(OVERLOADED) where the lease has lapsed and is another call's now.
        """
        values: dict[str, Any] = {
            ":done": "done",
            ":owner": lease.owner,
            ":status": response.status,
            ":headers": dict(response.headers),
            ":day": reservation.day,
            ":call": reservation.call_id,
            ":settles": settles,
        }
        if len(response.body) <= _MAX_INLINE_BYTES:
            place, values[":body"] = "body", response.body
        else:
            place, values[":body"] = "body_key", self._answers.put_answer(lease.account_id, response.body)
        try:
            write_if(
                self._table.update_item,
                "#owner = :owner",
                Key=lease.key,
                UpdateExpression="SET #state = :done, #status = :status, headers = :headers, #day = :day,"
                f" call_id = :call, settles = :settles, {place} = :body",
                ExpressionAttributeNames={"#state": "state", "#status": "status", "#owner": "owner", "#day": "day"},
                ExpressionAttributeValues=values,
            )
        except ConditionFailed as error:
            raise ServiceFault(Reason.OVERLOADED, "another call has taken over this Idempotency-Key") from error

    def forget(self, lease: KeyLease) -> None:
        """Gives the lease of a failed call back; an answer that is already kept stays."""
        with suppress(ConditionFailed):
            write_if(
                self._table.delete_item,
                "#owner = :owner AND #state = :running",
                Key=lease.key,
                ExpressionAttributeNames={"#owner": "owner", "#state": "state"},
                ExpressionAttributeValues={":owner": lease.owner, ":running": "running"},
            )

    def _take(self, lease: KeyLease, fingerprint: str) -> Mapping[str, Any] | None:
        """None once the lease is ours, otherwise the item that stands in its way."""
        now = int(time.time())
        try:
            write_if(
                self._table.put_item,
                # DynamoDB deletes expired items late, so the condition looks at the time itself.
                "attribute_not_exists(pk) OR expires_at < :now"
                " OR (#state = :running AND (lapses_at < :now OR #owner = :owner))",
                Item={
                    **lease.key,
                    "state": "running",
                    "owner": lease.owner,
                    "fingerprint": fingerprint,
                    "lapses_at": now + LEASE_S,
                    "expires_at": lease.expires_at,
                },
                ExpressionAttributeNames={"#state": "state", "#owner": "owner"},
                ExpressionAttributeValues={":now": now, ":running": "running", ":owner": lease.owner},
            )
        except ConditionFailed:
            item: Mapping[str, Any] | None = self._table.get_item(Key=lease.key, ConsistentRead=True).get("Item")
            # Gone in between: the other call failed and took its lease back, so the next turn of the loop gets it.
            return item or {"fingerprint": fingerprint, "state": "running"}
        return None

    def _first(self, item: Mapping[str, Any]) -> FirstAnswer:
        body = self._answers.get(item["body_key"]) if "body_key" in item else bytes(item["body"])
        headers = {**item["headers"], "Idempotency-Replayed": "true"}
        response = Response(int(item["status"]), headers, body)
        return FirstAnswer(response, item["day"], item["call_id"], bool(item["settles"]))


def fingerprint_of(job: Job) -> str:
    """What makes two requests the same: the picture and everything asked of it, however it was written.

    A retry may differ in its multipart boundary, signature and date. Fields that a dataclass does not compare by, such
    as the id that every new task is given, do not count.
    """
    asked = (job.source, job.cut, job.options, *(() if job.backdrop is None else (job.backdrop,)))
    return hashlib.sha256(_canonical(asked).encode()).hexdigest()


def _canonical(value: object) -> str:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, tuple):
        return f"({','.join(map(_canonical, value))})"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [field.name for field in dataclasses.fields(value) if field.compare]
        return f"{type(value).__name__}({','.join(f'{name}={_canonical(getattr(value, name))}' for name in fields)})"
    return repr(value)
