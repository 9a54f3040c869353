"""A bound on the time that one account's questions may take of a process: no writes, nothing shared.

Questions about tasks cost neither rate nor quota, and one about a result in base64 takes as long as a small cut-out. A
process answers one call at a time, so a share of its time is a share of the function's.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cutline.errors import AccessRefused, Reason

# Half of the time, and 2.5 seconds at once: 25 questions of 100 ms, or hundreds of small ones.
SHARE, BURST_S = 0.5, 2.5
_ACCOUNTS = 10_000


class TimeShare:
    """What each account's questions have taken, as a bucket that empties at `SHARE` of the clock's speed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # The moment at which the account's bucket is empty.
        self._empty_at: dict[str, float] = {}

    @contextmanager
    def of(self, account_id: str) -> Iterator[None]:
        """Take the block's time from the account's share. Raises AccessRefused(RATE_EXCEEDED) if it is used up."""
        began = self._clock()
        empty_at = max(self._empty_at.get(account_id, began), began)
        if empty_at - began > BURST_S / SHARE:
            raise AccessRefused(Reason.RATE_EXCEEDED)
        try:
            yield
        finally:
            if len(self._empty_at) > _ACCOUNTS:
                self._empty_at.clear()
            self._empty_at[account_id] = empty_at + (self._clock() - began) / SHARE
