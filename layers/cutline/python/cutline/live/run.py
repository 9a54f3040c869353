"""One check of many pictures, each judged once; an interrupted run goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cutline.batch.folders import LocalFolder
from cutline.batch.report import FILE as REPORT
from cutline.batch.report import ReportLine, problem_of, read_report, write_report
from cutline.errors import MattingError
from cutline.library import Cutter
from cutline.live.download import Downloads
from cutline.live.listing import Listed
from cutline.local_file import read_file, real_path
from cutline.pipeline.outputs.metadata import ResultMetadata
from cutline.pipeline.outputs.profiles import Profile
from cutline.review.page import render_page
from cutline.storage_keys import ENDINGS

PAGE = "check.html"
PROGRESS = ".cutline-check.jsonl"
_NAME_CHARS = 60


@dataclass(frozen=True)
class Judged:
    """A picture's line of the report, the number of rules that it fails, and the line of what was made instead."""

    line: ReportLine
    faults: int = 0
    made: ReportLine | None = None


@dataclass(frozen=True)
class CheckRun:
    """out: the folder of report and page; mend: the folder of what is cut out and published of pictures that fail."""

    cutter: Cutter
    profile: Profile
    downloads: Downloads
    out: Path
    mend: Path | None = None

    def work(self, pictures: list[Listed], progress: Callable[[int, list[Judged]], None]) -> list[Judged]:
        """Judge every picture and write the reports, worst first. Raises OSError and ServiceFault."""
        self.out.mkdir(parents=True, exist_ok=True)
        journal = self.out / PROGRESS
        known = dict(_read_progress(journal))
        judged: list[Judged] = []
        try:
            with journal.open("a", encoding="utf-8") as file:
                # After a line that was cut short; an empty one is passed over.
                file.write("\n")
                for picture in pictures:
                    progress(len(judged), judged)
                    mark = self._mark(picture)
                    if mark in known:
                        judged.append(known[mark])
                        continue
                    judged.append(self._judge(picture))
                    file.write(json.dumps({"mark": mark, **asdict(judged[-1])}) + "\n")
                    file.flush()
        finally:
            judged = worst_first(judged)
            self._report(judged)
        journal.unlink()
        progress(len(judged), judged)
        return judged

    def _mark(self, picture: Listed) -> str:
        """Name the picture, its file's state, and what is asked of it."""
        stamp = ""
        if not picture.is_address:
            try:
                found = Path(picture.picture).stat()
                stamp = f"{found.st_size}-{found.st_mtime_ns}"
            except OSError:
                stamp = "missing"
        return _digest(picture.picture, stamp, repr(self.profile), str(self.mend), self.cutter.model)

    def _judge(self, picture: Listed) -> Judged:
        line = ReportLine(picture.picture, profile=self.profile.name, product=picture.product)
        try:
            data = self.downloads.get(picture.picture) if picture.is_address else read_file(Path(picture.picture))
            checked = self.cutter.check(data, self.profile)
        except (MattingError, OSError) as error:
            return Judged(replace(line, problem=problem_of(error)))
        line = replace(line, **_columns(checked.metadata))
        faults = sum(not verdict.passed for verdict in checked.verdicts)
        if not faults or self.mend is None:
            return Judged(line, faults)
        try:
            made = self._publish(data, line, self.mend)
        except MattingError as error:
            return Judged(line, faults, ReportLine(picture.picture, product=picture.product, problem=problem_of(error)))
        return Judged(line, faults, made)

    def _publish(self, data: bytes, line: ReportLine, folder: Path) -> ReportLine:
        """Cut the picture out as the profile asks, write it, and return its line. Raises MattingError and OSError."""
        made = self.cutter.publish(data, self.profile)
        stem = re.sub(r"[^\w.-]", "_", Path(line.picture.partition("?")[0]).stem)[:_NAME_CHARS]
        name = f"{stem}-{_digest(line.picture)[:8]}{ENDINGS[made.content_type]}"
        LocalFolder(folder).write(name, made.file)
        return replace(ReportLine(line.picture, result=name, product=line.product), **_columns(made.metadata))

    def _report(self, judged: list[Judged]) -> None:
        """Write the table, the page, and the table of what was made."""
        folder = LocalFolder(self.out)
        lines = [one.line for one in judged]
        folder.write(REPORT, write_report(lines))
        shown = [replace(one.line, result=self._shown(one.made)) for one in judged]
        folder.write(PAGE, render_page(shown, self.out, sampled=False).encode("utf-8", "surrogateescape"))
        made = [one.made for one in judged if one.made is not None]
        if self.mend is not None and made:
            target = LocalFolder(self.mend)
            earlier = target.find(REPORT)
            target.write(REPORT, write_report(made, read_report(earlier) if earlier else None))

    def _shown(self, made: ReportLine | None) -> str:
        """Return a result's path as the page links it."""
        if made is None or not made.result or self.mend is None:
            return ""
        return os.path.relpath(real_path(self.mend / made.result), real_path(self.out))


def worst_first(judged: Iterable[Judged]) -> list[Judged]:
    """Sort: pictures that could not be checked, then by the number of rules that they fail."""
    return sorted(judged, key=lambda one: (not one.line.problem, -one.faults, one.line.picture))


def _columns(metadata: ResultMetadata) -> dict[str, str]:
    return {**metadata.object_metadata, "coverage": f"{metadata.coverage:.4f}"}


def _read_progress(file: Path) -> Iterator[tuple[str, Judged]]:
    """Yield what an interrupted run has judged, but not what it could not check; the last line may be cut short."""
    if not file.exists():
        return
    for text in read_file(file).decode("utf-8", "replace").splitlines():
        try:
            found = json.loads(text)
            made = None if found["made"] is None else ReportLine(**found["made"])
            judged = Judged(ReportLine(**found["line"]), int(found["faults"]), made)
            mark = str(found["mark"])
        except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError):
            continue
        lines = (judged.line, made or judged.line)
        if not judged.line.problem and all(isinstance(value, str) for line in lines for value in asdict(line).values()):
            yield mark, judged


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
