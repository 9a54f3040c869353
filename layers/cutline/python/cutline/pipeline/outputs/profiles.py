"""Profiles: what a marketplace asks of a picture, as data (profiles.toml), read and checked. Imports no library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from cutline.local_file import read_toml
from cutline.pipeline.finish.options import read_colour
from cutline.pipeline.layout.framing_parser import read_ratio
from cutline.pipeline.options import FORMATS, ImageFormat

BUILT_IN = Path(__file__).resolve().parents[2] / "profiles.toml"
# Rules whose value is a number, and those whose value is one of a list.
MEASURES = ("share", "longest_side", "bytes", "enlargement")
CHOICES = ("ground", "ratio", "format", "colour_space")
_SRGB = "sRGB"
# Of every bound; NaN and infinity are beyond it.
_MAX_BOUND = 10**12
_KEYS = frozenset({"min", "max", "best", "one_of", "source", "read", "assumption"})


@dataclass(frozen=True)
class Rule:
    """One rule: inclusive bounds of a number, or a choice; `best` is what is aimed at within the bounds.

    source: an address, and read the day on which it said so; assumption: a sentence in their place.
    """

    name: str
    min: float | None = None
    max: float | None = None
    best: float | None = None
    one_of: tuple[str, ...] = ()
    source: str = ""
    read: str = ""
    assumption: str = ""

    @property
    def wanted(self) -> str:
        """Return the rule's requirement as text."""
        if self.one_of:
            return " or ".join(self.one_of)
        low, high = (None if bound is None else _words(bound) for bound in (self.min, self.max))
        if low is not None and high is not None:
            return low if low == high else f"{low} to {high}"
        return f"at least {low}" if high is None else f"at most {high}"

    def allows(self, value: float) -> bool:
        """Whether a number keeps the bounds."""
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)


@dataclass(frozen=True)
class Profile:
    """A marketplace's rules by name."""

    name: str
    title: str
    rules: Mapping[str, Rule]

    @property
    def image_format(self) -> ImageFormat:
        """The format that is made."""
        rule = self.rules.get("format")
        return "png" if rule is None else FORMATS[rule.one_of[0]]

    @property
    def background(self) -> tuple[int, int, int] | None:
        """The colour behind the subject, or None for transparency."""
        rule = self.rules.get("ground")
        return None if rule is None else read_colour(rule.one_of[0])

    @property
    def ratio(self) -> float | None:
        """Width to height."""
        rule = self.rules.get("ratio")
        return None if rule is None else read_ratio(rule.one_of[0])

    @property
    def share(self) -> float | None:
        """The share of the frame that is aimed at."""
        rule = self.rules.get("share")
        if rule is None:
            return None
        bounds = [bound for bound in (rule.min, rule.max) if bound is not None]
        return rule.best or sum(bounds) / len(bounds)


def _words(number: float) -> str:
    return f"{int(number):,}" if number == int(number) else f"{number:g}"


def read_profiles(path: Path | None = None) -> Mapping[str, Profile]:
    """The profiles of a file by name, or the built-in ones, which are read once.

    Raises ValueError, which says what is wrong where, and OSError.
    """
    return _built_in() if path is None else _read(path)


@cache
def _built_in() -> Mapping[str, Profile]:
    return _read(BUILT_IN)


def _read(path: Path) -> dict[str, Profile]:
    try:
        document = read_toml(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return {name: _profile(name, table) for name, table in document.items()}


def _profile(name: str, table: Any) -> Profile:
    if not isinstance(table, dict):
        raise ValueError(f"{name} is no table")
    rules = {rule: _rule(f"{name}.{rule}", rule, fields) for rule, fields in table.items() if rule != "title"}
    profile = Profile(name, str(table.get("title", name)), rules)
    try:
        _ = profile.image_format, profile.background, profile.ratio
    except (KeyError, ValueError) as error:
        raise ValueError(f"{name}: {error}") from error
    return profile


def _rule(at: str, name: str, fields: Any) -> Rule:
    if name not in MEASURES + CHOICES:
        raise ValueError(f"{at}: there is no such rule; there are {', '.join(MEASURES + CHOICES)}")
    if not isinstance(fields, dict) or set(fields) - _KEYS:
        raise ValueError(f"{at}: a rule is a table of {', '.join(sorted(_KEYS))}")
    read = fields.get("read", "")
    rule = Rule(
        name,
        source=str(fields.get("source", "")),
        read=read.isoformat() if isinstance(read, date) else str(read),
        assumption=str(fields.get("assumption", "")),
    )
    if name in MEASURES:
        low, high, best = _bounds(at, fields)
        return replace(rule, min=low, max=high, best=best)
    choices = fields.get("one_of")
    if not isinstance(choices, list) or not choices or not all(isinstance(choice, str) for choice in choices):
        raise ValueError(f"{at}: one_of is a list of words")
    if name == "colour_space" and choices != [_SRGB]:
        raise ValueError(f"{at}: results are {_SRGB} and nothing else")
    return replace(rule, one_of=tuple(choices))


def _bounds(at: str, fields: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    """min, max and best."""
    bounds: dict[str, float | None] = {key: fields.get(key) for key in ("min", "best", "max")}
    for value in bounds.values():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (number and 0 < value <= _MAX_BOUND):
            raise ValueError(f"{at}: min, max and best must be numbers above 0, at most {_MAX_BOUND:,}")
    ordered = [bound for bound in bounds.values() if bound is not None]
    if not ordered or ordered != sorted(ordered):
        raise ValueError(f"{at}: at least one of min, best and max is needed, in rising order")
    return bounds["min"], bounds["max"], bounds["best"]
