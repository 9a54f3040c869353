"""Damaged values: what a text, and each place of a JSON document, may hold instead of what its reader expects."""

import copy
from collections.abc import Iterator
from typing import Any

# Short ones first; none is what any reader of numbers, dates, names or documents accepts as a whole.
TEXTS = (
    *("", " ", ",", ";", "=", "\0", "\x01\x7f", "caf\u00e9", "\u00b3", "\u0663", "-1", "1e400", "nan", "0x10", "1_0"),
    *("null", "{}", "[]", "{", '"', "%", "%ff%fe", "%00", "../..", "\r\nX: y", "\u2028", "\U0001f600" * 100),
    *("x" * 70_000, "9" * 5000, "=" * 70_000, ";" * 70_000, "[" * 50_000, '{"a":' * 20_000),
)
_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 10**400, float("nan"), float("inf")),
    *("", "x" * 70_000, "\0\x7f", "caf\u00e9", "\ud800", [], {}, [[]], [None], {"a": {}}),
)


def damaged_documents(document: Any) -> Iterator[Any]:
    """Return copies of a JSON document in each of which one place is missing or holds another value."""
    for path in _paths(document):
        for value in _VALUES:
            yield _replaced(document, path, value)
        if path and isinstance(path[-1], str):
            yield _replaced(document, path, None, missing=True)


def _paths(document: Any) -> Iterator[tuple[Any, ...]]:
    yield ()
    items = (
        document.items() if isinstance(document, dict) else enumerate(document if isinstance(document, list) else ())
    )
    for name, inner in items:
        yield from ((name, *path) for path in _paths(inner))


def _replaced(document: Any, path: tuple[Any, ...], value: Any, *, missing: bool = False) -> Any:
    if not path:
        return value
    changed = place = copy.deepcopy(document)
    for name in path[:-1]:
        place = place[name]
    if missing:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return changed
