"""A service of tasks in memory, for batches, and a run against it."""

import csv
import hashlib
import io
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from cutline.batch.client import Refused, Stopped
from cutline.batch.folders import LocalFolder
from cutline.batch.progress_file import Ledger
from cutline.batch.run import FAILURES, Batch


@dataclass
class Service:
    """Tasks in memory. One Idempotency-Key is one task, as with the true one; a bad picture is a failed task."""

    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    uploads: dict[str, bytes] = field(default_factory=dict)
    fields: list[dict[str, str]] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    stop_after: int | None = None
    result: bytes = b""

    def submit(self, fields: dict[str, str], picture: bytes | None, key: str) -> str:
        self._count("submit")
        self.fields.append(fields)
        if picture == b"refused":
            raise Refused("Invalid something")
        content = picture if picture is not None else self.uploads[fields["image_url"]]
        task_id = hashlib.sha256(key.encode()).hexdigest()[:12]
        if task_id not in self.tasks:
            state = -7 if content == b"bad" else 1
            self.tasks[task_id] = {"state": state, **({"image": f"link/{task_id}"} if state == 1 else {})}
        return task_id

    def show(self, task_id: str) -> dict[str, Any] | None:
        self._count("show")
        return None if task_id in self.lost else self.tasks[task_id]

    def upload(self, picture: bytes) -> str:
        self._count("upload")
        source = f"upload:{len(self.uploads)}"
        self.uploads[source] = picture
        return source

    def download(self, url: str) -> tuple[bytes, dict[str, str]]:
        self._count("download")
        headers = {"content-type": "image/png", "x-amz-meta-confidence": "0.9", "x-amz-meta-task-id": "1"}
        return self.result or f"result of {url}".encode(), headers

    def wait(self, delay_s: float) -> None:
        raise AssertionError("every task here ends at once")

    def _count(self, what: str) -> None:
        self.asked[what] += 1
        if self.stop_after is not None and self.asked.total() > self.stop_after:
            raise Stopped


def run(source: Any, target: Any, service: Any, backdrop: bytes | None = None, **fields: str) -> Counter[str]:
    batch = Batch(source, target, service, Ledger(target), {"sync": "0", **fields}, backdrop=backdrop)
    return batch.run(2, threading.Event(), lambda counts, total: None)


Folders = tuple[LocalFolder, LocalFolder]


def failures_in(target: LocalFolder) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(target.read(FAILURES).decode())))
