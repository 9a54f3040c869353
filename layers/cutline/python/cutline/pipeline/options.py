"""Options of cut-outs, single files and garments. Imports no library, so that contracts can use it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any, Final, Literal, get_args

from cutline.errors import InputRefused, Reason
from cutline.pipeline.finish.options import (
    NO_SHADOW,
    Background,
    BackgroundPicture,
    Blur,
    Fit,
    Gradient,
    Rgb,
    Rgba,
    Shadow,
    background_from,
)
from cutline.pipeline.layout.framing import MAX_CANVAS_PX, UNFRAMED, Box, Framing, Region, target_size

Subject = Literal["auto", "person", "object", "stamp"]
ImageFormat = Literal["png", "jpeg", "webp", "avif"]
# What a result keeps of what its picture's file says besides pixels.
MetadataMode = Literal["none", "keep", "all"]
GarmentForm = Literal["cutout", "mask", "white"]

_FORMATS: tuple[ImageFormat, ...] = get_args(ImageFormat)
CONTENT_TYPES: Final[Mapping[ImageFormat, str]] = {name: f"image/{name}" for name in _FORMATS}
FORMATS: Final[Mapping[str, ImageFormat]] = {"png": "png", "jpg": "jpeg", **{name: name for name in _FORMATS[1:]}}
# Bits of a result's sample.
Depth = Literal[8, 16]
DEPTHS: Final[Mapping[str, Depth]] = {"8": 8, "16": 16}
METADATA_MODES: Final[tuple[MetadataMode, ...]] = get_args(MetadataMode)
GARMENTS = ("tops", "coat", "skirt", "pants", "bag", "shoes", "hat")


def image_format_of(name: str) -> ImageFormat:
    """The format that a file's ending or an option names. Raises ValueError."""
    if name.lower() not in FORMATS:
        raise ValueError(f"the format {name!r} is not of {', '.join(FORMATS)}")
    return FORMATS[name.lower()]


def read_metadata_mode(text: str) -> MetadataMode:
    """One of `METADATA_MODES`. Raises ValueError."""
    for mode in METADATA_MODES:
        if text == mode:
            return mode
    raise ValueError(f"{text[:20]!r} is not one of {', '.join(METADATA_MODES)}")


@dataclass(frozen=True)
class CutOptions:
    """Options of one cut-out.

    background: what is behind the subject, None for transparency; shadow: the one under it; target_*: None for the
    picture's own size; crop: cuts image and mask to the subject's box; framing: how the subject stands in image and
    mask; roi: the part of the picture that holds the subject (pipeline/matting/roi.py), outside of which everything is
    background; profile: the name of a built-in one (pipeline/outputs/profiles.py), which stands for all but
    `subject`, `roi`, `shadow` and `metadata`; metadata: what the result keeps of the file's (codecs/file_metadata.py);
    depth: 16 is for a transparent PNG, see `check_depth`.
    """

    subject: Subject = "auto"
    background: Background | None = None
    crop: bool = False
    target_width: int | None = None
    target_height: int | None = None
    image_format: ImageFormat = "png"
    want_image: bool = True
    want_mask: bool = False
    framing: Framing = UNFRAMED
    roi: Region | None = None
    profile: str = ""
    shadow: Shadow = NO_SHADOW
    metadata: MetadataMode = "none"
    depth: Depth = 8


def check_depth(options: CutOptions) -> None:
    """Raise ValueError for 16 bits of what has only 8: shadows, backgrounds, profiles, masks, other formats."""
    shown = options.background is not None or options.shadow != NO_SHADOW or options.profile
    if options.depth > DEPTHS["8"] and (shown or options.image_format != "png" or not options.want_image):
        raise ValueError("16 bits are for a transparent PNG, without shadow, background, profile or mask only")


def cut_document(options: CutOptions) -> dict[str, Any]:
    """Return the options for storage, without those that have their default."""
    default = asdict(CutOptions())
    return {name: value for name, value in asdict(options).items() if value != default[name]}


def cut_options_from(document: Mapping[str, Any]) -> CutOptions:
    """Return the options of a `cut_document`; JSON has made lists of their tuples."""
    readers: Mapping[str, Callable[[Any], Any]] = {
        "background": background_from,
        "shadow": lambda shadow: Shadow(**shadow),
        "framing": Framing.from_document,
        "roi": Region.from_document,
    }
    return CutOptions(**{name: readers[name](value) if name in readers else value for name, value in document.items()})


@dataclass(frozen=True)
class GarmentOptions:
    """Options of one garment cut-out.

    classes: of `GARMENTS`, each in a file of its own next to their union; merged: the union holds only `classes`
    instead of all garments found; form: "cutout" is on the `background` or transparent, "white" stands on white, "mask"
    is only the alpha; shadow and metadata: of each result but masks.
    """

    classes: tuple[str, ...] = ()
    form: GarmentForm = "cutout"
    merged: bool = False
    background: Background | None = None
    shadow: Shadow = NO_SHADOW
    metadata: MetadataMode = "none"


@dataclass(frozen=True)
class CheckOptions:
    """Options of one check: the name of a built-in profile."""

    profile: str


# What a function encodes as WebP within its time, whatever the picture.
MAX_VARIANT_PX = 4_000_000
# What a function of Lambda's encodes as WebP in the time that a derived file has, as for the WebP copy of a result.
MAX_WEBP_PX = 3_000_000
# AVIF takes twice as long.
MAX_AVIF_VARIANT_PX = 1_500_000
_MAX_PX: Mapping[ImageFormat | None, int] = {"webp": MAX_WEBP_PX, "avif": MAX_AVIF_VARIANT_PX}


@dataclass(frozen=True)
class VariantOptions:
    """Options of one variant of a stored cut-out.

    width, height: of the canvas in pixels; with one of them the other follows from the shape; fit: how the cut-out
    stands on a canvas with both; image_format: None is the profile's, or PNG; shadow: none or drawn; profile: the name
    of a built-in one, which frames the subject before all else.
    """

    width: int | None = None
    height: int | None = None
    fit: Fit = "contain"
    background: Rgb | Gradient | None = None
    image_format: ImageFormat | None = None
    shadow: Shadow = NO_SHADOW
    profile: str = ""

    def canvas_of(self, width: int, height: int) -> tuple[int, int]:
        """Return the canvas for a cut-out of this size. Raises InputRefused(PARAMETER_INVALID) for too many pixels."""
        width, height = target_size(width, height, self.width, self.height)
        max_px = _MAX_PX.get(self.image_format, MAX_VARIANT_PX)
        if width * height > max_px:
            text = f"w and h must be such that the variant has at most {max_px} pixels"
            raise InputRefused(Reason.PARAMETER_INVALID, text)
        return width, height

    def check_transparency(self, *, transparent: bool) -> None:
        """Raise InputRefused(PARAMETER_INVALID) where the cut-out is not transparent, and would hide what is asked."""
        if not transparent and (self.background is not None or self.shadow.kind != "none" or self.profile):
            raise InputRefused(Reason.PARAMETER_INVALID, "bg, shadow and profile need a transparent result")


# "auto" is PNG where anything is transparent, else JPEG; "zip" holds color.jpg and alpha.png.
SingleFileFormat = Literal["auto", "png", "jpg", "webp", "avif", "zip"]
MEGAPIXEL = 1_000_000
# Of any result: what fits into the memory of a function.
LARGEST_PX = MAX_CANVAS_PX


@dataclass(frozen=True)
class SingleFileOptions:
    """Options of one single file.

    max_px, max_png_px: the pixels that the picture is reduced to, the second where the result is a PNG; mask: the
    result is only the alpha; background: red, green, blue and opacity in 0..255, or as of a cut-out, None for
    transparency; shadow: the one under the subject; region: None is everywhere;
    crop and framing: how the subject stands in the result; may_be_empty: whether there is one without a subject;
    metadata: as of a cut-out;
    alternatives: the formats that a caller whose result is too large can ask for instead.
    """

    subject: Subject = "auto"
    file_format: SingleFileFormat = "auto"
    max_px: int = LARGEST_PX
    max_png_px: int = 10 * MEGAPIXEL
    mask: bool = False
    background: Rgba | Gradient | Blur | BackgroundPicture | None = None
    shadow: Shadow = NO_SHADOW
    region: Region | None = None
    crop: bool = False
    framing: Framing = UNFRAMED
    may_be_empty: bool = False
    metadata: MetadataMode = "none"
    alternatives: tuple[SingleFileFormat, ...] = ("webp", "zip", "jpg")


@dataclass(frozen=True)
class SingleFileMetadata:
    """Metadata of a single file, besides its size.

    person: whether the subject is mostly people; box: the subject's in the result; max_size: width and height that the
    result would have at the largest `size`.
    """

    content_type: str
    person: bool
    box: Box
    max_size: tuple[int, int]


def reduced(width: int, height: int, max_px: int) -> tuple[int, int]:
    """Return width and height with at most `max_px` pixels, in the same proportion; never enlarged."""
    factor = min(1.0, sqrt(max_px / (width * height)))
    return max(1, int(width * factor)), max(1, int(height * factor))
