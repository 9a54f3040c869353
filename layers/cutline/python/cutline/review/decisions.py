"""The CSV that the review page saves: a person's decision about each picture."""

from dataclasses import dataclass

from cutline.batch.report import read_confidence, read_table

KEEP, REDO = "keep", "redo"
_COLUMNS = frozenset({"picture", "confidence", "decision"})


@dataclass(frozen=True)
class Decision:
    """One reviewed result: its confidence in [0, 1], and whether it has to be done again."""

    confidence: float
    is_bad: bool


def read_decisions(data: bytes) -> list[Decision]:
    """Parse all rows of the table. Raises ValueError for any other file, and if a picture is undecided.

    A threshold from only some of a page's pictures would be biased: people decide the worst ones first.
    """
    rows = read_table(data, _COLUMNS)
    undecided = sum(row["decision"] not in (KEEP, REDO) for row in rows)
    if undecided:
        raise ValueError(
            f"{undecided} of {len(rows)} pictures are undecided; decide all of a sample (cutline review --sample N)"
        )
    return [Decision(read_confidence(row["confidence"], row["picture"]), row["decision"] == REDO) for row in rows]
