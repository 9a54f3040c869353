"""A verdict per rule of a profile, on what was measured on a file: one that was made, or one that is live."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cutline.pipeline.filters import U8
from cutline.pipeline.layout.compose import subject_box
from cutline.pipeline.layout.framing import Box
from cutline.pipeline.layout.framing_parser import read_ratio
from cutline.pipeline.outputs.metadata import Verdict
from cutline.pipeline.outputs.profiles import Profile, Rule

# A picture has whole pixels, so its ratio misses the one asked for by up to one of them.
_RATIO_PX = 1.0


@dataclass(frozen=True)
class Measured:
    """What the rules are about.

    file_format: such as "jpeg"; size: width and height; border_u8: (N, 3), the outermost pixels that should show the
    background, None where they are transparent; share: of the frame, along the side that the subject fills more;
    enlargement: None where the picture before is not known.
    """

    file_format: str
    colour_space: str
    size: tuple[int, int]
    size_bytes: int
    border_u8: U8 | None
    share: float
    enlargement: float | None = None


def judge(profile: Profile, measured: Measured) -> list[Verdict]:
    """Return a verdict per rule, in the profile's order; none on an enlargement that is not known."""
    outcomes = ((rule, _outcome(rule, profile, measured)) for rule in profile.rules.values())
    return [verdict_on(rule, *outcome) for rule, outcome in outcomes if outcome is not None]


def verdict_on(rule: Rule, measured: str, passed: bool) -> Verdict:
    """Return the verdict on one rule."""
    return Verdict(rule.name, rule.wanted, measured, passed, rule.source or rule.assumption, bool(rule.assumption))


def number_on(rule: Rule, value: float) -> tuple[str, bool]:
    """Return a number as text with up to three places, and whether the rule allows it."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return text, rule.allows(float(text))


def outermost(pixels_u8: U8) -> U8:
    """Return the outermost pixels (N, ...) of a picture (H, W, ...)."""
    return np.concatenate([pixels_u8[0], pixels_u8[-1], pixels_u8[:, 0], pixels_u8[:, -1]])


def share_of(alpha_u8: U8) -> float:
    """Return the subject's share of the frame, along the side that it fills more; 0 without a subject."""
    box = subject_box(alpha_u8)
    height, width = alpha_u8.shape
    return 0.0 if box is None else max(box.width / width, box.height / height)


def sides_reached(box: Box, size: tuple[int, int]) -> str:
    """Return the sides at which a subject reaches the photograph's edge, so that some of it may be missing."""
    width, height = size
    reached = {"left": box.left == 0, "top": box.top == 0, "right": box.right == width, "bottom": box.bottom == height}
    return ", ".join(side for side, there in reached.items() if there)


def _outcome(rule: Rule, profile: Profile, measured: Measured) -> tuple[str, bool] | None:
    words = {"format": measured.file_format, "colour_space": measured.colour_space}
    numbers = {
        "bytes": measured.size_bytes,
        "longest_side": max(measured.size),
        "share": measured.share,
        "enlargement": measured.enlargement,
    }
    if rule.name in words:
        return words[rule.name], words[rule.name] in rule.one_of
    if rule.name == "ratio":
        return _ratio(rule, *measured.size)
    if rule.name == "ground":
        return _background(measured.border_u8, profile)
    value = numbers[rule.name]
    return None if value is None else number_on(rule, value)


def _ratio(rule: Rule, width: int, height: int) -> tuple[str, bool]:
    wanted = read_ratio(rule.one_of[0])
    return f"{width}:{height}", abs(width - height * wanted) <= _RATIO_PX * max(1.0, wanted)


def _background(border_u8: U8 | None, profile: Profile) -> tuple[str, bool]:
    """Return the colour at the border that is farthest from the background's, and whether it is the same."""
    if border_u8 is None:
        return "transparent", False
    if len(border_u8) == 0:
        return "none", False
    wanted = np.asarray(profile.background)
    farthest = border_u8[np.abs(border_u8.astype(int) - wanted).max(axis=1).argmax()]
    return farthest.tobytes().hex(), bool((farthest == wanted).all())
