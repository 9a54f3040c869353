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
    `cutline.pipeline.publish`; problem: why there is no result.
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


COLUMNS = tuple(field.name for field in fields(ReportLine))


def read_report(data: bytes) -> dict[str, ReportLine]:
    """The lines of a report by picture. Raises ValueError for any other file."""
    table = csv.DictReader(io.StringIO(data.decode("utf-8", "surrogateescape"), newline=""))
    if not {"picture", "result"} <= set(table.fieldnames or ()):
        raise ValueError("the table has no columns picture and result")
    lines = ({column: row.get(column) or "" for column in COLUMNS} for row in table)
    return {line["picture"]: ReportLine(**line) for line in lines}


def write_report(lines: Iterable[ReportLine], known: Mapping[str, ReportLine] | None = None) -> bytes:
    """A report of these lines and of those known before, sorted by picture; what failed now replaces no result."""
    merged = dict(known or {})
    for line in lines:
        if not line.problem or not merged.get(line.picture, line).result:
            merged[line.picture] = line
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS)
    table.writeheader()
    table.writerows(asdict(merged[picture]) for picture in sorted(merged))
    return text.getvalue().encode("utf-8", "surrogateescape")
