"""`cutline find-usage`: where a shop's code calls one of the APIs, and what is to be changed there."""

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

# Other people's code, and what is made from one's own.
_SKIPPED = frozenset({"node_modules", "vendor", "venv", "__pycache__", "site-packages", "dist", "build", "target"})
_MOST_BYTES = 2 * MIB
_LINE_CHARS = 160
_HOST = "replace the host with your own, and the key with one from `cutline account create`"
_HOSTS = {
    "jdc": (r"cutout[\w-]*\.jdcloud(?:-api)?\.(?:com|net)",),
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
         'give RemoveBg::ApiClient.new a connection: RemoveBg::HttpConnection.build("https://HOST")'),
    ),
    "ail": (
        (r"\bAILabClient\(", 'give the client base_url="https://HOST" (baseUrl in JavaScript), and your key'),
        (r"\bAILab(?:Tools)?Client\b|ailabtools-sdk", "give the client your address as its base URL, and your key"),
    ),
    "aid": (
        (r"\b(?:Lazop|Iop)Client(?:Impl)?\(", 'give the client "https://HOST/rest", your app key and secret'),
    ),
    "jds": ((r"\bjdcloud_sdk\b|\bjdcloud-sdk-", 'give Config endpoint="HOST", and Credential your keys'),),
    "rem": ((r"""["']rembg["'], *["']s["']|\brembg s\b""", "call your host, and add a key as X-Api-Key"),),
}  # fmt: skip


@dataclass(frozen=True)
class Sign:
    """A pattern, whose API it shows, and what is to be changed there."""

    api: str
    pattern: re.Pattern[str]
    change: str


@dataclass(frozen=True)
class Usage:
    """What one line calls, and what is to be changed."""

    api: str
    changes: tuple[str, ...]


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
            text = f"the route stays; {_HOST}"
            yield Sign(api, re.compile(rf"{path}/?(?![\w/-])"), text)


SIGNS = tuple(_signs())


def usages_in(line: str) -> list[Usage]:
    """What a line calls. A route says nothing new where the host stands in the same line."""
    found: dict[str, list[str]] = {}
    for sign in SIGNS:
        if sign.pattern.search(line) is not None:
            changes = found.setdefault(sign.api, [])
            if not any(change in sign.change for change in changes):
                changes.append(sign.change)
    return [Usage(api, tuple(changes)) for api, changes in found.items()]
