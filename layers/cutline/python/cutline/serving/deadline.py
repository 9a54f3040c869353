"""A bound on a call's time that also interrupts code which reads no clock.

Python code only: a signal's handler waits for native code to return, so untrusted images are decoded in a child
process (`cutline.pipeline.codecs.decoder_process`), and encoders ask first how much time is left.
"""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from cutline.errors import Reason, ServiceFault
from cutline.pipeline.timing import ends_at


class Expired(BaseException):
    """Not an Exception: SDKs catch those inside a call and would try it again."""


@contextmanager
def deadline(limit_ms: int) -> Iterator[None]:
    """Raises ServiceFault(TIMED_OUT) inside the block after `limit_ms`. Main thread only, as Lambda's handlers are."""

    armed = True

    def expire(number: int, frame: FrameType | None) -> None:
        if armed:
            raise Expired

    previous = signal.signal(signal.SIGALRM, expire)
    token = ends_at.set(time.monotonic() + limit_ms / 1000)
    signal.setitimer(signal.ITIMER_REAL, limit_ms / 1000)
    try:
        try:
            yield
        finally:
            # An alarm that comes before this assignment is caught below, one that comes after it does nothing.
            armed = False
    except Expired as error:
        raise ServiceFault(Reason.TIMED_OUT, f"the call took longer than {limit_ms} ms") from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        ends_at.reset(token)
