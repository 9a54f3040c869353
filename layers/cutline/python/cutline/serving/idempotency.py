"""`Idempotency-Key`: a repeated POST gets the first answer again and is charged once.

One item per account, API and key, in the meter's table (draft-ietf-httpapi-idempotency-key-header):

    running   a call with this key is in flight; `lapses_at` bounds how long a dead one blocks the key
    done      its answer, which was kept and charged in one transaction
    seed      the id of a task of the call: a call that takes over from a dead one continues the same task

Only answers to calls that succeeded are kept. A failed call gives its lease back, so its retry is a first try.
"""

import dataclasses
import hashlib
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from cutline.adapters.dynamodb import ConditionFailed, ConditionsFailed, Item, Write, write_all, write_if
from cutline.contracts.wire import Job, Response
from cutline.errors import AccessRefused, Reason, ServiceFault
from cutline.storage_keys import IDEMPOTENT

# Longer than a synchronous function may run, so that a live call keeps its lease.
LEASE_S = 30
DEFAULT_KEEP_S = 24 * 3600
_POLL_S, _MAX_POLL_S = 0.25, 1.0
# A write costs by the kilobyte, twice in a transaction; links are shorter than this, pictures go to the bucket.
_MAX_INLINE_BYTES = 4 * 1024


class AnswerStore(Protocol):
    """Keeps the bodies of answers that are too large for the table."""

    def put_answer(self, account_id: str, body: bytes) -> str:
        """Stores the body and returns its key. Raises ServiceFault(STORE_FAILED)."""

    def get(self, key: str) -> bytes:
        """Return a stored body. Raises ServiceFault(STORE_FAILED)."""


@dataclass(frozen=True)
class KeyLease:
    """A call's right, for a time, to do the work behind a key.

    first: reads the answer of another call that has done it. busy: another call is at work, and there is no right yet.
    seed: the same for all holders of the lease until one gives it back. again: there was a holder before.
    """

    account_id: str
    pk: str
    sk: str
    owner: str
    fingerprint: str
    expires_at: int
    seed: str = ""
    again: bool = False
    first: Callable[[], Response] | None = None
    busy: bool = False

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
        """Return the right to work, the first answer, or that another call with the key is at work.

        Raises AccessRefused(IDEMPOTENCY_MISMATCH) where the key stands for another request.
        """
        lease = KeyLease(
            account_id,
            pk=IDEMPOTENT + account_id,
            sk=f"{api}#{hashlib.sha256(key.encode()).hexdigest()}",
            owner=uuid.uuid4().hex,
            fingerprint=fingerprint_of(job),
            expires_at=int(time.time()) + (keep_s or DEFAULT_KEEP_S),
            seed=str(uuid.uuid4()),
        )
        return self._take(lease)

    def wait(self, lease: KeyLease) -> KeyLease:
        """Wait, by polling, until the call that holds the key has ended; return the lease.

        Raises ServiceFault(OVERLOADED) where the other call takes too long, and what `lease` raises.
        """
        deadline, pause = time.monotonic() + self._wait_s, _POLL_S
        while time.monotonic() < deadline:
            self._sleep(pause)
            pause = min(pause * 1.5, _MAX_POLL_S)
            item = self._read(lease)
            if item is None or not _is_at_work(item):
                lease = self._take(dataclasses.replace(lease, busy=False))
                if not lease.busy:
                    return lease
        raise ServiceFault(Reason.OVERLOADED, "a call with this Idempotency-Key is still at work")

    def keep(self, lease: KeyLease, response: Response, payment: Write | None = None) -> None:
        """Keeps the answer and does the `payment` for it, both or neither.

        Raises ServiceFault(OVERLOADED) where the lease has expired and another call holds it, or the payment's
        reservation has ended; then nothing is kept. After an error that leaves it open, ask `is_kept`.
        """
        values: dict[str, Any] = {
            ":done": "done",
            ":running": "running",
            ":owner": lease.owner,
            ":status": response.status,
            ":headers": dict(response.headers),
        }
        if len(response.body) <= _MAX_INLINE_BYTES:
            place, values[":body"] = "body", response.body
        else:
            place, values[":body"] = "body_key", self._answers.put_answer(lease.account_id, response.body)
        keeping = {
            "Key": lease.key,
            "UpdateExpression": f"SET #state = :done, #status = :status, headers = :headers, {place} = :body",
            "ConditionExpression": "#owner = :owner AND #state = :running",
            "ExpressionAttributeNames": {"#state": "state", "#status": "status", "#owner": "owner"},
            "ExpressionAttributeValues": values,
        }
        try:
            write_all(self._table, [keeping] if payment is None else [keeping, payment])
        except ConditionsFailed as error:
            if _is_kept_by(lease, error.items[0]):  # this very write came twice
                return
            raise ServiceFault(Reason.OVERLOADED, "another call has taken over this Idempotency-Key") from error

    def is_kept(self, lease: KeyLease) -> bool:
        """Return whether the answer of this lease is kept, and so charged."""
        return _is_kept_by(lease, self._read(lease))

    def forget(self, lease: KeyLease) -> None:
        """Gives the lease of a failed call back; an answer that is already kept stays.

        A lease that was taken over is left to expire: the dead call's task continues under the same seed.
        """
        if lease.again:
            return
        with suppress(ConditionFailed):
            write_if(
                self._table.delete_item,
                "#owner = :owner AND #state = :running",
                Key=lease.key,
                ExpressionAttributeNames={"#owner": "owner", "#state": "state"},
                ExpressionAttributeValues={":owner": lease.owner, ":running": "running"},
            )

    def _take(self, lease: KeyLease) -> KeyLease:
        # DynamoDB deletes expired items late, so the condition looks at the time itself.
        free = "attribute_not_exists(pk) OR expires_at < :now OR (#state = :running AND #owner = :owner)"
        try:
            self._put(lease, free, {":now": int(time.time()), ":running": "running", ":owner": lease.owner})
        except ConditionFailed as error:
            return self._resolve(lease, error.item)
        return lease

    def _resolve(self, lease: KeyLease, item: Item) -> KeyLease:
        """Return the lease that follows from the existing item."""
        if not item:
            return dataclasses.replace(lease, busy=True)
        dead = item["state"] == "running" and not _is_at_work(item)
        if item["fingerprint"] != lease.fingerprint and not dead:
            raise AccessRefused(Reason.IDEMPOTENCY_MISMATCH, "this Idempotency-Key was used with another request")
        if item["state"] == "done":
            return dataclasses.replace(lease, first=partial(self._first, item))
        if not dead:
            return dataclasses.replace(lease, busy=True)
        if item["fingerprint"] == lease.fingerprint:
            lease = dataclasses.replace(lease, seed=item.get("seed", lease.seed), again=True)
        try:
            self._put(
                lease,
                "#state = :running AND (#owner = :theirs OR #owner = :owner)",
                {":running": "running", ":theirs": item["owner"], ":owner": lease.owner},
            )
        except ConditionFailed:  # another call was quicker
            return dataclasses.replace(lease, busy=True)
        return lease

    def _put(self, lease: KeyLease, condition: str, values: Mapping[str, Any]) -> None:
        now = int(time.time())
        item = {
            **lease.key,
            "state": "running",
            "owner": lease.owner,
            "fingerprint": lease.fingerprint,
            "seed": lease.seed,
            "lapses_at": now + LEASE_S,
            "expires_at": lease.expires_at,
        }
        write_if(
            self._table.put_item,
            condition,
            Item=item,
            ExpressionAttributeNames={"#state": "state", "#owner": "owner"},
            ExpressionAttributeValues=dict(values),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    def _read(self, lease: KeyLease) -> Item | None:
        item: Item | None = self._table.get_item(Key=lease.key, ConsistentRead=True).get("Item")
        return item

    def _first(self, item: Item) -> Response:
        body = self._answers.get(item["body_key"]) if "body_key" in item else bytes(item["body"])
        return Response(int(item["status"]), {**item["headers"], "Idempotency-Replayed": "true"}, body)


def _is_at_work(item: Item) -> bool:
    return item["state"] == "running" and int(item["lapses_at"]) >= int(time.time())


def _is_kept_by(lease: KeyLease, item: Item | None) -> bool:
    return item is not None and item.get("owner") == lease.owner and item.get("state") == "done"


def fingerprint_of(job: Job) -> str:
    """Return the fingerprint of a request: its picture and options, however they were written.

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
