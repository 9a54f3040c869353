"""The table of all results, written next to them: `cutline review` sorts them by it."""

import csv
import io
from collections.abc import Iterable, Mapping, Set
from dataclasses import asdict, dataclass, fields, replace

from cutline.contracts import drops
from cutline.errors import MattingError

FILE = "report.csv"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class ReportLine:
    """One picture and its result.

    picture: its path, absolute on this machine, s3://... or https://...; result: its path below the report's folder,
    empty if there is none; confidence: in [0, 1]; coverage: the subject's share of the picture; enlargement: above 1
    where the result has more pixels of the subject than the picture had; profile, passed ("yes", "no"), verdicts: as of
    `cutline.pipeline.outputs.publish`; problem: why there is no result; part: which of the picture's subjects, "1" and
    so on, where each has a result; box: where the subject is in the picture: left, top, right, bottom; shadow: keep,
    drop, or none where none could be kept, if one was asked for; options: JSON of `CutOptions` that made it; mended:
    "yes" after an edit in `cutline review --open`; product: of a shop, the one that shows the picture; metadata: which
    parts of the file's the result keeps, and depth: its bits, if that was asked for.
    """

    picture: str
    result: str = ""
    subject: str = ""
    confidence: str = ""
    coverage: str = ""
    enlargement: str = ""
    profile: str = ""
    passed: str = ""
    verdicts: str = ""
    problem: str = ""
    part: str = ""
    box: str = ""
    shadow: str = ""
    options: str = ""
    mended: str = ""
    product: str = ""
    metadata: str = ""
    depth: str = ""

    @property
    def key(self) -> str:
        """Return the key of the result: the picture, and which part of it."""
        return f"{self.picture}#{self.part}" if self.part else self.picture


COLUMNS = tuple(field.name for field in fields(ReportLine))


def problem_of(error: MattingError | OSError) -> str:
    """Return a failure as a report's `problem`."""
    if isinstance(error, OSError):
        return str(error.strerror or error)
    return error.detail or drops.WORDS.get(error.reason, str(error.reason))


def read_report(data: bytes) -> dict[str, ReportLine]:
    """Parse the lines of a report by their keys. Raises ValueError for any other file."""
    rows = read_table(data, {"picture", "result"})
    lines = [ReportLine(**{column: row.get(column) or "" for column in COLUMNS}) for row in rows]
    for line in lines:
        if line.confidence:
            read_confidence(line.confidence, line.picture)
    return {line.key: line for line in lines}


def spreadsheet_name(name: str) -> str:
    """Return a file name that a spreadsheet does not take for a formula: "./=1.jpg" is the same file as "=1.jpg"."""
    return f"./{name}" if name.startswith(_FORMULA_STARTS) else name


def _for_spreadsheets(line: ReportLine) -> ReportLine:
    """Return the line without a formula in what others have named: files and products."""
    quote = "'" if line.product.startswith(_FORMULA_STARTS) else ""
    return replace(line, result=spreadsheet_name(line.result), product=quote + line.product)


def read_table(data: bytes, columns: Set[str]) -> list[dict[str, str]]:
    """Parse a CSV file with a header that has at least `columns`. Raises ValueError for any other file."""
    table = csv.DictReader(io.StringIO(data.decode("utf-8-sig", "surrogateescape"), newline=""))
    try:
        if not columns <= set(table.fieldnames or ()):
            raise ValueError(f"the table has no columns {', '.join(sorted(columns))}")
        return list(table)
    except csv.Error as error:
        raise ValueError(f"not a CSV file: {error}") from error


def read_confidence(text: str | None, picture: str) -> float:
    """Parse a confidence in [0, 1]. Raises ValueError that names the picture."""
    try:
        value = float(text or "")
    except ValueError as error:
        raise ValueError(f"the confidence of {picture} is not a number: {text!r}") from error
    if not 0 <= value <= 1:
        raise ValueError(f"the confidence of {picture} is not in 0..1")
    return value


def write_report(lines: Iterable[ReportLine], known: Mapping[str, ReportLine] | None = None) -> bytes:
    """Encode these lines and those of an earlier report, sorted by key; a failure does not replace a result."""
    merged = dict(known or {})
    for line in lines:
        if not line.problem or not merged.get(line.key, line).result:
            merged[line.key] = line
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS)
    table.writeheader()
    table.writerows(asdict(_for_spreadsheets(merged[key])) for key in sorted(merged))
    return text.getvalue().encode("utf-8", "surrogateescape")
