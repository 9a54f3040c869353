"""The tasks that are sent: what each brings along and how it has to end, faults or not."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import numpy as np

from devkit.clients import encoded, plain_picture
from devkit.listening import QuietHandler, listening

MIB = 1024 * 1024
_SLOW_S = 3.0


@dataclass(frozen=True)
class Kind:
    """A kind of task: its share of the load, its picture or address, and the state that it has to end in."""

    name: str
    share: int
    state: int
    image: bytes | None = None
    path: str = ""


def kinds() -> list[Kind]:
    """Good, corrupt, too large, empty, unreachable, oversized and slow."""
    good = plain_picture(640, 480, "JPEG")
    return [
        Kind("good upload", 45, 1, good),
        Kind("good address", 12, 1, path="/picture"),
        Kind("slow address", 8, 1, path="/slow"),
        Kind("corrupt", 10, -7, plain_picture(640, 480)[:3000]),
        Kind("too many pixels", 5, -7, encoded(np.zeros((8, 4097, 3), np.uint8), "PNG")),
        Kind("nothing on it", 5, -1, encoded(np.zeros((64, 64, 4), np.uint8), "PNG")),
        Kind("unreachable", 5, -3, path="/missing"),
        Kind("too large a file", 5, -5, path="/huge"),
        Kind("never ends", 5, -3, path="/stuck"),
    ]


def drawn(count: int, seed: int) -> list[Kind]:
    """`count` tasks in the shares of their kinds, shuffled."""
    every = kinds()
    chosen = random.Random(seed).choices(every, [kind.share for kind in every], k=count)
    # Each kind at least once, however small the run.
    return (every + chosen)[:count] if count < len(every) else [*every, *chosen[len(every) :]]


class _Site(QuietHandler):
    picture = plain_picture(640, 480, "JPEG")

    def do_GET(self) -> None:
        match self.path:
            case "/picture":
                self._send(self.picture)
            case "/slow":
                time.sleep(_SLOW_S)
                self._send(self.picture)
            case "/huge":
                self._send(b"", 15 * MIB + 1)
            case "/stuck":
                self._send(b"", 1000)
                time.sleep(30)
            case _:
                self.send_error(404)

    def _send(self, body: bytes, length: int = 0) -> None:
        with suppress(ConnectionError):  # who asked may have been killed meanwhile
            self.send_response(200)
            self.send_header("Content-Length", str(length or len(body)))
            self.end_headers()
            self.wfile.write(body)


@contextmanager
def site() -> Iterator[str]:
    """A web site with the pictures behind the addresses; its own address."""
    with listening(_Site) as url:
        yield url
