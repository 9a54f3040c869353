"""Limits the calls in progress, and stops taking calls before the server ends."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from cutline.errors import Reason, ServiceFault


class Admission:
    """Admits at most `limit` calls at once, which bounds their memory and their waiting time."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._inside = 0
        self._closed = False
        self._changed = threading.Condition()

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def inside(self) -> int:
        return self._inside

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Raises ServiceFault(OVERLOADED) instead of waiting."""
        with self._changed:
            if self._closed or self._inside >= self._limit:
                raise ServiceFault(Reason.OVERLOADED, "stopping" if self._closed else "too many calls at once")
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def close(self, limit_s: float) -> bool:
        """Admits no further calls and waits for those in progress; False if some still run after `limit_s`."""
        end = time.monotonic() + limit_s
        with self._changed:
            self._closed = True
            return self._changed.wait_for(lambda: self._inside == 0, max(0.0, end - time.monotonic()))
