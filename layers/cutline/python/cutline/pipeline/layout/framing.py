"""Framing of a subject in its result: margin, scale, position, ratio, size. Imports no library, for the contracts.

The result is a canvas on which one rectangle of the picture is drawn, enlarged or reduced:

    crop            the canvas is the subject's box and its `margin`; else the whole picture
    scale           with crop the canvas grows until the subject takes no more than this share of either side;
                    else the subject is resized until it does, and stands in the middle
    position        where the free space is: 0, 0 puts the subject at the upper left, 1, 1 at the lower right
    ratio           the canvas grows in one direction until width / height is this
    least, most     the canvas with all on it is enlarged or reduced to these sides
    target          the canvas is exactly this size, and what was there stands in its middle
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

MAX_SIDE_PX = 16_384
# The longest side that a WebP can have.
MAX_WEBP_SIDE_PX = 16_383
# The encoder takes 0.7 GiB for these with alpha, 40 bytes a pixel.
MAX_AVIF_PX = 4096 * 4096
# Of a picture and a result with 16 bits.
MAX_DEEP_PX = 4096 * 4096
# Bounds of an enlarged canvas: this number of pixels, or 1.5 times those of its picture, whichever is larger, and the
# longest side of a WebP. Encoding 25 megapixels as WebP with alpha takes up to 0.9 GiB.
MAX_CANVAS_PX, MAX_GROWTH = 25_000_000, 1.5
# What a side becomes that follows from the other one of a target.
MAX_DERIVED_SIDE_PX = 3000
MIDDLE = (0.5, 0.5)


@dataclass(frozen=True)
class Box:
    """A half-open pixel rectangle."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def within(self, width: int, height: int) -> Box:
        """Return its part inside a picture of this size, which may be empty."""
        left, right = (min(max(0, at), width) for at in (self.left, self.right))
        top, bottom = (min(max(0, at), height) for at in (self.top, self.bottom))
        return Box(left, top, max(left, right), max(top, bottom))

    def around(self, other: Box) -> Box:
        """The smallest rectangle that holds both."""
        left, top = min(self.left, other.left), min(self.top, other.top)
        return Box(left, top, max(self.right, other.right), max(self.bottom, other.bottom))

    def moved(self, across: int, down: int) -> Box:
        """Return the rectangle moved by `across` and `down` pixels."""
        return Box(self.left + across, self.top + down, self.right + across, self.bottom + down)


@dataclass(frozen=True)
class Length:
    """Pixels of the picture, or a share of the subject's side along which it lies."""

    value: float
    is_share: bool = False

    def of(self, side_px: int) -> float:
        """Return the length in pixels; a share is one of `side_px`."""
        return self.value * side_px if self.is_share else self.value


NO_LENGTH = Length(0.0)


@dataclass(frozen=True)
class Framing:
    """The options that the head of this module explains; None and 0 leave one out.

    margin: top, right, bottom, left; scale: in [0.1, 1]; position: two shares of the free space; ratio: width / height;
    least, most: width and height in pixels.
    """

    margin: tuple[Length, Length, Length, Length] = (NO_LENGTH, NO_LENGTH, NO_LENGTH, NO_LENGTH)
    scale: float | None = None
    position: tuple[float, float] | None = None
    ratio: float | None = None
    least: tuple[int, int] = (0, 0)
    most: tuple[int, int] | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Framing:
        """The framing of which `dataclasses.asdict` made this document, whatever JSON did to its tuples."""
        top, right, bottom, left = (Length(**margin) for margin in document["margin"])
        pairs = {name: document[name] and tuple(document[name]) for name in ("position", "least", "most")}
        return cls((top, right, bottom, left), scale=document["scale"], ratio=document["ratio"], **pairs)


UNFRAMED = Framing()


@dataclass(frozen=True)
class Region:
    """The part of a picture that holds the subject: lengths from its left and upper edge, shares of its own sides."""

    left: Length
    top: Length
    right: Length
    bottom: Length

    def box_in(self, width: int, height: int) -> Box:
        """The region in whole pixels; it may be empty or reach beyond the picture."""
        left, right = (round(at.of(width)) for at in (self.left, self.right))
        top, bottom = (round(at.of(height)) for at in (self.top, self.bottom))
        return Box(left, top, right, bottom)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Region:
        """The region of which `dataclasses.asdict` made this document."""
        return cls(**{name: Length(**length) for name, length in document.items()})


@dataclass(frozen=True)
class Placement:
    """`source` of the picture is drawn into `drawn` of a canvas of width x height.

    is_reduced: the framing asked for more pixels than a canvas may have.
    """

    width: int
    height: int
    source: Box
    drawn: Box
    is_reduced: bool = False

    @property
    def enlargement(self) -> float:
        """Scale of the subject relative to the picture; above 1 pixels are interpolated."""
        return max(self.drawn.width / self.source.width, self.drawn.height / self.source.height)


@dataclass(frozen=True)
class _Draft:
    """A placement in real numbers: the source's left upper corner on the canvas and its scale there."""

    width: float
    height: float
    source: Box
    left: float
    top: float
    scale: float = 1.0

    def resized(self, factor: float) -> _Draft:
        return _Draft(
            self.width * factor,
            self.height * factor,
            self.source,
            self.left * factor,
            self.top * factor,
            self.scale * factor,
        )

    def on(self, width: float, height: float, share: tuple[float, float] = MIDDLE) -> _Draft:
        """The draft on a canvas of another size; `share` of the space that it gains is at the left and at the top."""
        left = self.left + (width - self.width) * share[0]
        top = self.top + (height - self.height) * share[1]
        return _Draft(width, height, self.source, left, top, self.scale)


def place(
    size: tuple[int, int], box: Box, framing: Framing, *, crop: bool, target: tuple[int | None, int | None]
) -> Placement:
    """Place the subject with this box in a picture of this size (width, height)."""
    draft = _cropped(box, framing) if crop else _uncropped(size, box, framing)
    if framing.ratio is not None:
        width = max(draft.width, draft.height * framing.ratio)
        draft = draft.on(width, width / framing.ratio, framing.position or MIDDLE)
    width, height = draft.width, draft.height
    factor = max(1.0, framing.least[0] / width, framing.least[1] / height)
    if framing.most is not None:
        factor = min(factor, framing.most[0] / width, framing.most[1] / height)
    draft = draft.resized(factor)
    max_px = max(MAX_CANVAS_PX, MAX_GROWTH * size[0] * size[1])
    is_reduced = draft.width * draft.height > max_px
    # A canvas that is no larger than its picture is not reduced.
    max_side = max(MAX_WEBP_SIDE_PX, *size)
    max_factor = min(sqrt(max_px / (draft.width * draft.height)), max_side / max(draft.width, draft.height))
    draft = draft.resized(min(1.0, max_factor))
    if any(target):
        width, height = target_size(round(draft.width), round(draft.height), *target)
        draft = draft.resized(min(width / draft.width, height / draft.height)).on(width, height)
    return _rounded(draft, is_reduced=is_reduced)


def target_size(width: int, height: int, target_width: int | None, target_height: int | None) -> tuple[int, int]:
    """Width and height of the canvas for a subject of this size; a side that is None keeps the shape, 1..3000 px."""
    if target_width and target_height:
        return target_width, target_height
    if target_width:
        return target_width, _derived(height * target_width / width)
    if target_height:
        return _derived(width * target_height / height), target_height
    return width, height


def _derived(side: float) -> int:
    return min(max(1, round(side)), MAX_DERIVED_SIDE_PX)


def _cropped(box: Box, framing: Framing) -> _Draft:
    sides = (box.height, box.width, box.height, box.width)
    top, right, bottom, left = (margin.of(side) for margin, side in zip(framing.margin, sides, strict=True))
    draft = _Draft(left + box.width + right, top + box.height + bottom, box, left, top)
    if framing.scale is None:
        return draft
    # The share counts in the direction in which it is reached first, once the ratio is set.
    width, height = box.width / framing.scale, box.height / framing.scale
    if framing.ratio is not None:
        width, height = max(width, height * framing.ratio), max(height, width / framing.ratio)
    return draft.on(max(draft.width, width), max(draft.height, height), framing.position or MIDDLE)


def _uncropped(size: tuple[int, int], box: Box, framing: Framing) -> _Draft:
    width, height = size
    if framing.scale is None and framing.position is None:
        return _Draft(width, height, Box(0, 0, width, height), 0.0, 0.0)
    scale = 1.0 if framing.scale is None else framing.scale * min(width / box.width, height / box.height)
    across, down = framing.position or MIDDLE
    free = width - box.width * scale, height - box.height * scale
    return _Draft(width, height, box, free[0] * across, free[1] * down, scale)


def _rounded(draft: _Draft, *, is_reduced: bool) -> Placement:
    """The draft in whole pixels, within its canvas and with at least one pixel."""
    width, height = (min(max(1, round(side)), MAX_SIDE_PX) for side in (draft.width, draft.height))
    inner_width = min(width, max(1, round(draft.source.width * draft.scale)))
    inner_height = min(height, max(1, round(draft.source.height * draft.scale)))
    left = min(max(0, _whole(draft.left)), width - inner_width)
    top = min(max(0, _whole(draft.top)), height - inner_height)
    drawn = Box(left, top, left + inner_width, top + inner_height)
    return Placement(width, height, draft.source, drawn, is_reduced)


def _whole(at: float) -> int:
    """The nearest whole number; of two the lower."""
    return ceil(at - 0.5)
