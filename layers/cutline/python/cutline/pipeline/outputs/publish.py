"""A matte made into the picture that a profile asks for, and a verdict per rule on the file that came out."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from cutline.pipeline.codecs.colour import colour_space_of
from cutline.pipeline.codecs.encode import (
    AVIF_QUALITY,
    JPEG_QUALITY,
    WEBP_QUALITY,
    encode_avif,
    encode_jpeg,
    encode_png,
    encode_webp,
)
from cutline.pipeline.codecs.file_metadata import FileMetadata
from cutline.pipeline.cutout import Cutout, Matte, compose, placement_of
from cutline.pipeline.filters import U8
from cutline.pipeline.finish.options import NO_SHADOW, Shadow
from cutline.pipeline.layout.framing import MAX_SIDE_PX, Framing
from cutline.pipeline.options import CONTENT_TYPES, CutOptions, ImageFormat
from cutline.pipeline.outputs.judging import Measured, judge, outermost, share_of, sides_reached
from cutline.pipeline.outputs.metadata import ResultMetadata, Verdict
from cutline.pipeline.outputs.profiles import Profile

# Below this a product's texture visibly breaks up.
_MIN_QUALITY, _MAX_QUALITY = 60, 100
_QUALITIES: Mapping[ImageFormat, tuple[Callable[[U8, FileMetadata | None, int], bytes], int]] = {
    "jpeg": (encode_jpeg, JPEG_QUALITY),
    "webp": (encode_webp, WEBP_QUALITY),
    "avif": (encode_avif, AVIF_QUALITY),
}
# A verdict's `wanted` where there is no rule: the value is only reported.
_REPORTED = "told"


@dataclass(frozen=True)
class Published:
    """The file, the verdict of each rule, and the picture behind it.

    quality: a PNG's is 0; shadow, file_metadata: as of `ResultMetadata`. `enlargement` above 1 is never hidden: there
    is then a verdict about it, with or without a rule.
    """

    file: bytes
    content_type: str
    quality: int
    verdicts: tuple[Verdict, ...]
    cutout: Cutout
    profile: str = ""
    shadow: str = ""
    file_metadata: str = ""

    @property
    def metadata(self) -> ResultMetadata:
        """Return the result's metadata."""
        made = self.cutout
        return ResultMetadata(
            subject=made.subject,
            coverage=made.coverage,
            confidence=made.confidence,
            enlargement=made.placement.enlargement,
            profile=self.profile,
            verdicts=self.verdicts,
            shadow=self.shadow,
            file_metadata=self.file_metadata,
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return warnings: rules that are not kept, enlargement, a subject that the photograph cuts off."""
        return tuple(verdict.text for verdict in self.verdicts if not verdict.passed or verdict.wanted == _REPORTED)

    @property
    def passed(self) -> bool:
        """Whether every rule is kept."""
        return all(verdict.passed for verdict in self.verdicts)


def publish(matte: Matte, profile: Profile, shadow: Shadow = NO_SHADOW) -> Published:
    """The picture that a profile asks for, of a matte whose subject was found.

    A shadow ends inside the frame, whose outermost pixels a rule may want to be plain; frame and shares are the
    subject's.
    """
    cutout = _composed(matte, profile, replace(shadow, whole=False, inside=True))
    file, quality = _encoded(cutout.pixels_u8, profile, matte.metadata)
    verdicts = tuple(_verdicts(file, cutout, profile))
    asked = shadow.kind != "none"
    content_type = CONTENT_TYPES[profile.image_format]
    found = cutout.shadow if asked else ""
    return Published(file, content_type, quality, verdicts, cutout, profile.name, found, matte.file_metadata)


def _composed(matte: Matte, profile: Profile, shadow: Shadow) -> Cutout:
    options = CutOptions(
        background=profile.background,
        crop=True,
        image_format=profile.image_format,
        framing=Framing(scale=profile.share, ratio=profile.ratio),
        shadow=shadow,
    )
    rule = profile.rules.get("longest_side")
    height, width = matte.alpha_u8.shape
    framing = replace(options.framing, most=(MAX_SIDE_PX, MAX_SIDE_PX))
    if rule is not None:
        native = placement_of(matte.box, (width, height), options)
        side = max(native.width, native.height)
        # A larger picture is reduced to the best size; a smaller one changes only if it is below the minimum size.
        aim = min(side, rule.best or rule.max or side)
        aim = max(aim, rule.min or aim)
        sides = _sides(native.width, native.height, aim)
        framing = replace(options.framing, least=sides, most=sides)
    return compose(matte, replace(options, framing=framing))


def _sides(width: int, height: int, longest: float) -> tuple[int, int]:
    factor = longest / max(width, height)
    return max(1, round(width * factor)), max(1, round(height * factor))


def _encoded(pixels_u8: U8, profile: Profile, metadata: FileMetadata | None) -> tuple[bytes, int]:
    """The file and its quality: the usual one, unless the rule on the file's size wants less or more."""
    if profile.image_format not in _QUALITIES:
        return encode_png(pixels_u8, metadata), 0
    encode_at, usual = _QUALITIES[profile.image_format]

    def encode(pixels_u8: U8, quality: int) -> bytes:
        return encode_at(pixels_u8, metadata, quality)

    file = encode(pixels_u8, usual)
    rule = profile.rules.get("bytes")
    if rule is None or rule.allows(len(file)):
        return file, usual
    if rule.max is not None and len(file) > rule.max:
        return _search(pixels_u8, encode, _MIN_QUALITY, usual - 1, rule.max)
    # Too small: the least quality that reaches the least size, found as the last one that does not, and one more.
    _, below = _search(pixels_u8, encode, usual, _MAX_QUALITY, (rule.min or 0) - 1)
    quality = min(below + 1, _MAX_QUALITY)
    return encode(pixels_u8, quality), quality


def _search(
    pixels_u8: U8, encode: Callable[[U8, int], bytes], low: int, high: int, max_bytes: float
) -> tuple[bytes, int]:
    """Return the largest file of at most `max_bytes` and its quality in low..high; that of `low` if none fits."""
    best, quality = encode(pixels_u8, low), low
    low += 1
    while low <= high:
        middle = (low + high) // 2
        file = encode(pixels_u8, middle)
        if len(file) <= max_bytes:
            best, quality, low = file, middle, middle + 1
        else:
            high = middle - 1
    return best, quality


def _verdicts(file: bytes, cutout: Cutout, profile: Profile) -> list[Verdict]:
    """A verdict per rule, measured on the decoded file."""
    with Image.open(io.BytesIO(file)) as image:
        image.load()
        measured = Measured(
            file_format=str(image.format).lower(),
            colour_space=colour_space_of(image),
            size=image.size,
            size_bytes=len(file),
            border_u8=outermost(np.asarray(image.convert("RGB"))),
            share=share_of(cutout.rgba_u8[..., 3]),
            enlargement=cutout.placement.enlargement,
        )
    found = judge(profile, measured)
    if "enlargement" not in profile.rules and (factor := cutout.placement.enlargement) > 1:
        found.append(Verdict("enlargement", _REPORTED, f"{factor:.2f}", True))
    assert cutout.box is not None
    if (sides := sides_reached(cutout.box, cutout.picture_size)) != "":
        found.append(Verdict("whole", _REPORTED, f"the photograph ends at the subject's {sides}", True))
    return found
