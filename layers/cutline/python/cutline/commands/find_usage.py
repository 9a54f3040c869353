"""`cutline find-usage`: where a shop's code calls one of the APIs, and what is to be changed there."""

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cutline.commands.console import print_json
from cutline.commands.failure import EXIT_STATUS, CommandFailed
from cutline.commands.usage_signs import usages_in
from cutline.contracts.apis import APIS
from cutline.limits import MIB

# Other people's code, and what is made from one's own.
_SKIPPED = frozenset({"node_modules", "vendor", "venv", "__pycache__", "site-packages", "dist", "build", "target"})
_MOST_BYTES = 2 * MIB
_LINE_CHARS = 160


@dataclass(frozen=True)
class Finding:
    """One call: where it stands, whose it is, what to change, and the line itself."""

    file: str
    line: int
    api: str
    change: str
    text: str


def add_to(commands: Any) -> None:
    """Declares `find-usage`."""
    text = "find calls of the APIs in your code, and what to change"
    find: argparse.ArgumentParser = commands.add_parser("find-usage", help=text, description=text, epilog=EXIT_STATUS)
    find.set_defaults(run=_run)
    find.add_argument("folder", type=Path, metavar="DIR", help="the folder with your code")
    find.add_argument("--json", action="store_true", help="print JSON")


def findings(folder: Path) -> Iterator[Finding]:
    """Every call in the files below a folder, in order. Files that are no text, or too large, are passed over."""
    for path in _files(folder):
        for number, line in enumerate(_lines(path), 1):
            for usage in usages_in(line):
                name = path.relative_to(folder).as_posix()
                yield Finding(name, number, usage.api, "; ".join(usage.changes), line.strip()[:_LINE_CHARS])


def _run(arguments: argparse.Namespace) -> None:
    if not arguments.folder.is_dir():
        raise CommandFailed(f"{arguments.folder} is no folder")
    found = list(findings(arguments.folder))
    if arguments.json:
        print_json([vars(finding) for finding in found])
        return
    for finding in found:
        print(f"{finding.file}:{finding.line}: {APIS[finding.api].TITLE}\n    {finding.text}\n    {finding.change}")
    files = len({finding.file for finding in found})
    print(f"{len(found)} calls in {files} files" if found else "No calls of these APIs were found.")


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
        for name in sorted(names):
            yield Path(place, name)


def _lines(path: Path) -> list[str]:
    try:
        data = path.read_bytes() if path.is_file() and path.stat().st_size <= _MOST_BYTES else b""
    except OSError:
        return []
    return [] if b"\0" in data else data.decode("utf-8", "replace").splitlines()
