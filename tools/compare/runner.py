"""All peers side by side, each ready for the next picture."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tools.compare.peers import BUILD
from tools.compare.process import PeerFailed, PeerProcess, Taken


@dataclass
class Runner:
    """The peers in the race, seconds to their first results, and why others are out of it."""

    folder: Path
    processes: dict[str, PeerProcess] = field(default_factory=dict)
    starts_s: dict[str, float] = field(default_factory=dict)

    def each(self, source: Path) -> Iterator[tuple[str, Taken, Path]]:
        """Every peer's time for this picture, one after the other, and its result; who fails is out."""
        for name in list(self.processes):
            target = self.folder / "result.png"
            try:
                yield name, self.processes[name].take(source, target), target
            except PeerFailed as failure:
                self.drop(name, failure)

    def drop(self, name: str, failure: PeerFailed) -> None:
        """Leave a peer out from here on, and say so."""
        print(f"{name}: not run further: {failure}")
        self.processes.pop(name).close()


@contextmanager
def running(
    commands: dict[str, list[str]], threads: int, limit_s: float, folder: Path, first: Path
) -> Iterator[Runner]:
    """Peers started one after the other, so that no start slows another's; each has done the `first` picture."""
    runner = Runner(folder)
    with (BUILD / "peers.log").open("ab") as log:
        try:
            for name, command in commands.items():
                process = runner.processes[name] = PeerProcess(command, threads, log, limit_s)
                try:
                    runner.starts_s[name] = process.first(first, folder / "result.png")
                except PeerFailed as failure:
                    runner.drop(name, failure)
            yield runner
        finally:
            for process in runner.processes.values():
                process.close()
