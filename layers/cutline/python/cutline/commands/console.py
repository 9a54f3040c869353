"""What the command line prints: tables or JSON on stdout, messages and a progress bar on stderr."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

_BAR_CHARS = 30
_CLEAR_LINE = "\r\x1b[K"


def print_json(document: object) -> None:
    """Print the document, indented."""
    print(json.dumps(document, indent=2))


def print_table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the rows under a header line, numbers right-aligned."""
    lines = [list(columns), *([cell_text(row[column]) for column in columns] for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    right = [bool(rows) and all(_is_number(row[column]) for row in rows) for column in columns]
    for line in lines:
        cells = (
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, right, strict=True)
        )
        print("  ".join(cells).rstrip())


def cell_text(value: object) -> str:
    """Format a value for a table."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case Mapping():
            return " ".join(f"{name}={item}" for name, item in value.items()) or "-"
        case list():
            return ",".join(map(str, value))
        case float():
            return f"{value:g}"
    return str(value)


def _is_number(value: object) -> bool:
    text = value if isinstance(value, str) else "0" if isinstance(value, int | float) else ""
    return text.replace(".", "", 1).isdigit() and not isinstance(value, bool)


def show_progress(ended: int, total: int, failed: int) -> None:
    """Draw the bar on stderr, if that is a terminal."""
    if not sys.stderr.isatty():
        return
    filled = "#" * (_BAR_CHARS * ended // max(total, 1))
    text = f"\r[{filled:<{_BAR_CHARS}}] {ended}/{total}, {failed} failed"
    print(text, end="\n" if ended == total else "", file=sys.stderr, flush=True)


def print_message(message: str) -> None:
    """Print a line on stderr in place of the bar, which the next call of `show_progress` draws again."""
    print(f"{_CLEAR_LINE if sys.stderr.isatty() else ''}cutline: {message}", file=sys.stderr)
