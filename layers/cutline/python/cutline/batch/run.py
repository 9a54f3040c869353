"""One batch: every picture of a folder, several at a time, each done once."""

import csv
import hashlib
import io
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import Any

from cutline.batch.client import Refused, TasksClient
from cutline.batch.finishing import Finishing, unchanged
from cutline.batch.folders import NAME_ERRORS, Folder
from cutline.batch.progress_file import DONE, FAILED, Entry, Ledger
from cutline.batch.report import COLUMNS, ReportLine, read_report, spreadsheet_name, write_report
from cutline.batch.report import FILE as REPORT
from cutline.contracts import drops, task_record
from cutline.errors import Reason
from cutline.storage_keys import ENDINGS

FAILURES = "failures.csv"
BEFORE = "done before"
# Above this the picture goes to S3 by a ticket; about 4.4 MiB pass through a call.
INLINE_BYTES = 4_000_000
# An upload lives for a day.
_UPLOAD_KEEP_S = 20 * 3600
# The backdrop's name in the ledger, which no picture can have.
_BACKDROP = "/background"
_FIRST_ASK_S, _LONGEST_ASK_S = 0.5, 5.0
_TICK_S = 0.2
_WORDS = {
    task_record.FAILED: "no subject was found",
    task_record.STATES[Reason.STORE_FAILED]: "the result could not be stored",
    task_record.STATES[Reason.URL_UNREACHABLE]: "the upload expired before it was read",
    task_record.STATES[Reason.URL_TOO_LARGE]: "the file is too large",
    task_record.STATES[Reason.IMAGE_CORRUPT]: "the file cannot be decoded, or its picture is too large",
    task_record.STATES[Reason.TIMED_OUT]: "processing timed out",
}
# Results by `output_type`.
_RESULTS = {"1": ("image", "mask"), "3": ("mask",)}
Progress = Callable[[Counter[str], int], None]


@dataclass(frozen=True)
class Batch:
    """`fields` are PicWish's fields for all pictures; `recipe` names what `finishing` does with their results.

    backdrop: a picture file to put behind every subject.
    """

    source: Folder
    target: Folder
    client: TasksClient
    ledger: Ledger
    fields: Mapping[str, str]
    finishing: Finishing = unchanged
    recipe: str = ""
    backdrop: bytes | None = None
    lines: dict[str, ReportLine] = field(default_factory=dict)
    uploading: threading.Lock = field(default_factory=threading.Lock)

    def run(self, concurrency: int, stop: threading.Event, progress: Progress) -> Counter[str]:
        """Cut out every picture and count the outcomes. Raises Unrecoverable, OSError and ValueError."""
        pictures, counts = self.source.pictures(), Counter[str]()
        self._known_results()
        pool = ThreadPoolExecutor(concurrency)
        waiting: set[Future[str]] = set()
        try:
            waiting = {pool.submit(self._work, name, stamp) for name, stamp in pictures.items()}
            while waiting:
                progress(counts, len(pictures))
                ended, waiting = wait(waiting, _TICK_S, FIRST_COMPLETED)
                counts.update(future.result() for future in ended)
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)
            self.ledger.save()
            self._report()
        progress(counts, len(pictures))
        self._list_failures(list(pictures))
        return counts

    def _work(self, name: str, stamp: str) -> str:
        backdrop = [_file_digest(self.backdrop)] if self.backdrop is not None else []
        recipe = [self.recipe] if self.recipe else []
        mark = _digest(name, stamp, json.dumps(self.fields, sort_keys=True), *recipe, *backdrop)
        entry = self.ledger.get(name)
        if entry is None or entry.mark != mark:
            entry = Entry(mark)
        if entry.outcome == DONE:
            return BEFORE
        if entry.outcome == FAILED:
            entry = Entry(mark, entry.attempt + 1)
        try:
            self._check_target(name)
            entry, task = self._task(name, entry)
            if task["state"] == task_record.DONE:
                self._fetch(name, task)
                ended = replace(entry, outcome=DONE)
            else:
                ended = replace(entry, outcome=FAILED, state=task["state"], message=_WORDS.get(task["state"], ""))
        except Refused as error:
            noted = self.ledger.get(name)  # an upload of this attempt, or an earlier attempt's entry
            if noted is not None and (noted.mark, noted.attempt) == (mark, entry.attempt):
                entry = noted
            ended = replace(entry, outcome=FAILED, message=str(error))
        self.ledger.put(name, ended)
        if ended.outcome == FAILED:
            self.lines[name] = ReportLine(self.source.address(name), problem=ended.message or "failed")
        return ended.outcome

    def _check_target(self, name: str) -> None:
        """Raise Refused if a result cannot be written, before the service is called and charges for it."""
        try:
            for result in _RESULTS.get(self.fields.get("output_type", ""), ("image",)):
                for content_type in ENDINGS:
                    self.target.check(drops.result_key(name, result, content_type))
        except OSError as error:
            raise Refused(f"the result cannot be written: {error.strerror or error}") from error

    def _task(self, name: str, entry: Entry) -> tuple[Entry, dict[str, Any]]:
        """Return the entry and its ended task: the one that an earlier run created, or a new one."""
        if entry.task_id:
            task = self._await(entry.task_id)
            if task is not None:
                return entry, task
        try:
            data = self.source.read(name)
        except FileNotFoundError as error:
            raise Refused("the file no longer exists") from error
        except OSError as error:
            raise Refused(f"cannot read the file: {error.strerror or error}") from error
        picture: bytes | None = data
        fields = {**self.fields, **self._backdrop_fields()}
        key = _digest(name, _file_digest(data), json.dumps(fields, sort_keys=True), entry.attempt)
        if len(data) > INLINE_BYTES:
            entry = self._uploaded(name, entry, data)
            picture, fields["image_url"] = None, entry.source
        entry = replace(entry, task_id=self.client.submit(fields, picture, key))
        self.ledger.put(name, entry)
        task = self._await(entry.task_id)
        if task is None:
            raise Refused("the service no longer has the task")
        return entry, task

    def _backdrop_fields(self) -> dict[str, str]:
        """Upload the backdrop, once for all pictures, and return the field that names it. Raises Refused."""
        if self.backdrop is None:
            return {}
        with self.uploading:
            mark = _file_digest(self.backdrop)
            entry = self.ledger.get(_BACKDROP)
            if entry is None or entry.mark != mark:
                entry = Entry(mark)
            return {"background": self._uploaded(_BACKDROP, entry, self.backdrop).source}

    def _uploaded(self, name: str, entry: Entry, data: bytes) -> Entry:
        """Upload a file, unless the entry has an upload that still lives; return the entry, which is saved."""
        if entry.source and time.time() - entry.uploaded_at <= _UPLOAD_KEEP_S:
            return entry
        entry = replace(entry, source=self.client.upload(data), uploaded_at=time.time())
        # The same key with another source would be another request.
        self.ledger.put(name, entry, at_once=True)
        return entry

    def _await(self, task_id: str) -> dict[str, Any] | None:
        """Poll until the task has ended; None if the service no longer has it."""
        pause_s = _FIRST_ASK_S
        while True:
            task = self.client.show(task_id)
            if task is None or task["state"] == task_record.DONE or task["state"] < 0:
                return task
            self.client.wait(pause_s * random.uniform(0.8, 1.2))
            pause_s = min(pause_s * 1.5, _LONGEST_ASK_S)

    def _fetch(self, name: str, task: Mapping[str, Any]) -> None:
        line = ReportLine(self.source.address(name))
        for result in ("image", "mask"):
            if result in task:
                file, headers = self.client.download(task[result])
                made = self.finishing(file, headers) if result == "image" else unchanged(file, headers)
                key = drops.result_key(name, result, made.content_type)
                self._write(key, made.file)
                metadata = {column: made.metadata[column] for column in COLUMNS if column in made.metadata}
                # A mask is the result only if there is no picture.
                line = line if line.result else replace(line, **metadata, result=key)
        self.lines[name] = line

    def _write(self, key: str, file: bytes) -> None:
        """Write a result. Raises Refused if the file's name is the problem, as two pictures may need one path."""
        try:
            self.target.write(key, file)
        except OSError as error:
            if error.errno not in NAME_ERRORS:
                raise
            raise Refused(f"the result cannot be written: {error.strerror}") from error

    def _report(self) -> None:
        """Write the table of all results, including those of earlier runs."""
        self.target.write(REPORT, write_report(self.lines.values(), self._known_results()))

    def _known_results(self) -> dict[str, ReportLine]:
        """Read the report of earlier runs. Raises ValueError if it is damaged."""
        data = self.target.find(REPORT)
        try:
            return read_report(data) if data else {}
        except ValueError as error:
            raise ValueError(f"cannot read {REPORT}: {error}; move it away to start a new one") from error

    def _list_failures(self, names: list[str]) -> None:
        """Write the table of failed pictures with the reasons; only a header if none failed."""
        entries = {name: self.ledger.get(name) for name in names}
        text = io.StringIO(newline="")
        table = csv.writer(text)
        table.writerow(("picture", "state", "message", "task_id"))
        for name, entry in entries.items():
            if entry is not None and entry.outcome == FAILED:
                table.writerow((spreadsheet_name(name), entry.state or "", entry.message, entry.task_id))
        self.target.write(FAILURES, text.getvalue().encode("utf-8", "surrogateescape"))


def _file_digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _digest(*parts: object) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "surrogateescape")).hexdigest()
