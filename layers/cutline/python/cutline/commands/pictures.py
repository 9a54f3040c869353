"""The pictures that `cutline cut` works on, and where each one's result goes."""

import glob
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cutline.batch.folders import ENDINGS, LocalFolder
from cutline.commands.failure import CommandFailed
from cutline.local_file import real_path

STREAM = "-"
RESULT_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif"})


@dataclass(frozen=True)
class PlannedCut:
    """One picture and the path of its result; None is stdin and stdout."""

    source: Path | None
    target: Path | None

    @property
    def name(self) -> str:
        """Return the picture's name for messages."""
        return str(self.source or "stdin")


def plan(sources: Iterable[str], out: str | None, suffix: str) -> list[PlannedCut]:
    """Return every picture once, with its target: next to it, in the folder `out`, or the file `out`.

    A picture x.jpg becomes x.jpg<suffix>, so that x.jpg and x.png do not collide. Raises CommandFailed.
    """
    found = list(dict.fromkeys(item for text in sources for item in _expand(text, out)))
    if not found:
        raise CommandFailed("no pictures found")
    to_stdout = out == STREAM or (out is None and found == [(None, Path())])
    to_file = out is not None and Path(out).suffix.lower() in RESULT_ENDINGS and not Path(out).is_dir()
    if not (to_stdout or to_file):
        return _without_collisions(
            [PlannedCut(source, _target(source, relative, out, suffix)) for source, relative in found]
        )
    if len(found) > 1:
        raise CommandFailed(f"{'stdout' if to_stdout else out} can hold only one result")
    return [PlannedCut(found[0][0], None if to_stdout or out is None else Path(out))]


def _without_collisions(cuts: list[PlannedCut]) -> list[PlannedCut]:
    """Return the pictures if no result replaces another result or a picture. Raises CommandFailed."""
    taken: dict[Path | None, PlannedCut] = {}
    pictures = {real_path(planned.source) for planned in cuts if planned.source}
    for planned in cuts:
        if planned.target and real_path(planned.target) in pictures:
            raise CommandFailed(f"the result of {planned.name} would replace the picture {planned.target}")
        first = taken.setdefault(planned.target, planned)
        if first is not planned:
            raise CommandFailed(f"{first.name} and {planned.name} would both be written to {planned.target}")
    return cuts


def _expand(text: str, out: str | None) -> Iterator[tuple[Path | None, Path]]:
    """Yield each picture and its name below `out`: a file, a pattern's files, a folder's pictures, or stdin."""
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
        raise CommandFailed(f"{folder} is a folder: --out is required, for its results")
    if out == STREAM or real_path(Path(out)).is_relative_to(real_path(folder)):
        raise CommandFailed(f"--out must be a folder outside {folder}, or the next run would cut out the results")
    for name in LocalFolder(folder, (*ENDINGS, ".gif")).pictures():
        yield folder / name, Path(name)


def _target(source: Path | None, relative: Path, out: str | None, suffix: str) -> Path:
    if source is None:
        raise CommandFailed("a picture from stdin needs --out FILE.png, or --out - for stdout")
    if out is None:
        return source.with_name(source.name + suffix)
    return Path(out, relative.with_name(relative.name + suffix))
