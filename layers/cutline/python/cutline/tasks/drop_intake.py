"""The intake of dropped pictures: an event of S3's becomes a task of the flow, once, in any order of events.

A task's id is made of the object's name, content and time. The task is put on record first; its reservation and its
execution carry the same id, so an intake that died halfway is simply done again.
"""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote_plus

from cutline.accounts.account import Account, AccountStore
from cutline.accounts.meter import Meter, day_of
from cutline.adapters.input_files import FileInfo, InputFiles
from cutline.adapters.result_store import ResultStore
from cutline.contracts import drops, picwish, task_record
from cutline.errors import AccessRefused, InputRefused, MattingError, Reason
from cutline.storage_keys import DROPS
from cutline.tasks.charge import reservation_of
from cutline.tasks.state_machine import StateMachine
from cutline.tasks.step import Step
from cutline.tasks.store import KEEP_S, TaskStore
from cutline.tasks.task import PENDING_S, Task, WorkOrder

_SPACE = uuid.UUID("6b3f0d5e-0f63-5e0b-9a54-2f6c1c1d8f7a")

# To a role that may not list the bucket, S3 answers the same for a deleted picture as for one that it may not
# read, such as one encrypted with a key of its owner's. The second is a fault of the stack, so it is logged.
UNSEEN = "gone or unreadable"


@dataclass(frozen=True)
class Dropped:
    """An object of an event: its key, and the ETag of its content."""

    key: str
    etag: str


@dataclass(frozen=True)
class Intake:
    """Takes one message of the queue."""

    accounts: AccountStore
    meter: Meter
    tasks: TaskStore
    files: InputFiles
    results: ResultStore
    machine: StateMachine
    clock: Callable[[], float] = time.time

    def run(self, body: str, step: Step) -> str:
        """Return the outcome: "no drop", "long key", UNSEEN, "stale", "known", "started" or the reason of a refusal."""
        # S3 puts one record into a message, and promises nothing about it.
        return ", ".join(self._one(dropped, step) for dropped in read_event(body, self.files.bucket)) or "no drop"

    def _one(self, dropped: Dropped, step: Step) -> str:
        if len(dropped.key.encode()) > drops.MAX_KEY_BYTES:
            return "long key"  # the key of a result or an error file would be too long
        with step.stage("look"):
            found = self.files.head(dropped.key)
        if found is None:
            return UNSEEN
        if found.etag != dropped.etag:
            return "stale"  # replaced: there is another event
        task_id = task_id_of(self.files.bucket, dropped.key, found)
        step.notes["task_id"] = task_id
        with step.stage("look up"):
            task = self.tasks.find(task_id)
        if task is not None and task.record.state != task_record.QUEUED:
            return "known"
        try:
            with step.stage("take"):
                return self._take(dropped.key, found, task_id, task, step)
        except (InputRefused, AccessRefused) as error:
            with step.stage("refuse"):
                self._refuse(dropped.key, task_id, error)
            return str(error.reason)

    def _take(self, key: str, found: FileInfo, task_id: str, task: Task | None, step: Step) -> str:
        """Start the task; return the outcome. Raises InputRefused and AccessRefused."""
        drop = drops.parse(key, found.metadata)
        account = self._account(drop.account_id)
        step.notes["account_id"] = account.account_id
        added = False
        if task is None:
            task = self._task(replace(drop, options=replace(drop.options, task_id=task_id)), account, key, found)
            added = self.tasks.add(task)
            if not added:  # another intake of the same event is at work, and both go on as one
                task = self.tasks.find(task_id) or task
        try:
            # Not rate_limited: what bounds drops is how many messages are taken in at once.
            held = self.meter.reserve(
                account, task_id, task.record.created_at, PENDING_S, rate_limited=False, again=True
            )
        except AccessRefused:
            state, returned = self._end(task)
            if state == task_record.DONE:  # by another intake, which reserved a place: no refusal
                return "known"
            if not returned:
                self.meter.refuse(account, picwish.NAME, task.record.created_at)
            raise
        if not (added or held.already_held) and self._has_ended(task_id):
            # By another intake of the same event and its execution, since `find`: this hold would be a second place.
            self.meter.cancel(held)
            return "known"
        if not self.machine.start(task_id) and added and self.clock() - found.modified.timestamp() > KEEP_S:
            # The execution is of days ago, and its record has gone since: this event was worked then.
            self._end(task)
            return "known"
        return "started"

    def _has_ended(self, task_id: str) -> bool:
        task = self.tasks.find(task_id)
        return task is None or task.has_ended

    def _end(self, task: Task) -> tuple[int, bool]:
        """Fails a task that will not be worked; its state, and whether a place of the quota came back.

        Another intake may have got a place, and its execution may have been quicker than this.
        """
        self.tasks.fail(task.record.task_id, task_record.FAILED, int(self.clock()))
        ended = self.tasks.find(task.record.task_id)
        state = task_record.FAILED if ended is None else ended.record.state
        return state, state < 0 and self.meter.release(reservation_of(task), picwish.NAME)

    def _account(self, account_id: str) -> Account:
        account = self.accounts.account(account_id)
        if account is None:
            raise AccessRefused(Reason.KEY_UNKNOWN)
        if not account.enabled:
            raise AccessRefused(Reason.ACCOUNT_DISABLED)
        if account.apis is not None and picwish.NAME not in account.apis:
            raise AccessRefused(Reason.API_NOT_ALLOWED)
        if not account.retains:
            raise InputRefused(Reason.PARAMETER_INVALID, "this account keeps no pictures, so drops are not worked")
        return account

    def _task(self, drop: drops.Drop, account: Account, key: str, found: FileInfo) -> Task:
        now, task_id = int(self.clock()), drop.options.task_id
        record = task_record.TaskRecord(task_id, drop.account_id, task_record.QUEUED, now, None, None, drop.options)
        order = WorkOrder(
            cut=drop.cut,
            day=day_of(now),
            call_id=task_id,
            price_micros=account.price_of(picwish.NAME),
            base_url="",
            source_key=key,
            source_etag=found.etag,
            result_key=key,
        )
        return Task(record, order)

    def _refuse(self, key: str, task_id: str, error: MattingError) -> None:
        document = drops.error_file(task_id, error.reason, error.detail)
        self.results.put_at(drops.error_key(key), document, "application/json", {"task-id": task_id})
        self.results.delete(*drops.result_keys(key))  # of a file that was here before


def task_id_of(bucket: str, key: str, found: FileInfo) -> str:
    """Return the task id of an object: the same for every event about it, another once it is replaced."""
    return str(uuid.uuid5(_SPACE, "\n".join([bucket, key, found.etag, found.modified.isoformat()])))


def read_event(body: str, bucket: str) -> list[Dropped]:
    """Return the objects that a notification of S3's is about; none for its test message and all other messages.

    S3 encodes keys as forms do: a blank is "+", and all but letters, digits, "/" and a few signs are %xx.
    """
    records = _object(body).get("Records")
    dropped = (_dropped(record, bucket) for record in (records if isinstance(records, list) else []))
    return [one for one in dropped if one is not None]


def _dropped(record: Any, bucket: str) -> Dropped | None:
    try:
        if record["eventSource"] != "aws:s3" or not record["eventName"].startswith("ObjectCreated:"):
            return None
        name, found = record["s3"]["bucket"]["name"], record["s3"]["object"]
        key, etag = unquote_plus(found["key"]), found["eTag"]
        key.encode()
    except (LookupError, TypeError, AttributeError, UnicodeError):
        return None
    return Dropped(key, etag) if name == bucket and key.startswith(DROPS) else None


def _object(body: str) -> Mapping[str, Any]:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}
