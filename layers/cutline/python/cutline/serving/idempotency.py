"""`Idempotency-Key`: a repeated POST gets the first answer again and is charged once.

One item per account, API and key, in the meter's table (draft-ietf-httpapi-idempotency-key-header):

    running   a call with this key is under way; `lapses_at` bounds how long a dead one blocks the key
    done      its answer, and the reservation that pays for it

Only answers to calls that succeeded are kept. A failed call takes its claim back, so that its retry is a first try.
"""

import dataclasses
import hashlib
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

from cutline.accounts.meter import Reservation
from cutline.contracts.wire import Job, Response
from cutline.errors import AccessRefused, Reason, ServiceFault

# Longer than a synchronous function may run, so that nobody takes over from a call that is still alive.
LEASE_S = 30
DEFAULT_KEEP_S = 24 * 3600
_POLL_S = 0.25
# DynamoDB's items end at 400 KB; what is larger goes to the bucket.
_MAX_INLINE_BYTES = 256 * 1024
_RACE = "ConditionalCheckFailedException"


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
class Claim:
    """A call's right to do the work behind a key; `first` is set where another call has done it already."""

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
    """Claims keys and remembers answers in `table`."""

    def __init__(
        self, table: Any, answers: AnswerStore, sleep: Callable[[float], None] = time.sleep, wait_s: float = LEASE_S
    ) -> None:
        self._table = table
        self._answers = answers
        self._sleep = sleep
        self._wait_s = wait_s

    def claim(self, account_id: str, api: str, key: str, job: Job, keep_s: int = 0) -> Claim:
        """The right to work, or the first answer; waits while another call with the key is at work.

        Raises AccessRefused(IDEMPOTENCY_MISMATCH) where the key stands for another request, and
        ServiceFault(OVERLOADED) where the other call takes too long.
        """
        fingerprint = fingerprint_of(job)
        claim = Claim(
            account_id,
            pk=f"IDEMPOTENT#{account_id}",
            sk=f"{api}#{hashlib.sha256(key.encode()).hexdigest()}",
            owner=uuid.uuid4().hex,
            expires_at=int(time.time()) + (keep_s or DEFAULT_KEEP_S),
        )
        deadline = time.monotonic() + self._wait_s
        while True:
            item = self._take(claim, fingerprint)
            if item is None:
                return claim
            if item["fingerprint"] != fingerprint:
                raise AccessRefused(Reason.IDEMPOTENCY_MISMATCH, "this Idempotency-Key was used with another request")
            if item["state"] == "done":
                return dataclasses.replace(claim, first=self._first(item))
            if time.monotonic() > deadline:
                raise ServiceFault(Reason.OVERLOADED, "a call with this Idempotency-Key is still at work")
            self._sleep(_POLL_S)

    def keep(self, claim: Claim, response: Response, reservation: Reservation, *, settles: bool = True) -> None:
        """Keeps the answer, before the call is charged: who repeats it pays, if the first call dies in between.

        Raises ServiceFault(OVERLOADED) where the claim has lapsed and is another call's now.
        """
        values: dict[str, Any] = {
            ":done": "done",
            ":owner": claim.owner,
            ":status": response.status,
            ":headers": dict(response.headers),
            ":day": reservation.day,
            ":call": reservation.call_id,
            ":settles": settles,
        }
        if len(response.body) <= _MAX_INLINE_BYTES:
            place, values[":body"] = "body", response.body
        else:
            place, values[":body"] = "body_key", self._answers.put_answer(claim.account_id, response.body)
        try:
            self._table.update_item(
                Key=claim.key,
                UpdateExpression="SET #state = :done, #status = :status, headers = :headers, #day = :day,"
                f" call_id = :call, settles = :settles, {place} = :body",
                ConditionExpression="#owner = :owner",
                ExpressionAttributeNames={"#state": "state", "#status": "status", "#owner": "owner", "#day": "day"},
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != _RACE:
                raise
            raise ServiceFault(Reason.OVERLOADED, "another call has taken over this Idempotency-Key") from error

    def forget(self, claim: Claim) -> None:
        """Takes the claim of a failed call back; an answer that is already kept stays."""
        try:
            self._table.delete_item(
                Key=claim.key,
                ConditionExpression="#owner = :owner AND #state = :running",
                ExpressionAttributeNames={"#owner": "owner", "#state": "state"},
                ExpressionAttributeValues={":owner": claim.owner, ":running": "running"},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != _RACE:
                raise

    def _take(self, claim: Claim, fingerprint: str) -> Mapping[str, Any] | None:
        """None once the claim is ours, otherwise the item that stands in its way."""
        now = int(time.time())
        try:
            self._table.put_item(
                Item={
                    **claim.key,
                    "state": "running",
                    "owner": claim.owner,
                    "fingerprint": fingerprint,
                    "lapses_at": now + LEASE_S,
                    "expires_at": claim.expires_at,
                },
                # Expired items linger until DynamoDB gets round to them, so the condition looks at the time itself.
                ConditionExpression="attribute_not_exists(pk) OR expires_at < :now"
                " OR (#state = :running AND (lapses_at < :now OR #owner = :owner))",
                ExpressionAttributeNames={"#state": "state", "#owner": "owner"},
                ExpressionAttributeValues={":now": now, ":running": "running", ":owner": claim.owner},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != _RACE:
                raise
            item: Mapping[str, Any] | None = self._table.get_item(Key=claim.key, ConsistentRead=True).get("Item")
            # Gone in between: the other call failed and took its claim back, so the next turn of the loop gets it.
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
    return hashlib.sha256(_canonical((job.source, job.cut, job.options)).encode()).hexdigest()


def _canonical(value: object) -> str:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, tuple):
        return f"({','.join(map(_canonical, value))})"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [field.name for field in dataclasses.fields(value) if field.compare]
        return f"{type(value).__name__}({','.join(f'{name}={_canonical(getattr(value, name))}' for name in fields)})"
    return repr(value)
