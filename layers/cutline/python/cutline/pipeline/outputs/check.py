"""A picture as a shop shows it, against a profile's rules: nothing is cut, made or changed.

In addition to the profile's rules: whether the subject is whole and the only one, whether the background is even, and
whether the picture has borders or transparency. Where a profile says nothing of these, what is asked for is an
assumption, and the verdict says so. Text laid over a picture and watermarks are not looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.cutout import CutOptions, Matte, Predictor, matte_picture, on_white
from cutline.pipeline.filters import U8, Bool
from cutline.pipeline.layout.compose import VISIBLE_ALPHA, merge_alpha, subject_box
from cutline.pipeline.outputs.instances import count_subjects
from cutline.pipeline.outputs.judging import Measured, judge, number_on, outermost, share_of, sides_reached, verdict_on
from cutline.pipeline.outputs.metadata import ResultMetadata, Verdict
from cutline.pipeline.outputs.profiles import Profile, Rule
from cutline.pipeline.timing import StageTimer

_OPTIONS = CutOptions(want_image=False)
# A subject ends at half of alpha. What is softer reaches 7 px of 1000 beyond the outline: of 48 cut-outs on white, as
# large as a shop's, the error of the share falls from .0083 to .0018, and 1 in place of 4 seems to reach the edge.
_OUTLINE_ALPHA = 127
# JPEG mixes a subject's colours into the background up to two of its blocks away.
_NEAR_PX = 16
# What counts as the border: this share of the shorter side.
_BAND = 0.02
# A part with fewer of the largest one's pixels is a piece of it, such as a lace.
_SUBJECT_SHARE = 0.1
# A drawn border: lines of one colour, up to this share of a side, and then a line that differs nearly everywhere.
_MAX_BORDER, _LINE_SHARE, _SAME_LEVELS, _OTHER_LEVELS, _BLUR_PX = 0.1, 0.75, 8, 24, 2
_SAMPLED_ROWS = 256
_RULES = {
    "evenness": Rule("evenness", max=8, assumption="Levels of 255 between the background's extremes at the border."),
    "whole": Rule("whole", one_of=("yes",), assumption="A subject that reaches the picture's edge may be cut off."),
    "subjects": Rule("subjects", min=1, max=1, assumption="One product by itself; a pair counts as two."),
    "borders": Rule("borders", one_of=("none",), assumption="No line or bar is drawn along the picture's edges."),
    "transparency": Rule("transparency", one_of=("none",), assumption="A background with a colour is opaque."),
}


@dataclass(frozen=True)
class Checked:
    """A picture's verdicts; subject, coverage and confidence are those of the network that looked for its subject."""

    profile: str
    verdicts: tuple[Verdict, ...]
    metadata: ResultMetadata

    @property
    def passed(self) -> bool:
        """Whether every rule is kept."""
        return self.metadata.passed


def check(picture: Picture, size_bytes: int, profile: Profile, network: Predictor, timer: StageTimer) -> Checked:
    """Check a decoded file of `size_bytes`. A picture without a subject fails. Raises ServiceFault."""
    matte = matte_picture(picture, _OPTIONS, network, timer)
    if _shows_nothing(picture):  # the network was trained on pictures of something
        matte = replace(matte, alpha_u8=np.zeros_like(matte.alpha_u8))
    with timer.stage("measure"):
        verdicts = (*judge(profile, _measured(picture, size_bytes, matte)), *_further(picture, matte, profile))
    coverage = 0.0 if matte.box is None else float(matte.alpha_u8.mean() / 255)
    metadata = ResultMetadata(matte.subject, coverage, matte.confidence, profile=profile.name, verdicts=verdicts)
    return Checked(profile.name, verdicts, metadata)


def _shows_nothing(picture: Picture) -> bool:
    """Whether the picture is of one colour and one alpha, but for noise."""
    rgb_u8, own_u8 = picture.rgb_u8, picture.alpha_u8
    pixels_u8 = rgb_u8 if own_u8 is None else merge_alpha(rgb_u8, own_u8)
    low, high = np.percentile(pixels_u8[:: max(1, len(rgb_u8) // _SAMPLED_ROWS)], (0.1, 99.9), axis=(0, 1))
    return bool((high - low).max() <= _SAME_LEVELS)


def _measured(picture: Picture, size_bytes: int, matte: Matte) -> Measured:
    return Measured(
        file_format=picture.format.lower(),
        colour_space=picture.colour_space,
        size=(picture.width, picture.height),
        size_bytes=size_bytes,
        border_u8=_border(picture, matte),
        share=share_of(_outlined(matte.alpha_u8)),
    )


def _outlined(alpha_u8: U8) -> U8:
    """Return the alpha within the subject's outline; all of it where no pixel is half opaque, as of thin smoke."""
    inner_u8 = np.where(alpha_u8 > _OUTLINE_ALPHA, alpha_u8, np.uint8(0))
    return inner_u8 if inner_u8.any() else alpha_u8


def _further(picture: Picture, matte: Matte, profile: Profile) -> Iterator[Verdict]:
    """Judge what no profile has a rule for."""
    shown_u8 = on_white(picture)  # a pixel that is not seen can have any colour
    if profile.background is not None:
        levels = _unevenness(shown_u8, matte.alpha_u8)
        if levels is not None:
            yield verdict_on(_RULES["evenness"], *number_on(_RULES["evenness"], levels))
        hidden = 0.0 if picture.alpha_u8 is None else float((picture.alpha_u8 < 255).mean())  # noqa: PLR2004
        text = f"{hidden:.1%} of the pixels" if hidden else "none"
        yield verdict_on(_RULES["transparency"], text, not hidden)
    box = subject_box(_outlined(matte.alpha_u8))
    if box is not None:
        sides = sides_reached(box, (picture.width, picture.height))
        yield verdict_on(_RULES["whole"], f"no, {sides}" if sides else "yes", not sides)
    count = count_subjects(matte.alpha_u8, _SUBJECT_SHARE)
    yield verdict_on(_RULES["subjects"], *number_on(_RULES["subjects"], count))
    drawn = find_borders(shown_u8, matte.alpha_u8)
    yield verdict_on(_RULES["borders"], ", ".join(drawn) or "none", not drawn)


def _border(picture: Picture, matte: Matte) -> U8 | None:
    """Return the outermost pixels (N, 3) that are clear of the subject, or None if any of all is transparent."""
    if picture.alpha_u8 is not None and outermost(picture.alpha_u8).min() < 255:  # noqa: PLR2004
        return None
    visible = matte.alpha_u8 > VISIBLE_ALPHA
    lines = [visible[0], visible[-1], visible[:, 0], visible[:, -1]]
    clear = np.concatenate([~_grown(line) for line in lines])
    shown: U8 = outermost(picture.rgb_u8)[clear]
    return shown


def _grown(line: Bool) -> Bool:
    if not line.any():
        return line
    return np.convolve(line, np.ones(2 * _NEAR_PX + 1))[_NEAR_PX : _NEAR_PX + len(line)] > 0


def _unevenness(shown_u8: U8, alpha_u8: U8) -> float | None:
    """Return the levels between the background's 1st and 99th percentile at the border, of the channel with most.

    None where nothing there is background.
    """
    height, width = alpha_u8.shape
    band = max(1, round(_BAND * min(height, width)))
    inner = np.zeros((height, width), np.bool_)
    inner[band:-band, band:-band] = True
    pixels = shown_u8[~inner & (alpha_u8 == 0)]
    if len(pixels) == 0:
        return None
    low, high = np.percentile(pixels, (1, 99), axis=0)
    return float((high - low).max())


def find_borders(rgb_u8: U8, alpha_u8: U8) -> list[str]:
    """Return the sides along which a line or bar of one colour is drawn, if they are opposite ones.

    A plain background ends where the subject begins, which few lines of pixels cross in their whole length; a subject
    that does, such as a poster, is recognised by its alpha.
    """
    turned = {"left": (1, 0), "top": (0, 1), "right": (1, 0), "bottom": (0, 1)}
    found = []
    for side, axes in turned.items():
        rgb, alpha = np.transpose(rgb_u8, (*axes, 2)), np.transpose(alpha_u8, axes)
        if side in ("right", "bottom"):
            rgb, alpha = rgb[::-1], alpha[::-1]
        if _has_border(rgb, alpha):
            found.append(side)
    pairs = ("left", "right"), ("top", "bottom")
    return [side for side in found if any(side in pair and set(pair) <= set(found) for pair in pairs)]


def _has_border(rgb_u8: U8, alpha_u8: U8) -> bool:
    """Whether a border of one colour begins at the first line."""
    deepest = int(len(rgb_u8) * _MAX_BORDER)
    lines = rgb_u8[: deepest + _BLUR_PX + 1].astype(np.int16)
    if deepest < 1 or len(lines) <= _BLUR_PX:
        return False
    difference = np.abs(lines - np.median(lines[0], axis=0)).max(axis=2)
    uniform = (difference <= _SAME_LEVELS).mean(axis=1) >= 1 - _BAND
    depth = int(uniform.argmin())
    if not uniform[0] or uniform.all() or depth > deepest:
        return False
    # A line's blur, of JPEG or of a resize, takes one or two pixels.
    other = difference[depth : depth + _BLUR_PX + 1] >= _OTHER_LEVELS
    background = alpha_u8[depth : depth + _BLUR_PX + 1] <= VISIBLE_ALPHA
    differs = other.mean(axis=1)
    at = int(differs.argmax())
    return bool(differs[at] >= _LINE_SHARE and background[at][other[at]].mean() > 0.5)  # noqa: PLR2004
