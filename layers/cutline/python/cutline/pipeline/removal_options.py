"""Options of a removal: what callers may ask for whose answer is the file itself. Imports no library."""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

from cutline.pipeline.layout.framing import AS_IT_IS, MAX_CANVAS_PX, Box, Framing, Region
from cutline.pipeline.options import Subject

# "auto" is PNG where anything is transparent, else JPEG; "zip" holds color.jpg and alpha.png.
RemovalFormat = Literal["auto", "png", "jpg", "webp", "zip"]
MEGAPIXEL = 1_000_000
# Of any result: what fits into the memory of a function.
LARGEST_PX = MAX_CANVAS_PX


@dataclass(frozen=True)
class RemovalOptions:
    """Options of one removal.

    most_px, most_png_px: the pixels that the picture is reduced to, the second where the result is a PNG;
    mask: the result is the alpha alone; background: red, green, blue and opacity in 0..255; region: None is everywhere;
    crop and framing: how the subject stands in the result; may_be_empty: whether there is one without a subject;
    alternatives: the formats that a caller whose result is too large can ask for instead.
    """

    subject: Subject = "auto"
    file_format: RemovalFormat = "auto"
    most_px: int = LARGEST_PX
    most_png_px: int = 10 * MEGAPIXEL
    mask: bool = False
    background: tuple[int, int, int, int] | None = None
    region: Region | None = None
    crop: bool = False
    framing: Framing = AS_IT_IS
    may_be_empty: bool = False
    alternatives: tuple[RemovalFormat, ...] = ("webp", "zip", "jpg")


@dataclass(frozen=True)
class RemovalFacts:
    """What an answer tells of a removal, besides its size.

    person: whether the subject is mostly people; box: the subject's in the result; most: width and height that the
    result would have at the largest `size`.
    """

    content_type: str
    person: bool
    box: Box
    most: tuple[int, int]


def reduced(width: int, height: int, most_px: int) -> tuple[int, int]:
    """Width and height of at most this many pixels, in the same proportion; never enlarged."""
    factor = min(1.0, sqrt(most_px / (width * height)))
    return max(1, int(width * factor)), max(1, int(height * factor))
