"""docs/contracts.md says what the contracts answer: every code and every message of their tables stands in it."""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import astuple, is_dataclass
from pathlib import Path
from types import ModuleType

import pytest

from cutline import contracts
from cutline.contracts.apis import CALLS
from cutline.errors import Reason

TEXT = " ".join((Path(__file__).resolve().parents[2] / "docs" / "contracts.md").read_text("utf-8").split())


def specified() -> list[ModuleType]:
    """The contracts that the specification is about: those that cite it."""
    found = [
        importlib.import_module(f"{contracts.__name__}.{item.name}")
        for item in pkgutil.iter_modules(contracts.__path__)
    ]
    return [module for module in found if "contracts.md" in (module.__doc__ or "")]


def answers(module: ModuleType) -> set[str]:
    """The codes and messages of a module's tables, which map reasons to them."""
    tables = [value for value in vars(module).values() if isinstance(value, Mapping) and set(value) & set(Reason)]
    return {text for table in tables for row in table.values() for text in _texts(row)}


def _texts(value: object) -> Iterator[str]:
    if is_dataclass(value) and not isinstance(value, type):
        value = astuple(value)
    if isinstance(value, tuple):
        for part in value:
            yield from _texts(part)
    else:
        # The page writes negative numbers with a true minus sign.
        yield re.sub(r"^-(?=\d+$)", "\N{MINUS SIGN}", str(value))


def test_every_api_is_specified() -> None:
    assert {module.NAME for module in specified() if hasattr(module, "NAME")} == set(CALLS)


@pytest.mark.parametrize("module", specified(), ids=lambda module: module.__name__.rpartition(".")[2])
def test_every_code_and_message_is_in_the_specification(module: ModuleType) -> None:
    reported = answers(module)
    assert reported
    missing = {text for text in reported if re.search(rf"(?<!\w){re.escape(text)}(?!\w)", TEXT) is None}
    assert missing == set()
