"""The CSV that the review page gives: what a person decided about each picture."""

import csv
import io
from dataclasses import dataclass

KEEP, REDO = "keep", "redo"
_COLUMNS = frozenset({"picture", "confidence", "decision"})


@dataclass(frozen=True)
class Decision:
    """One result that a person has looked at: its confidence in [0, 1], and whether it has to be done again."""

    confidence: float
    is_bad: bool


def read_decisions(data: bytes) -> list[Decision]:
    """All rows of the table. Raises ValueError for any other file, and where a picture is undecided.

    A threshold that was learnt from some of a page's pictures would be biased: people decide the worst ones first.
    """
    table = csv.DictReader(io.StringIO(data.decode("utf-8-sig", "surrogateescape"), newline=""))
    if not set(table.fieldnames or ()) >= _COLUMNS:
        raise ValueError(f"the table has no columns {', '.join(sorted(_COLUMNS))}")
    rows = list(table)
    undecided = sum(row["decision"] not in (KEEP, REDO) for row in rows)
    if undecided:
        raise ValueError(
            f"{undecided} of {len(rows)} pictures are undecided; decide all of a sample (cutline review --sample N)"
        )
    return [Decision(_confidence(row), row["decision"] == REDO) for row in rows]


def _confidence(row: dict[str, str]) -> float:
    try:
        value = float(row["confidence"])
    except ValueError as error:
        raise ValueError(f"{row['picture']} has no confidence") from error
    if not 0 <= value <= 1:
        raise ValueError(f"the confidence of {row['picture']} is not in 0..1")
    return value
