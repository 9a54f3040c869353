"""Imports: tests share through tests/support, tests and tools through devkit; the product imports none of them."""

import ast
import re
from functools import cache
from pathlib import Path

from devkit.running import ROOT

PRODUCT = ("layers", "functions", "localcloud", "endpoint", "events", "docs")


@cache
def imports_of(file: Path) -> set[str]:
    """Dotted names of all that a module imports, `from a import b` as `a` and `a.b`."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def modules_in(*folders: str) -> list[Path]:
    found = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    assert found
    return found


def holds_tests(name: str) -> bool:
    """Whether a dotted name is a test module or a conftest of tests/."""
    file = (ROOT / Path(*name.split("."))).with_suffix(".py")
    return name.startswith("tests.") and file.exists() and (file.name == "conftest.py" or file.name.startswith("test_"))


def test_nothing_imports_a_test_module_or_a_conftest() -> None:
    assert holds_tests("tests.conftest")
    wrong = {
        file: names
        for file in modules_in("tests", "tools", "devkit")
        if (names := set(filter(holds_tests, imports_of(file))))
    }
    assert wrong == {}


def test_tests_support_imports_no_other_test_code() -> None:
    imported = {name for file in modules_in("tests/support") for name in imports_of(file) if name.startswith("tests.")}
    assert imported
    assert {name for name in imported if not name.startswith("tests.support")} == set()


def test_devkit_and_tools_import_no_tests_and_devkit_no_tools() -> None:
    assert not {name for file in modules_in("devkit", "tools") for name in imports_of(file) if name.startswith("tests")}
    assert not {
        name for file in modules_in("devkit", "tests/support") for name in imports_of(file) if name.startswith("tools")
    }


def test_the_product_imports_no_tests_tools_or_devkit() -> None:
    imported = {name.partition(".")[0] for file in modules_in(*PRODUCT) for name in imports_of(file)}
    assert imported & {"tests", "tools", "devkit"} == set()


# One line of its map is for all APIs' modules, which only the contracts' map may name.
UNMAPPED = {"openapi"}


def test_every_module_stands_in_its_packages_docstring() -> None:
    package = ROOT / "layers" / "cutline" / "python" / "cutline"
    missing = []
    for init in sorted(package.glob("*/**/__init__.py")):
        text = ast.get_docstring(ast.parse(init.read_text("utf-8"))) or ""
        names = {file.stem for file in init.parent.glob("*.py")} - {"__init__", "__main__"}
        if init.parent.relative_to(package).as_posix() not in UNMAPPED:
            missing += [f"{init.parent.name}/{name}" for name in sorted(names) if not re.search(rf"\b{name}\b", text)]
    assert missing == []
