"""Which pictures a command is to work on, and where each one's result goes."""

import glob
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cutline.batch.folders import ENDINGS, LocalFolder
from cutline.commands.failure import CommandFailed

STREAM = "-"
RESULT_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp"})


@dataclass(frozen=True)
class PlannedCut:
    """One picture and where its result goes; None is stdin and stdout."""

    source: Path | None
    target: Path | None

    @property
    def name(self) -> str:
        """The picture, for messages."""
        return str(self.source or "stdin")


def plan(sources: Iterable[str], out: str | None, suffix: str) -> list[PlannedCut]:
    """Every picture once, with its target: beside it, in the folder `out`, or where `out` is called like a picture.

    A picture x.jpg becomes x.jpg<suffix>, so that x.jpg and x.png stay apart. Raises CommandFailed.
    """
    found = list(dict.fromkeys(item for text in sources for item in _expand(text, out)))
    if not found:
        raise CommandFailed("there are no pictures there")
    to_stdout = out == STREAM or (out is None and found == [(None, Path())])
    to_file = out is not None and Path(out).suffix.lower() in RESULT_ENDINGS and not Path(out).is_dir()
    if not (to_stdout or to_file):
        return _apart([PlannedCut(source, _target(source, relative, out, suffix)) for source, relative in found])
    if len(found) > 1:
        raise CommandFailed(f"{'stdout' if to_stdout else out} can take only one picture")
    return [PlannedCut(found[0][0], None if to_stdout or out is None else Path(out))]


def _apart(planneds: list[PlannedCut]) -> list[PlannedCut]:
    """The planneds, none of which would replace another's result or picture. Raises CommandFailed."""
    taken: dict[Path | None, PlannedCut] = {}
    pictures = {planned.source.resolve() for planned in planneds if planned.source}
    for planned in planneds:
        if planned.target and planned.target.resolve() in pictures:
            raise CommandFailed(f"{planned.name} would become {planned.target}, which is itself among the pictures")
        first = taken.setdefault(planned.target, planned)
        if first is not planned:
            raise CommandFailed(f"{first.name} and {planned.name} would both become {planned.target}")
    return planneds


def _expand(text: str, out: str | None) -> Iterator[tuple[Path | None, Path]]:
    """Each picture and its name below `out`: a file, a pattern's files, a folder's pictures, or stdin."""
    if text == STREAM:
        yield None, Path()
        return
    path = Path(text)
    if path.is_dir():
        yield from _expand_folder(path, out)
    elif path.exists() or not glob.has_magic(text):
        yield path, Path(path.name)
    else:
        for match in sorted(glob.glob(text, recursive=True)):  # noqa: PTH207 (pathlib's refuses absolute patterns)
            yield from _expand(match, out)


def _expand_folder(folder: Path, out: str | None) -> Iterator[tuple[Path, Path]]:
    if out is None:
        raise CommandFailed(f"{folder} is a folder: say with --out where its results go")
    if out == STREAM or Path(out).resolve().is_relative_to(folder.resolve()):
        raise CommandFailed("--out must be a folder outside the pictures' own: results there would be pictures again")
    for name in LocalFolder(folder, (*ENDINGS, ".gif")).pictures():
        yield folder / name, Path(name)


def _target(source: Path | None, relative: Path, out: str | None, suffix: str) -> Path:
    if source is None:
        raise CommandFailed("the result of stdin goes to a file or to stdout: say --out FILE.png")
    if out is None:
        return source.with_name(source.name + suffix)
    return Path(out, relative.with_name(relative.name + suffix))
