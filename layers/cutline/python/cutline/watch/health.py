"""What each part of a deployment says of itself: tried, timed, and named without a key, an address or an account.

All are tried at the same time, which is bounded: one that hangs is broken, and does not hold up the others.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np
from botocore.exceptions import ClientError

from cutline.errors import MattingError
from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.cutout import Predictor, matte_picture
from cutline.pipeline.options import CutOptions
from cutline.pipeline.timing import StageTimer
from cutline.watch.figure import MIN_IOU, figure, figure_png, fit

# Short of the function's time-out, and longer than a client of AWS tries.
LIMIT_S = 20.0
_LENGTHS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
_PROBE = b"health"


class Broken(Exception):
    """A part does not do its work. The message is for the operator."""


@dataclass(frozen=True)
class Part:
    """A part as it was found; `detail` says more, or what is wrong."""

    ok: bool
    detail: str
    ms: int

    @property
    def document(self) -> dict[str, Any]:
        """Return it as the answer has it."""
        return {"ok": self.ok, "ms": self.ms, "detail": self.detail}


def examine(parts: Mapping[str, Callable[[], str]], limit_s: float = LIMIT_S) -> dict[str, Part]:
    """Try every part, each of which returns a detail or raises; by name, in the order given."""
    pool = ThreadPoolExecutor(max_workers=len(parts))
    running = {name: pool.submit(_tried, check) for name, check in parts.items()}
    wait(running.values(), limit_s)
    pool.shutdown(wait=False, cancel_futures=True)
    return {name: _found(future, limit_s) for name, future in running.items()}


def _found(future: "Future[Part]", limit_s: float) -> Part:
    return future.result() if future.done() else Part(False, "no answer in time", round(limit_s * 1000))


def _tried(check: Callable[[], str]) -> Part:
    begun, ok = time.monotonic(), False
    try:
        detail, ok = check(), True
    except Broken as broken:
        detail = str(broken)
    except Exception as error:  # the boundary of one part; an error's own text may hold a name or an address
        detail = _word(error)
    return Part(ok, detail, round((time.monotonic() - begun) * 1000))


def _word(error: BaseException) -> str:
    """Return what AWS or we call the error: a code and no text."""
    cause = error.__cause__
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    if isinstance(error, MattingError):
        return f"{error.reason}: {_word(cause)}" if cause is not None else str(error.reason)
    return type(error).__name__


def network(load: Callable[[], Predictor]) -> str:
    """Cut the drawn figure out. Raises Broken and ServiceFault."""
    rgb_u8 = np.asarray(figure()[0])
    matte = matte_picture(Picture(rgb_u8, None, "PNG"), CutOptions(), load(), StageTimer())
    found = fit(matte.alpha_u8)
    if found < MIN_IOU:
        raise Broken(f"its alpha overlaps the figure by {found:.2f}, and should by {MIN_IOU}")
    return f"overlaps the figure by {found:.3f}"


def table(dynamodb: Any, name: str, key: Mapping[str, Any]) -> str:
    """Read an item that is not there, which takes all that reading one takes."""
    dynamodb.get_item(TableName=name, Key=dict(key))
    return "readable"


def files(put: Callable[[str, bytes], object], get: Callable[[str], bytes], key: str) -> str:
    """Write a file and read it again. Raises Broken and ServiceFault."""
    put(key, _PROBE)
    if get(key) != _PROBE:
        raise Broken("what was written is not what is read")
    return "writable, readable"


def queue(sqs: Any, url: str, most: int | None = None) -> str:
    """Count the messages. Raises Broken for more than `most`, in a queue whose alarm rings then."""
    said = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_LENGTHS))["Attributes"]
    waiting, taken = (int(said[name]) for name in _LENGTHS)
    text = f"{waiting} waiting, {taken} taken"
    if most is not None and waiting + taken > most:
        raise Broken(text)
    return text


def endpoint(kind: str, alpha: Callable[[bytes, str], bytes], awake_until: Callable[[], int]) -> str:
    """Ask a realtime endpoint; see whether an async one is awake, which it need not be. Raises EndpointFault."""
    if kind == "async":
        return "awake" if awake_until() > time.time() else "asleep: the CPU does its work"
    alpha(figure_png(), "image/png")
    return "answers"
