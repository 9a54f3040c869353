"""A sandbox's output on its way into the function's log, which sandboxes and the REPORT lines share."""

import contextlib
import fcntl
import os
import threading
from typing import IO

_CHUNK_BYTES = 65536
# A function that fills the pipe waits for the next `copy`; a MiB is more than any writes between two of them.
_PIPE_BYTES = 1024 * 1024


class LogPipe:
    """`writer` is the file descriptor for stdout and stderr; `copy` moves what has come so far.

    Python's `print` writes a line and its end in two writes, so two sandboxes that wrote straight into the log would
    now and then share a line. Here only whole lines are copied, as many as there are with one write.
    """

    def __init__(self, log: IO[bytes]) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        with contextlib.suppress(OSError):  # beyond the user's share of pipe memory the usual 64 KiB have to do
            fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._begun = b""
        self._closed = False

    def copy(self) -> None:
        """Everything that was written before this call is in the log after it, but for a line without its end."""
        with self._lock:
            if not self._closed:
                self._copy()

    def close(self) -> None:
        """Copies the rest, an unfinished line too. Call it once all writers are closed."""
        with self._lock:
            if self._closed:
                return
            self._copy()
            if self._begun:
                self._append(self._begun + b"\n")
            self._closed = True
            os.close(self._reader)
            os.close(self.writer)

    def _copy(self) -> None:
        while chunk := self._read():
            lines, end, rest = chunk.rpartition(b"\n")
            if end:
                self._append(self._begun + lines + end)
                self._begun = b""
            self._begun += rest

    def _read(self) -> bytes:
        try:
            return os.read(self._reader, _CHUNK_BYTES)
        except BlockingIOError:
            return b""

    def _append(self, lines: bytes) -> None:
        if not self._log.closed:
            self._log.write(lines)
