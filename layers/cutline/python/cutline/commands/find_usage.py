"""`cutline find-usage`: calls of the supported APIs in other code, and how to change them.

The patterns are hosts, routes and names of client libraries.
"""

import argparse
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cutline.commands.console import print_json
from cutline.commands.failure import EXIT_STATUS, CommandFailed
from cutline.contracts.apis import APIS
from cutline.limits import MIB

# Folders of third-party code and build output.
_SKIPPED = frozenset({"node_modules", "vendor", "venv", "__pycache__", "site-packages", "dist", "build", "target"})
_MAX_BYTES = 2 * MIB
_LINE_CHARS = 160
_HOST = "replace the host with yours and the key with one from `cutline account create`"
# Lengths are bounded: an open one takes quadratic time on a long line.
_HOSTS = {
    "jdc": (r"cutout[\w-]{0,63}\.jdcloud(?:-api)?\.(?:com|net)",),
    "jds": (r"aiapi\.jd(?:cloud)?\.com",),
    "pw": (r"tech(?:hk|sz)\.aoscdn\.com",),
    "aid": (r"(?:cn-)?api\.aidc-ai\.com",),
    "ail": (r"(?:www\.)?ailabapi\.com",),
    "rbg": (r"api\.remove\.bg",),
}
_CLIENTS = {
    "rbg": (
        (r"(?:from|import) removebg\b", 'set removebg.removebg.API_ENDPOINT to "https://HOST/v1.0/removebg"'),
        (r"""(?:require\(|from )["']remove\.bg["']""", "patch API_ENDPOINT in node_modules/remove.bg/dist/index.js"),
        (r"""require ["']remove_bg["']|\bRemoveBg\.(?:from_|configure)""",
         'pass a connection to RemoveBg::ApiClient.new: RemoveBg::HttpConnection.build("https://HOST")'),
    ),
    "ail": (
        (r"\bAILabClient\(", 'pass base_url="https://HOST" (baseUrl in JavaScript) and your key'),
        (r"\bAILab(?:Tools)?Client\b|ailabtools-sdk", "pass your host as the base URL, and your key"),
    ),
    "aid": (
        (r"\b(?:Lazop|Iop)Client(?:Impl)?\(", 'pass "https://HOST/rest", your app key and secret'),
    ),
    "jds": ((r"\bjdcloud_sdk\b|\bjdcloud-sdk-", 'pass endpoint="HOST" to Config, and your keys to Credential'),),
    "rem": ((r"""["']rembg["'], *["']s["']|\brembg s\b""", "call your host, with your key in the header X-Api-Key"),),
}  # fmt: skip


@dataclass(frozen=True)
class Sign:
    """A pattern, the API that it belongs to, and the change to make."""

    api: str
    pattern: re.Pattern[str]
    change: str


@dataclass(frozen=True)
class Usage:
    """An API that a line calls, and the changes to make."""

    api: str
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """One call: its place, its API, the change to make, and the line."""

    file: str
    line: int
    api: str
    change: str
    text: str


def add_to(commands: Any) -> None:
    """Declare `find-usage`."""
    text = "find calls of the supported APIs in your code, and how to change them"
    find: argparse.ArgumentParser = commands.add_parser("find-usage", help=text, description=text, epilog=EXIT_STATUS)
    find.set_defaults(run=_run)
    find.add_argument("folder", type=Path, metavar="DIR", help="folder with your code")
    find.add_argument("--json", action="store_true", help="print JSON")


def findings(folder: Path) -> Iterator[Finding]:
    """Yield every call in the files below a folder, in order. Skips binary files and those over 2 MiB."""
    for path in _files(folder):
        for number, line in enumerate(_lines(path), 1):
            for usage in usages_in(line):
                name = path.relative_to(folder).as_posix()
                yield Finding(name, number, usage.api, "; ".join(usage.changes), line.strip()[:_LINE_CHARS])


def _run(arguments: argparse.Namespace) -> None:
    if not arguments.folder.is_dir():
        raise CommandFailed(f"{arguments.folder} is not a folder")
    found = list(findings(arguments.folder))
    if arguments.json:
        print_json([vars(finding) for finding in found])
        return
    for finding in found:
        print(f"{finding.file}:{finding.line}: {APIS[finding.api].TITLE}\n    {finding.text}\n    {finding.change}")
    files = len({finding.file for finding in found})
    print(f"{len(found)} calls in {files} files" if found else "No calls of the supported APIs found.")


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED)
        for name in sorted(names):
            yield Path(place, name)


def _lines(path: Path) -> list[str]:
    try:
        data = path.read_bytes() if path.is_file() and path.stat().st_size <= _MAX_BYTES else b""
    except OSError:
        return []
    return [] if b"\0" in data else data.decode("utf-8", "replace").splitlines()


def _signs() -> Iterator[Sign]:
    for api, hosts in _HOSTS.items():
        for host in hosts:
            yield Sign(api, re.compile(host, re.IGNORECASE), _HOST)
    for api, clients in _CLIENTS.items():
        for pattern, change in clients:
            yield Sign(api, re.compile(pattern), change)
    for api, contract in APIS.items():
        for route in contract.ROUTES:
            path = re.escape(route.partition("{")[0].rstrip("/"))
            text = f"keep the route; {_HOST}"
            yield Sign(api, re.compile(rf"{path}/?(?![\w/-])"), text)


SIGNS = tuple(_signs())


def usages_in(line: str) -> list[Usage]:
    """Return the APIs that a line calls. A route adds no change where the line has the API's host too."""
    found: dict[str, list[str]] = {}
    for sign in SIGNS:
        if sign.pattern.search(line) is not None:
            changes = found.setdefault(sign.api, [])
            if not any(change in sign.change for change in changes):
                changes.append(sign.change)
    return [Usage(api, tuple(changes)) for api, changes in found.items()]
