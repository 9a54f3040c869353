"""Shadow and background of a result: the values and the texts that ask for them. Imports no library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

ShadowKind = Literal["none", "keep", "drop", "auto"]
Fit = Literal["cover", "contain"]
SHADOWS: Final[tuple[ShadowKind, ...]] = get_args(ShadowKind)
FITS: Final[tuple[Fit, ...]] = get_args(Fit)
Rgb: TypeAlias = tuple[int, int, int]
Rgba: TypeAlias = tuple[int, int, int, int]

# How the address of a picture begins: on the network, or in an upload of the caller's.
UPLOAD = "upload:"
ADDRESSES = ("https://", "http://", UPLOAD)
MAX_ANGLE = 60
_PERCENT, _DEGREES = re.compile(r"(\d{1,3})%", re.ASCII), re.compile(r"(-?\d{1,3})deg", re.ASCII)
_MAX_PERCENT, _TURN = 100, 360
# The word that makes the frame hold the shadow too.
_WHOLE = "whole"
_DOWNWARDS = 180


@dataclass(frozen=True)
class Shadow:
    """A shadow under the subject.

    kind: "keep" is the photograph's own, "drop" a drawn one, "auto" the former where there is one, else the latter
    for what stands; opacity: in [0, 1], of a drawn shadow its darkness, of a kept one its share, None for the usual;
    softness: in [0, 1], and angle: degrees to the right, of a drawn one; whole: `crop` cuts to subject and shadow;
    inside: it fades out before the frame's edge, for profiles.
    """

    kind: ShadowKind = "none"
    opacity: float | None = None
    softness: float = 0.5
    angle: float = 0.0
    whole: bool = False
    inside: bool = False


NO_SHADOW: Final = Shadow()


@dataclass(frozen=True)
class Gradient:
    """A linear gradient; angle: the direction of its end in degrees, 0 up, 90 right, 180 down (CSS images 3, 3.1)."""

    start: Rgb
    end: Rgb
    angle: float = float(_DOWNWARDS)


@dataclass(frozen=True)
class Blur:
    """The photograph's own background, blurred."""

    blurred: Literal[True] = True


@dataclass(frozen=True)
class BackgroundPicture:
    """A picture; source: its address, or "" where the picture comes with the call. "contain" leaves white around it."""

    source: str = ""
    fit: Fit = "cover"


Background: TypeAlias = Rgb | Gradient | Blur | BackgroundPicture


def read_shadow(text: str) -> Shadow:
    """One of `SHADOWS` and, in any order, opacity and softness in percent, an angle, and "whole". Raises ValueError.

    "drop 60% 30% 20deg": the first percentage is the opacity.
    """
    kind, *words = text.lower().split() or [""]
    if kind not in SHADOWS:
        raise ValueError(f"{kind[:20]!r} is not one of {', '.join(SHADOWS)}")
    percents = [int(found[1]) for word in words if (found := _PERCENT.fullmatch(word))]
    angles = [int(found[1]) for word in words if (found := _DEGREES.fullmatch(word))]
    others = [word for word in words if not _PERCENT.fullmatch(word) and not _DEGREES.fullmatch(word)]
    counts = len(percents) <= len(("opacity", "softness")) and len(angles) <= 1 and others in ([], [_WHOLE])
    if not counts or (kind == "none" and words) or (kind == "keep" and (angles or percents[1:])):
        raise ValueError("a shadow is none, keep 80%, drop 60% 30% 20deg or auto, with the word whole")
    if any(percent > _MAX_PERCENT for percent in percents) or any(abs(angle) > MAX_ANGLE for angle in angles):
        raise ValueError(f"opacity and softness are at most 100%, an angle is in -{MAX_ANGLE}deg..{MAX_ANGLE}deg")
    return Shadow(
        kind,
        percents[0] / _MAX_PERCENT if percents else None,
        percents[1] / _MAX_PERCENT if percents[1:] else Shadow.softness,
        float(angles[0]) if angles else 0.0,
        whole=bool(others),
    )


def read_colour(text: str) -> Rgb:
    """A colour such as "white", "1f6feb" or "#1f6feb". Raises ValueError."""
    digits = "ffffff" if text == "white" else text.removeprefix("#")
    if re.fullmatch(r"[0-9a-fA-F]{6}", digits) is None:
        raise ValueError("must be six hexadecimal digits, such as 1f6feb")
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def read_background(text: str, fit: str = "") -> Background | None:
    """A colour, two with an angle or without, "blur", or an address; "transparent" is None. Raises ValueError."""
    text, chosen = text.strip(), read_fit(fit)
    if text == "transparent":
        return None
    if text == "blur":
        return Blur()
    if text.startswith(ADDRESSES):
        return BackgroundPicture(text, chosen)
    try:
        return _gradient(text) if "," in text else read_colour(text)
    except ValueError as error:
        raise ValueError(
            "must be transparent, a colour such as ffffff, a gradient such as ffffff,d0d0d0 or ffffff,d0d0d0,90deg, "
            "blur, or the address of a picture"
        ) from error


def read_fit(text: str) -> Fit:
    """One of `FITS`; the first if there is no text. Raises ValueError."""
    for fit in FITS:
        if (text.strip() or FITS[0]) == fit:
            return fit
    raise ValueError(f"the fit {text[:20]!r} is not one of {', '.join(FITS)}")


def _gradient(text: str) -> Gradient:
    start, end, *angles = (part.strip() for part in text.split(","))
    if not angles:
        return Gradient(read_colour(start), read_colour(end))
    found = _DEGREES.fullmatch(angles[0])
    if angles[1:] or found is None or abs(int(found[1])) > _TURN:
        raise ValueError("not an angle")
    return Gradient(read_colour(start), read_colour(end), float(found[1]))


def background_from(document: Any) -> Background | None:
    """The background of which `dataclasses.asdict` made this document, and JSON lists of its tuples."""
    if not isinstance(document, Mapping):
        return None if document is None else tuple(document)
    if "blurred" in document:
        return Blur()
    if "source" in document:
        return BackgroundPicture(**document)
    return Gradient(tuple(document["start"]), tuple(document["end"]), document["angle"])
