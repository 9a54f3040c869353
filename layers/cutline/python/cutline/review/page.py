"""One HTML page for reviewing results: no server, no library, pictures by their paths."""

import json
import os
import random
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from cutline.batch.report import ReportLine
from cutline.local_file import real_path

FILE = "review.html"
_TEMPLATE = Path(__file__).with_name("page.html")
_DATA = "{{data}}"


def worst_first(lines: Iterable[ReportLine]) -> list[ReportLine]:
    """Sort the lines: no result first, then rules not met, then by rising confidence."""
    return sorted(
        lines,
        key=lambda line: (bool(line.result), line.passed != "no", float(line.confidence or 0), line.picture),
    )


def choose_sample(lines: list[ReportLine], count: int, seed: int) -> list[ReportLine]:
    """Choose `count` of the lines with a result at random, or all if there are fewer: for a threshold."""
    with_result = sorted((line for line in lines if line.result), key=lambda line: line.picture)
    return random.Random(seed).sample(with_result, min(count, len(with_result)))


def render_page(lines: Iterable[ReportLine], folder: Path, *, sampled: bool) -> str:
    """Render the page for the folder of the results."""
    items = [
        {
            "key": line.key,
            "picture": line.picture,
            "before": _address(line.picture, folder),
            "result": line.result,
            "after": quote(os.fsencode(line.result)),
            "confidence": line.confidence,
            "subject": line.subject,
            "profile": line.profile,
            "passed": line.passed,
            "verdicts": [verdict for verdict in line.verdicts.split("; ") if verdict],
            "problem": line.problem,
        }
        for line in lines
    ]
    document = {"items": items, "sampled": sampled, "folder": real_path(folder).name}
    # In a script element only "<" could end the data; the line separators are no line ends in JSON, but in scripts.
    data = json.dumps(document).replace("<", "\\u003c")
    return _TEMPLATE.read_text("utf-8").replace(_DATA, data)


def _address(picture: str, folder: Path) -> str:
    """Return the picture's URL relative to the page, so that both can be moved together; empty for S3's."""
    if not Path(picture).is_absolute():
        return ""
    return quote(os.fsencode(os.path.relpath(picture, real_path(folder))))
