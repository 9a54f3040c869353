"""Every promise of docs/security.md names a test that there is, and so does whatever page names one."""

import ast
import re

from devkit.running import ROOT

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


def test_every_test_that_a_page_names_is_there() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    named = [
        found for page in pages for found in re.findall(r"\b(tests/[\w/]+\.py)(?:::(\w+))?", page.read_text("utf-8"))
    ]
    assert len(named) > 60
    missing = [path for path, _ in named if not (ROOT / path).is_file()]
    assert missing == []
    assert [f"{path}::{name}" for path, name in named if name and name not in names_in(path)] == []
