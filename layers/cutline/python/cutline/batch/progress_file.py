"""What is known of each picture of a batch, kept in one file beside the results."""

import json
import threading
import time
from dataclasses import asdict, dataclass

from cutline.batch.folders import Folder

FILE = ".cutline-batch.json"
_SAVE_EVERY_S = 1.0
DONE, FAILED = "done", "failed"


@dataclass(frozen=True)
class Entry:
    """One picture so far.

    mark: which content and which options it is about. attempt: how often it has failed before. source: its upload, and
    uploaded_at when that was made. outcome: "", "done" or "failed", the latter with state and message.
    """

    mark: str
    attempt: int = 0
    source: str = ""
    uploaded_at: float = 0.0
    task_id: str = ""
    outcome: str = ""
    state: int = 0
    message: str = ""


class Ledger:
    """Entries by name; saved at most once a second, because the file holds them all."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._saved_at = 0.0
        text = folder.find(FILE)
        self._entries = {name: Entry(**fields) for name, fields in json.loads(text or b"{}").items()}

    def get(self, name: str) -> Entry | None:
        """What is known of a picture."""
        return self._entries.get(name)

    def put(self, name: str, entry: Entry, *, at_once: bool = False) -> None:
        """Notes what is known now; `at_once` for what must not be lost."""
        with self._lock:
            self._entries[name] = entry
            if at_once or time.monotonic() - self._saved_at >= _SAVE_EVERY_S:
                self._save()

    def save(self) -> None:
        """Writes everything down."""
        with self._lock:
            self._save()

    def _save(self) -> None:
        document = {name: asdict(entry) for name, entry in sorted(self._entries.items())}
        self._folder.write(FILE, json.dumps(document, indent=1).encode())
        self._saved_at = time.monotonic()
