"""Judged last, and only where all tests of this folder ran: the functions' roles permit what was needed and no more.

The local cloud refuses what a role does not permit, so a missing permission fails the tests themselves too.
"""

import json
from pathlib import Path

from tests.localcloud.running import started

# Grants that no test of this folder uses, and why they are needed all the same.
EXCUSED: dict[str, str] = {}


def lines_of(name: str) -> set[str]:
    """What the clouds of this run wrote down in this file of their state folders."""
    files = [folder / name for folder in started if (folder / name).exists()]
    return {line for file in files for line in _lines(file)}


def _lines(file: Path) -> list[str]:
    text = file.read_text("utf-8")
    return list(json.loads(text)) if file.suffix == ".json" else text.splitlines()


def test_no_function_needed_what_its_role_does_not_permit() -> None:
    assert lines_of("denied.txt") == set()


def test_no_role_permits_what_its_function_never_needed() -> None:
    granted, used = lines_of("granted.json"), lines_of("used.txt")
    assert len(granted) > 50
    assert sorted(granted - used - EXCUSED.keys()) == []


def test_no_excuse_has_become_needless() -> None:
    assert lines_of("used.txt") & EXCUSED.keys() == set()
    assert EXCUSED.keys() <= lines_of("granted.json")
