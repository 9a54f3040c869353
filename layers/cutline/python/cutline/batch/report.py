"""What is known of each result, as one table beside the results: `cutline review` sorts them by it."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields

FILE = "report.csv"


@dataclass(frozen=True)
class ReportLine:
    """One picture and what became of it.

    picture: its path, absolute on this machine, or s3://...; result: its path below the report's folder, empty if there
    is none; confidence: in [0, 1]; coverage: the subject's share of the picture; enlargement: above 1 where the result
    has more pixels of the subject than the picture had; profile, passed ("yes", "no"), verdicts: as of
    `cutline.pipeline.outputs.publish`; problem: why there is no result; part: which of the picture's subjects, "1" and
    so on, where each has a result; box: where the subject is in the picture: left, top, right, bottom.
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

    @property
    def key(self) -> str:
        """Which result it is about."""
        return f"{self.picture}#{self.part}" if self.part else self.picture


COLUMNS = tuple(field.name for field in fields(ReportLine))


def read_report(data: bytes) -> dict[str, ReportLine]:
    """The lines of a report by their keys. Raises ValueError for any other file."""
    table = csv.DictReader(io.StringIO(data.decode("utf-8", "surrogateescape"), newline=""))
    if not {"picture", "result"} <= set(table.fieldnames or ()):
        raise ValueError("the table has no columns picture and result")
    lines = ({column: row.get(column) or "" for column in COLUMNS} for row in table)
    return {line.key: line for line in (ReportLine(**fields) for fields in lines)}


def write_report(lines: Iterable[ReportLine], known: Mapping[str, ReportLine] | None = None) -> bytes:
    """A report of these lines and of those known before, sorted by their keys; what failed now replaces no result."""
    merged = dict(known or {})
    for line in lines:
        if not line.problem or not merged.get(line.key, line).result:
            merged[line.key] = line
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS)
    table.writeheader()
    table.writerows(asdict(merged[key]) for key in sorted(merged))
    return text.getvalue().encode("utf-8", "surrogateescape")
