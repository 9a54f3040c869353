"""The state of each picture of a batch, kept in one file next to the results."""

import json
import threading
import time
from dataclasses import asdict, dataclass, fields

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


_TYPES = {field.name: type(field.default) for field in fields(Entry)} | {"mark": str}


class Ledger:
    """Entries by name; saved at most once a second, because the file holds them all.

    The constructor raises ValueError if the file is damaged.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._saved_at = 0.0
        self._entries = _parse(folder.find(FILE) or b"{}")

    def get(self, name: str) -> Entry | None:
        """Return the entry of a picture."""
        return self._entries.get(name)

    def put(self, name: str, entry: Entry, *, at_once: bool = False) -> None:
        """Set the entry of a picture; `at_once` saves it before returning."""
        with self._lock:
            self._entries[name] = entry
            if at_once or time.monotonic() - self._saved_at >= _SAVE_EVERY_S:
                self._save()

    def save(self) -> None:
        """Save all entries."""
        with self._lock:
            self._save()

    def _save(self) -> None:
        document = {name: asdict(entry) for name, entry in sorted(self._entries.items())}
        self._folder.write(FILE, json.dumps(document, indent=1).encode())
        self._saved_at = time.monotonic()


def _parse(data: bytes) -> dict[str, Entry]:
    """Parse the file. Raises ValueError."""
    try:
        entries = {name: Entry(**values) for name, values in json.loads(data).items()}
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"cannot read {FILE}: {error}; remove it to start over") from error
    for name, entry in entries.items():
        if any(type(value) is not _TYPES[key] for key, value in asdict(entry).items()):
            raise ValueError(f"cannot read {FILE}: the entry of {name} is damaged; remove the file to start over")
    return entries
