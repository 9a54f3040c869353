"""One picture's background removed from end to end, with a background, a frame and a file format of the caller's."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np
from PIL import Image

from cutline.errors import InputRefused, Reason
from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.codecs.encode import encode_avif, encode_jpeg, encode_png, encode_webp
from cutline.pipeline.codecs.file_metadata import FileMetadata
from cutline.pipeline.cutout import CutOptions, Cutout, Matte, Predictor, compose, matte_picture
from cutline.pipeline.filters import U8, resize_u8
from cutline.pipeline.layout.compose import crop, draw, put_on_colour, subject_box
from cutline.pipeline.layout.framing import MAX_AVIF_PX, MAX_WEBP_SIDE_PX, Box, Length, Region, place
from cutline.pipeline.options import LARGEST_PX, SingleFileMetadata, SingleFileOptions, reduced
from cutline.pipeline.timing import StageTimer

CONTENT_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
    "zip": "application/zip",
}
_OPAQUE = 255
_WHITE = (255, 255, 255)


@dataclass(frozen=True)
class SingleFile:
    """The result as pixels, ready for any format.

    pixels_u8: (h, w, 4) where anything is transparent, else (h, w, 3); colour_u8: (h, w, 3), the subject's own colours
    or the background's, everywhere opaque; alpha_u8: (h, w); confidence: as of `Cutout`; max_size: width and height at
    the largest size; shadow: as of `ResultMetadata`; kept: what the file keeps of the picture's.
    """

    pixels_u8: U8
    colour_u8: U8
    alpha_u8: U8
    person: bool
    coverage: float
    confidence: float | None
    box: Box
    max_size: tuple[int, int]
    shadow: str = ""
    kept: FileMetadata | None = None

    @property
    def width(self) -> int:
        return int(self.alpha_u8.shape[1])

    @property
    def height(self) -> int:
        return int(self.alpha_u8.shape[0])

    def metadata(self, content_type: str) -> SingleFileMetadata:
        """Return the metadata for an answer."""
        return SingleFileMetadata(content_type, self.person, self.box, self.max_size)


def make_single_file(
    picture: Picture, options: SingleFileOptions, backdrop: Picture | None, network: Predictor, timer: StageTimer
) -> SingleFile:
    """The subject on what the options ask for; `backdrop` is the picture of a `BackgroundPicture`.

    Raises InputRefused(NO_SUBJECT | REGION_EMPTY | REGION_OUTSIDE), and ServiceFault if the network fails.
    """
    full = picture.width, picture.height
    region = _region_in(options, *full)
    max_px = _max_px(options, backdrop)
    with timer.stage("decode"):
        size = reduced(*full, min(options.max_px, max_px))
        picture = _resized(picture, size)
    roi = None if region is None else _scaled(region, full, size)
    matte = matte_picture(picture, CutOptions(options.subject, want_image=not options.mask, roi=roi), network, timer)
    box = matte.box
    if box is None and not options.may_be_empty:
        raise InputRefused(Reason.NO_SUBJECT)
    with timer.stage("compose"):
        return _composed(
            matte,
            _cut_of(options, size, box or Box(0, 0, *size)),
            options,
            backdrop,
            reduced(*full, max_px)[0] / size[0],
        )


def encode_single_file(single: SingleFile, options: SingleFileOptions) -> tuple[bytes, str]:
    """The file and its format: "auto" is PNG where a pixel is transparent, else JPEG."""
    name = options.file_format
    if name == "auto":
        name = "png" if options.mask or single.pixels_u8.shape[-1] == len("RGBA") else "jpg"
    return encode_as(single, options, name), name


def encode_as(single: SingleFile, options: SingleFileOptions, name: str) -> bytes:
    """The file in a format of `CONTENT_TYPES`."""
    if name == "zip":
        return _zipped(single)
    pixels_u8, kept = (single.alpha_u8, None) if options.mask else (single.pixels_u8, single.kept)
    if name == "jpg":
        opaque_u8 = put_on_colour(pixels_u8, _WHITE) if pixels_u8.shape[-1] == len("RGBA") else pixels_u8
        return encode_jpeg(opaque_u8, kept)
    if name == "webp":
        return encode_webp(_within_webp(pixels_u8), kept)
    if name == "avif":
        return encode_avif(pixels_u8, kept)
    return encode_png(pixels_u8, kept)


def _max_px(options: SingleFileOptions, backdrop: Picture | None) -> int:
    """Return the format's maximum in pixels."""
    background = options.background
    opaque = backdrop is not None or (background is not None and not _is_translucent(background))
    is_png = options.file_format == "png" or (options.file_format == "auto" and not opaque)
    if options.file_format == "avif":
        return min(LARGEST_PX, MAX_AVIF_PX)
    return options.max_png_px if is_png else LARGEST_PX


def _is_translucent(background: Any) -> bool:
    return isinstance(background, tuple) and background[3] < _OPAQUE


def _resized(picture: Picture, size: tuple[int, int]) -> Picture:
    if size == (picture.width, picture.height):
        return picture
    rgb_u8 = resize_u8(picture.rgb_u8, *size, Image.Resampling.LANCZOS)
    alpha_u8 = None if picture.alpha_u8 is None else resize_u8(picture.alpha_u8, *size, Image.Resampling.LANCZOS)
    return replace(picture, rgb_u8=rgb_u8, alpha_u8=alpha_u8)


def _region_in(options: SingleFileOptions, width: int, height: int) -> Box | None:
    """The region's pixels. Raises InputRefused(REGION_EMPTY | REGION_OUTSIDE)."""
    if options.region is None:
        return None
    box = options.region.box_in(width, height)
    if box.right > width or box.bottom > height:
        raise InputRefused(Reason.REGION_OUTSIDE, f"the picture is {width} x {height} px")
    if box.width < 1 or box.height < 1:
        raise InputRefused(Reason.REGION_EMPTY)
    return box


def _scaled(box: Box, full: tuple[int, int], size: tuple[int, int]) -> Region:
    """The box in a smaller copy of the picture, at least a pixel wide and high."""
    across, down = size[0] / full[0], size[1] / full[1]
    left, top = min(int(box.left * across), size[0] - 1), min(int(box.top * down), size[1] - 1)
    ends = left, top, max(left + 1, round(box.right * across)), max(top + 1, round(box.bottom * down))
    return Region(*(Length(end) for end in ends))


def _cut_of(options: SingleFileOptions, size: tuple[int, int], box: Box) -> CutOptions:
    """The frame; one that margins make larger than the format's largest size is reduced to it."""
    framing = options.framing
    placed = place(size, box, framing, crop=options.crop, target=(None, None))
    max_px = max(options.max_px, size[0] * size[1])
    if placed.width * placed.height > max_px:
        factor = sqrt(max_px / (placed.width * placed.height))
        framing = replace(framing, most=(max(1, int(placed.width * factor)), max(1, int(placed.height * factor))))
    background = None if options.mask or isinstance(options.background, tuple) else options.background
    return CutOptions(
        crop=options.crop,
        framing=framing,
        background=background,
        # A zip has a picture's surroundings, and none beyond its edges.
        shadow=replace(options.shadow, whole=options.shadow.whole and options.file_format != "zip"),
        want_image=not options.mask,
    )


def _composed(
    matte: Matte, cut: CutOptions, options: SingleFileOptions, backdrop: Picture | None, growth: float
) -> SingleFile:
    cutout = compose(matte, cut, backdrop)
    # Subject and shadow, on what is behind them unless that is a colour, which may be translucent.
    pixels_u8, placement = cutout.pixels_u8, cutout.placement
    if isinstance(options.background, tuple) and not options.mask:
        # Porter and Duff's "over", on colours that are not premultiplied.
        behind = Image.new("RGBA", (placement.width, placement.height), options.background)
        pixels_u8 = np.asarray(Image.alpha_composite(behind, Image.fromarray(pixels_u8)))
    is_transparent = pixels_u8.shape[-1] == len("RGBA") and int(pixels_u8[..., 3].min()) < _OPAQUE
    colour_u8 = pixels_u8[..., :3]
    if options.file_format == "zip" and options.background is None:
        colour_u8 = _with_surroundings(cutout, matte)
    opaque_u8 = np.full(pixels_u8.shape[:2], _OPAQUE, np.uint8)
    alpha_u8 = cutout.rgba_u8[..., 3] if options.mask else pixels_u8[..., 3] if is_transparent else opaque_u8
    return SingleFile(
        pixels_u8=pixels_u8 if is_transparent else np.ascontiguousarray(pixels_u8[..., :3]),
        colour_u8=np.ascontiguousarray(colour_u8),
        alpha_u8=np.ascontiguousarray(alpha_u8),
        person=matte.subject == "person",
        coverage=cutout.coverage,
        confidence=cutout.confidence,
        box=subject_box(cutout.rgba_u8[..., 3]) or Box(0, 0, placement.width, placement.height),
        max_size=(max(1, round(placement.width * growth)), max(1, round(placement.height * growth))),
        shadow=cutout.shadow if options.shadow.kind != "none" else "",
        kept=None if options.mask else matte.metadata,
    )


def _with_surroundings(cutout: Cutout, matte: Matte) -> U8:
    """Colours (h, w, 3) of subject and shadow, else of the picture, so that JPEG draws no line along the edge."""
    opaque_u8 = np.full(matte.alpha_u8.shape, _OPAQUE, np.uint8)
    whole_u8 = crop(np.dstack([matte.rgb_u8, opaque_u8]), cutout.placement.source)
    colour_u8 = draw(whole_u8, cutout.placement)[..., :3]
    shaded = cutout.pixels_u8[..., 3] > cutout.rgba_u8[..., 3]
    colour_u8[shaded] = cutout.pixels_u8[..., :3][shaded]
    return colour_u8


def _zipped(single: SingleFile) -> bytes:
    """color.jpg and alpha.png, which are compressed already."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("color.jpg", encode_jpeg(single.colour_u8, single.kept))
        archive.writestr("alpha.png", encode_png(single.alpha_u8))
    return file.getvalue()


def _within_webp(pixels_u8: U8) -> U8:
    if max(pixels_u8.shape[:2]) > MAX_WEBP_SIDE_PX:
        raise InputRefused(Reason.RESOLUTION_TOO_HIGH, f"a side of a WebP is at most {MAX_WEBP_SIDE_PX} px")
    return pixels_u8
