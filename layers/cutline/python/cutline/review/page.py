"""One HTML page for reviewing results: no library, pictures by their paths; without a server unless it edits."""

import json
import os
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cutline.batch.report import ReportLine
from cutline.local_file import real_path

FILE = "review.html"
_TEMPLATE = Path(__file__).with_name("page.html")
_EDITOR_SCRIPT = Path(__file__).with_name("editor.js")
# How the addresses of live pictures begin.
_LIVE = ("https://", "http://")
_DATA, _EDITOR = "{{data}}", "/* {{editor}} */"


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


def render_page(lines: Iterable[ReportLine], folder: Path, *, sampled: bool, served: bool = False) -> str:
    """Render the page for the folder of the results; `served` by cutline.review.server it has an editor."""
    items = page_items(lines, folder)
    if served:
        for number, item in enumerate(items):
            item["before"] = f"before?item={number}"
            item["after"] = f"after?item={number}" if item["result"] else ""
    document = {"items": items, "sampled": sampled, "folder": folder.resolve().name}
    # In a script element only "<" could end the data; the line separators are no line ends in JSON, but in scripts.
    data = json.dumps(document).replace("<", "\\u003c")
    page = _TEMPLATE.read_text("utf-8").replace(_EDITOR, _EDITOR_SCRIPT.read_text("utf-8") if served else "")
    if any(item["before"].startswith(_LIVE) for item in items):
        page = page.replace("img-src 'self'", "img-src 'self' https: http:")
    if served:
        page = page.replace("default-src 'none';", "default-src 'none'; connect-src 'self';")
    return page.replace(_DATA, data)


def page_items(lines: Iterable[ReportLine], folder: Path) -> list[dict[str, Any]]:
    """Return what the page shows of each line."""
    return [
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
            "mended": line.mended,
        }
        for line in lines
    ]


def _address(picture: str, folder: Path) -> str:
    """Return the picture's URL relative to the page, so that both can be moved together; empty for S3's.

    A live picture has its own.
    """
    if picture.startswith(_LIVE):
        return picture
    if not Path(picture).is_absolute():
        return ""
    return quote(os.fsencode(os.path.relpath(picture, real_path(folder))))
