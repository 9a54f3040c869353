"""Numbers and choices read from environment variables; an error names the variable."""

from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")


class SettingsError(RuntimeError):
    """A variable is missing or out of range; the message names it."""


def number(env: Mapping[str, str], name: str, kind: Callable[[str], T], low: float, high: float, default: T) -> T:
    """Return the variable as `kind`, or `default` where it is unset or empty. Raises SettingsError."""
    text = env.get(name, "")
    if not text:
        return default
    try:
        value = kind(text)
    except ValueError as error:
        raise SettingsError(f"environment variable {name} is not a number: {text!r}") from error
    if not low <= float(text) <= high:
        raise SettingsError(f"environment variable {name} must be in {low}..{high}, not {text}")
    return value


def choice(env: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    """Return the variable, or the first of `choices` where it is unset or empty. Raises SettingsError."""
    value = env.get(name, "") or choices[0]
    if value not in choices:
        raise SettingsError(f"environment variable {name} must be one of {', '.join(choices)}")
    return value
