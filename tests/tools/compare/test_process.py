"""A peer's answers, however it writes them."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.compare.process import PeerFailed, PeerProcess

Start = Callable[[str], PeerProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a peer that does this for every picture."""
    begun: list[PeerProcess] = []

    def call(work: str) -> PeerProcess:
        script = f"import os, sys, time\nfor line in sys.stdin:\n    {work}"
        with (tmp_path / "log").open("ab") as log:
            begun.append(PeerProcess([sys.executable, "-c", script], 1, log, limit_s=20))
        return begun[-1]

    yield call
    for process in begun:
        process.close()


@pytest.mark.parametrize(
    "work",
    [
        r"os.write(1, b'done\n')",
        r"os.write(1, b'a note\ndone\n')",
        r"os.write(1, b'done\na note\n')",
        r"os.write(1, b'a note\ndo'); time.sleep(0.2); os.write(1, b'ne\n')",
        r"os.write(1, b'done'); time.sleep(0.2); os.write(1, b' or nearly\ndone\n')",
    ],
)
def test_one_answer_is_heard_for_every_picture_among_whatever_else_is_said(start: Start, work: str) -> None:
    peer = start(work)
    for _ in range(3):
        assert peer.take(Path("in.jpg"), Path("out.png")).wall_s < 15


@pytest.mark.parametrize("work", ["sys.exit()", "os.write(1, b'a note'); sys.exit()"])
def test_a_peer_that_ends_is_distinguished_from_one_that_answers(start: Start, work: str) -> None:
    with pytest.raises(PeerFailed, match="its process ended"):
        start(work).first(Path("in.jpg"), Path("out.png"))
