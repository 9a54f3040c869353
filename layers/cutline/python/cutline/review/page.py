"""One HTML page to look at results with: no server, no library, pictures by their paths."""

import json
import os
import random
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from cutline.batch.report import ReportLine

FILE = "review.html"
_TEMPLATE = Path(__file__).with_name("page.html")
_DATA = "{{data}}"


def worst_first(lines: Iterable[ReportLine]) -> list[ReportLine]:
    """The lines in the order in which they want a look: no result, rules not kept, then the least confident."""
    return sorted(
        lines,
        key=lambda line: (bool(line.result), line.passed != "no", float(line.confidence or 0), line.picture),
    )


def choose_sample(lines: list[ReportLine], count: int, seed: int) -> list[ReportLine]:
    """`count` of the lines that have a result, or all if there are fewer, by chance: for a threshold."""
    with_result = sorted((line for line in lines if line.result), key=lambda line: line.picture)
    return random.Random(seed).sample(with_result, min(count, len(with_result)))


def render_page(lines: Iterable[ReportLine], folder: Path, *, sampled: bool) -> str:
    """The page for the folder that the results lie in."""
    items = [
        {
            "key": line.key,
            "picture": line.picture,
            "before": _address(line.picture, folder),
            "result": line.result,
            "after": quote(line.result),
            "confidence": line.confidence,
            "subject": line.subject,
            "profile": line.profile,
            "passed": line.passed,
            "verdicts": [verdict for verdict in line.verdicts.split("; ") if verdict],
            "problem": line.problem,
        }
        for line in lines
    ]
    document = {"items": items, "sampled": sampled, "folder": folder.resolve().name}
    # In a script element only "<" could end the data; the line separators are no line ends in JSON, but in scripts.
    data = json.dumps(document).replace("<", "\\u003c")
    return _TEMPLATE.read_text("utf-8").replace(_DATA, data)


def _address(picture: str, folder: Path) -> str:
    """The picture's address from the page: relative, so that the page outlives a move of both; empty for S3's."""
    if not Path(picture).is_absolute():
        return ""
    return quote(Path(os.path.relpath(picture, folder.resolve())).as_posix())
