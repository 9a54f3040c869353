"""The words in which a framing is asked for, on the command line, in metadata and in fields of APIs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from cutline.pipeline.layout.framing import MAX_CANVAS_PX, MAX_SIDE_PX, MIDDLE, Framing, Length, Region

_MIN_SCALE, _MAX_MARGIN, _MAX_MARGIN_PX = 0.1, 0.5, 500
_NUMBER = re.compile(r"\d{1,5}(?:\.\d{1,4})?", re.ASCII)
_MAX_RATIO = 10.0


def read_margin(text: str) -> tuple[Length, Length, Length, Length]:
    """One, two or four lengths, such as "30px", "10% 5%": as in CSS top, right, bottom, left. Raises ValueError."""
    parts = [_length(part) for part in text.split()]
    match parts:
        case [all_sides]:
            return all_sides, all_sides, all_sides, all_sides
        case [vertical, horizontal]:
            return vertical, horizontal, vertical, horizontal
        case [top, right, bottom, left]:
            return top, right, bottom, left
    raise ValueError("a margin has one, two or four values, such as 30px or 10% 5%")


def read_scale(text: str) -> float:
    """Return a share of 10 % to 100 %, such as "85%" or "0.85". Raises ValueError."""
    share = _share(text)
    if share < _MIN_SCALE:
        raise ValueError("a scale is in 10%..100%")
    return share


def read_position(text: str) -> tuple[float, float] | None:
    """One or two shares, "center", or "original", which is None. Raises ValueError."""
    if text == "original":
        return None
    if text == "center":
        return MIDDLE
    match [_share(part) for part in text.split()]:
        case [both]:
            return both, both
        case [across, down]:
            return across, down
    raise ValueError("a position is original, center, or one or two shares such as 50% 0%")


def read_region(text: str) -> Region:
    """Left, top, right and bottom in pixels or shares of the picture, such as "0% 0% 50% 100%". Raises ValueError."""
    parts = text.split()
    if len(parts) != 4:  # noqa: PLR2004
        raise ValueError("a region is left, top, right and bottom, such as 0% 0% 50% 100%")
    left, top, right, bottom = (_edge(part) for part in parts)
    return Region(left, top, right, bottom)


def _edge(text: str) -> Length:
    if text.endswith("%"):
        return Length(_share(text), is_share=True)
    number = text.removesuffix("px")
    if _NUMBER.fullmatch(number) is None:
        raise ValueError(f"{text[:50]!r} is no edge such as 30px or 10%")
    return Length(float(number))


def read_ratio(text: str) -> float:
    """Width to height, such as "1:1", "4:5" or "0.8". Raises ValueError."""
    width, colon, height = text.partition(":")
    parts = [width, height] if colon else [width, "1"]
    if any(_NUMBER.fullmatch(part) is None for part in parts) or float(parts[1]) == 0:
        raise ValueError("a ratio is width to height, such as 4:5")
    ratio = float(parts[0]) / float(parts[1])
    if not 1 / _MAX_RATIO <= ratio <= _MAX_RATIO:
        raise ValueError("a ratio is in 1:10..10:1")
    return ratio


def read_size(text: str) -> tuple[int, int]:
    """Pixels, such as "800" for both sides or "800x1000". Raises ValueError."""
    parts = text.split("x")
    if len(parts) not in (1, 2) or any(re.fullmatch(r"\d{1,5}", part, re.ASCII) is None for part in parts):
        raise ValueError("a size is pixels, such as 800 or 800x1000")
    width, height = int(parts[0]), int(parts[-1])
    if not 1 <= min(width, height) <= max(width, height) <= MAX_SIDE_PX:
        raise ValueError(f"a side is in 1..{MAX_SIDE_PX} px")
    return width, height


def read_min_size(text: str) -> tuple[int, int]:
    """Return a size that a canvas may have, whatever the picture. Raises ValueError."""
    width, height = read_size(text)
    if width * height > MAX_CANVAS_PX:
        raise ValueError(f"a minimum size has at most {MAX_CANVAS_PX} pixels in all")
    return width, height


def _length(text: str) -> Length:
    number = text.removesuffix("%") if text.endswith("%") else text.removesuffix("px")
    if _NUMBER.fullmatch(number) is None:
        raise ValueError(f"{text[:50]!r} is no length such as 30px or 10%")
    value = float(number)
    if text.endswith("%"):
        if value > 100 * _MAX_MARGIN:
            raise ValueError("a margin is at most 50% of the subject")
        return Length(value / 100, is_share=True)
    if value > _MAX_MARGIN_PX:
        raise ValueError(f"a margin is at most {_MAX_MARGIN_PX}px")
    return Length(value)


def _share(text: str) -> float:
    number = text.removesuffix("%")
    if _NUMBER.fullmatch(number) is None:
        raise ValueError(f"{text[:50]!r} is no share such as 85%")
    share = float(number) / (100 if text.endswith("%") else 1)
    if share > 1:
        raise ValueError("a share is at most 100%")
    return share


# Parts of a framing by field, as stored and as sent to the APIs.
READERS: Mapping[str, Callable[[str], Any]] = {
    "margin": read_margin,
    "scale": read_scale,
    "position": read_position,
    "ratio": read_ratio,
    "least": read_min_size,
    "most": read_size,
}


# The options of the command line and the library whose names differ from the fields'.
OPTION_NAMES: Mapping[str, str] = MappingProxyType({"least": "min_size", "most": "max_size"})


def read_framing(texts: Mapping[str, str], names: Mapping[str, str] = MappingProxyType({})) -> Framing:
    """Parse a framing by field, or by the names that `names` gives to fields. Raises ValueError that names the text."""
    values = {}
    for field, reader in READERS.items():
        name = names.get(field, field)
        if name in texts:
            try:
                values[field] = reader(texts[name])
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
    return Framing(**values)
