"""Every promise of docs/security.md names a test that there is."""

import ast
import re

from tests.support.running import ROOT

TEXT = (ROOT / "docs" / "security.md").read_text("utf-8")


def names_in(path: str) -> set[str]:
    """The names of the tests in a file."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_promise_is_kept_by_a_test() -> None:
    promises = re.findall(
        r"^\| (?!Promise|---)[^|]+\| `(tests/\S+)::(\w+)` \|$", TEXT.partition("\n## ")[0], re.MULTILINE
    )
    rows = [line for line in TEXT.partition("\n## ")[0].splitlines() if line.startswith("| ")]
    assert len(promises) == len(rows) - 1 > 10
    assert [name for path, name in promises if name not in names_in(path)] == []


def test_every_fault_is_shown_by_a_test() -> None:
    named = set(re.findall(r"`(test_\w+)`", TEXT.partition("\n## ")[2]))
    there = {name for file in (ROOT / "tests/e2e").glob("test_*.py") for name in names_in(f"tests/e2e/{file.name}")}
    assert len(named) > 7
    assert named - there == set()
