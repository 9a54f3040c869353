"""Mends of stored results: the link's token admits the call, and the strokes make a new version under the same link.

One mend of a result is at work at a time, by a lease in the meter's table; a second one waits for it and adds to it.
The writes of a mend, in order: what the new version was made of; each file's present version under another key, then
the new one, the main part last; the task's record. A mend that dies before the last file is as if it had not begun.

    DERIVED#<folder of the result's versions> MEND   until: unix second at which the lease expires; owner
"""

import math
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cutline.accounts.account import Account, AccountStore
from cutline.accounts.gate import Gate
from cutline.accounts.meter import Meter
from cutline.adapters.dynamodb import ConditionFailed, write_if
from cutline.adapters.result_store import ResultStore
from cutline.contracts import mend
from cutline.contracts.wire import Contract, Job, MendMetadata, Request
from cutline.errors import AccessRefused, InputRefused, MattingError, Reason
from cutline.pipeline.mend import View
from cutline.pipeline.outputs.mend_file import Kept, KeptFile, is_last_mend, mend_kept, open_kept
from cutline.pipeline.outputs.metadata import ResultMetadata
from cutline.pipeline.stroke import MendOptions, Stroke
from cutline.pipeline.timing import StageTimer
from cutline.serving.call import Produced
from cutline.serving.mend_store import MendStore, Part, account_of, find_part
from cutline.storage_keys import DERIVED

# Longer than the function runs.
LEASE_S = 30
# Of one result; each is kept as long as the result.
MAX_MENDS = 20
# How often and at which intervals a mend looks whether another one of its result has ended.
_POLLS, _POLL_S = 20, 0.25
_REMEMBERED_S = 86_400


class LinkGate(Gate):
    """Admits the holder of a link's token as the account of the result, whichever APIs its keys may call."""

    def __init__(self, accounts: AccountStore, meter: Meter, table: Any, results: ResultStore) -> None:
        super().__init__(accounts, meter, table)
        self._accounts = accounts
        self._results = results

    def authenticate(self, contract: Contract, request: Request) -> Account:
        """Return the account. Raises InputRefused(NOT_FOUND) for forged and expired tokens, and AccessRefused."""
        key, _ = self._results.open_link(mend.token_of(request), request.received_at)
        account = self._accounts.account(account_of(key))
        if account is None:
            raise InputRefused(Reason.NOT_FOUND)
        if not account.enabled:
            raise AccessRefused(Reason.ACCOUNT_DISABLED)
        return account


@dataclass(frozen=True)
class MendProcessor:
    """Mends results. `note`: writes a task's new metadata into its record."""

    results: ResultStore
    store: MendStore
    leases: Any
    note: Callable[[str, ResultMetadata], None]
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def process(self, data: bytes, job: Job, timer: StageTimer) -> Produced:
        """Mend the result and return its new version. Raises MattingError."""
        options = job.options
        assert isinstance(options, MendOptions)
        key, left_s = self.results.open_link(options.token, options.received_at)
        with timer.stage("load"):
            shown = find_part(self.results, key)
        with self._lease(shown.folder):
            version, kept, notes = self._mend(shown, options.strokes, timer)
        url = self.results.link(options.base_url, key, math.ceil(options.received_at) + left_s)
        view = kept.view
        metadata = MendMetadata(url, version, kept.changed)
        return Produced(int(view["width"]), int(view["height"]), {}, {"version": version, **notes}, metadata)

    def _mend(self, shown: Part, strokes: tuple[Stroke, ...], timer: StageTimer) -> tuple[int, Kept, Mapping[str, Any]]:
        """Return the result's version, what is kept of it and the notes for the log. The lease is held.

        shown: the file that the strokes are over, as it was before the lease.
        """
        folder = shown.folder
        with timer.stage("load"):
            first = open_kept(self.store.get(folder, 1))
            # Of image and mask the image; its version is the result's.
            parts = sorted(
                (find_part(self.results, part) for part in first.kept.keys.values()), key=lambda part: part.name
            )
            main, *others = parts
            last = first if main.version == 1 else open_kept(self.store.get(folder, main.version))
        if any(part.folder != folder for part in parts):
            raise InputRefused(Reason.NOT_FOUND)  # a drop that was replaced
        if is_last_mend(last.kept, strokes):
            if last.kept.task_id and last.kept.metadata:
                # The first try may have died before its last write.
                self.note(last.kept.task_id, ResultMetadata.from_json(last.kept.metadata))
            return main.version, last.kept, {}
        if main.version > MAX_MENDS:
            raise InputRefused(Reason.PARAMETER_INVALID, f"A result can be mended {MAX_MENDS} times")
        made = mend_kept(first, last, self._view_of(shown, first, last, main.version), strokes, timer)
        version = main.version + 1
        with timer.stage("store"):
            self.store.put(folder, version, made.file)
            found, task_id = made.files.metadata, made.kept.task_id
            metadata = {"task-id": task_id, **found.object_metadata} if task_id else {}
            for part in (*others, main):
                self.store.replace(part, version, made.files.files[part.name], made.files.content_type, metadata)
            if task_id:
                self.note(task_id, found)
        return version, made.kept, found.notes

    def _view_of(self, shown: Part, first: KeptFile, last: KeptFile, version: int) -> View:
        """Return the view of the version that was shown: the mend that this one waited for may have moved the frame."""
        known = {1: first, version: last}
        at = min(shown.version, version)
        file = known[at] if at in known else open_kept(self.store.get(shown.folder, at))
        return View.from_document(dict(file.kept.view))

    @contextmanager
    def _lease(self, folder: str) -> Iterator[None]:
        """Let no other call mend the result meanwhile. Raises AccessRefused(RATE_EXCEEDED) if one does for long."""
        owner = uuid.uuid4().hex
        for _ in range(_POLLS):
            if self._take(folder, owner):
                break
            self.sleep(_POLL_S)
        else:
            raise AccessRefused(Reason.RATE_EXCEEDED)
        try:
            yield
        finally:
            self._give_back(folder, owner)

    def _give_back(self, folder: str, owner: str) -> None:
        """End the lease. A failure is logged: the result is mended, and the lease expires."""
        try:
            with suppress(ConditionFailed):
                self._write(folder, "#owner = :owner", {":owner": owner, ":until": 0}, "SET #until = :until")
        except (ClientError, BotoCoreError, MattingError):
            self.store.logger.exception("ending the lease on a result failed")

    def _take(self, folder: str, owner: str) -> bool:
        now = int(self.clock())
        free = "attribute_not_exists(#until) OR #until < :now OR #owner = :owner"
        values = {":owner": owner, ":now": now, ":until": now + LEASE_S, ":end": now + _REMEMBERED_S}
        try:
            self._write(folder, free, values, "SET #until = :until, #owner = :owner, expires_at = :end")
        except ConditionFailed:
            return False
        return True

    def _write(self, folder: str, condition: str, values: Mapping[str, Any], update: str) -> None:
        write_if(
            self.leases.update_item,
            condition,
            Key={"pk": DERIVED + folder, "sk": "MEND"},
            UpdateExpression=update,
            ExpressionAttributeNames={"#until": "until", "#owner": "owner"},
            ExpressionAttributeValues=dict(values),
        )
