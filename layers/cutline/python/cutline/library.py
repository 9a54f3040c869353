"""Cut-outs from Python: `remove_background` for one picture, a `Cutter` for many. docs/library.md is the guide.

    from cutline import Cutter, remove_background

    remove_background("photo.jpg")                        # writes photo.jpg.png and returns its path
    png = remove_background(data, background="white")     # bytes in, bytes out
    cutter = Cutter()                                     # keeps its networks open; threads may share it
    found = cutter.cut(image, crop=True, margin="5%")     # found.image, found.confidence, found.box, ...
    found = cutter.mend(image, found, strokes)            # what a person kept or removed with a brush

Pictures never leave the process, and nothing is downloaded.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypedDict, TypeVar, Unpack, cast, get_args, overload

import numpy as np
from PIL import Image

from cutline import resources
from cutline.errors import InputRefused, Reason
from cutline.limits import LOCAL_LIMITS
from cutline.local_file import read_file, write_file
from cutline.local_pictures import choose_background, open_picture
from cutline.pipeline.codecs.decode import Picture, decode_image
from cutline.pipeline.codecs.encode import ENCODERS
from cutline.pipeline.cutout import Matte, ResolvedSubject, compose, matte_picture
from cutline.pipeline.filters import U8
from cutline.pipeline.finish.options import NO_SHADOW, Fit, Shadow, ShadowKind, read_shadow
from cutline.pipeline.garments.worn import GarmentCutout, cut_garments, network_names
from cutline.pipeline.inference.network import Network
from cutline.pipeline.layout.framing import Box, Region
from cutline.pipeline.layout.framing_parser import OPTION_NAMES, read_framing, read_region
from cutline.pipeline.mend import Mendable, mend, mended_matte
from cutline.pipeline.options import (
    DEPTHS,
    CutOptions,
    Depth,
    GarmentOptions,
    ImageFormat,
    MetadataMode,
    Subject,
    check_depth,
    image_format_of,
    read_metadata_mode,
)
from cutline.pipeline.outputs.check import Checked, check
from cutline.pipeline.outputs.files import OutputFiles, deep_file, encode_files
from cutline.pipeline.outputs.instances import separate
from cutline.pipeline.outputs.profiles import Profile, read_profiles
from cutline.pipeline.outputs.publish import Published, publish
from cutline.pipeline.stroke import Stroke, read_strokes
from cutline.pipeline.timing import StageTimer
from cutline.storage_keys import ENDINGS

__all__ = ["Cut", "CutKeywords", "Cutter", "remove_background"]

Kind = TypeVar("Kind", bytes, Path, Image.Image, U8)
# Every kind except a path: the result for a path is a Path, also if the path was a str.
Pixels = TypeVar("Pixels", bytes, Image.Image, U8)
_NO_SUBJECT = "No subject was found"


class CutKeywords(TypedDict, total=False):
    """Options as keyword arguments; all are optional.

    subject: auto, person, object or stamp. background: None is transparent; a colour as (r, g, b), "white" or
    "#1f6feb"; a gradient, "ffffff,d0d0d0"; "blur", the photograph's own; a picture: bytes, path, https address, PIL
    image or array. background_fit: of a picture, "cover" or "contain". shadow: "keep" the photograph's own, "drop" a
    drawn one, "auto" or "none", with opacity, softness and angle as of `cutline cut`: "drop 60% 30% 20deg". crop: to
    the subject's box. only_mask: the subject white on black instead of the picture. format: of bytes and files; default
    as `out` ends, else png. out: path of a path's result; default next to the picture.
    margin, scale, position, ratio, min_size, max_size: as the options of `cutline cut`, such as "5%", 0.85, "4:5", 800.
    roi: the region with the subject, "0% 0% 50% 100%"; everything outside is background. metadata: what a file's or
    bytes' result keeps: "keep" date, camera, rights and resolution, "all" also the place, or "none". depth: 16 for a
    PNG with 16 bits, of a PNG or TIFF that has them; another picture's samples are scaled.
    """

    subject: Subject
    background: tuple[int, int, int] | str | bytes | os.PathLike[str] | Image.Image | U8 | None
    background_fit: Fit
    shadow: str
    crop: bool
    only_mask: bool
    format: str
    out: str | os.PathLike[str]
    margin: str | float
    scale: str | float
    position: str | float
    ratio: str | float
    min_size: str | int
    max_size: str | int
    roi: str | None
    metadata: MetadataMode
    depth: Depth


@dataclass(frozen=True)
class Cut(Generic[Kind]):
    """A cut-out of the same kind as its picture, with its metadata.

    subject: what was found; coverage: its share of the picture in (0, 1]; confidence: in [0, 1], or None
    if the network has no fit; box: the subject in the picture; enlargement: above 1 the result has more pixels of the
    subject than the picture had; shadow: keep, drop, or none where there is none; metadata: which parts
    of the file's it keeps, such as "exif, dpi, srgb"; depth: "16", or "8 in 16" of a picture with 8 bits, where 16
    were asked for; mendable, options, backdrop: what
    `Cutter.mend` needs, alpha at the picture's size among it.
    """

    image: Kind
    subject: ResolvedSubject
    coverage: float
    confidence: float | None
    box: Box
    width: int
    height: int
    enlargement: float
    shadow: ShadowKind
    metadata: str
    depth: str
    mendable: Mendable = field(repr=False, compare=False)
    options: CutOptions = field(repr=False, compare=False)
    backdrop: Picture | None = field(repr=False, compare=False)


class Cutter:
    """Keeps networks open from their first use. Threads may share one; a forked process needs its own."""

    def __init__(
        self, model: str = "matte", *, models: str | os.PathLike[str] | None = None, threads: int | None = None
    ) -> None:
        """Use `model` of the folder `models` (default: its own) on `threads` CPU threads (default: all)."""
        self.model = model
        self._models = resources.models_dir() if models is None else Path(models)
        self._threads = threads or len(os.sched_getaffinity(0))
        self._lock = threading.Lock()
        self._networks: dict[str, Network] = {}

    @overload
    def cut(self, image: str | os.PathLike[str], **options: Unpack[CutKeywords]) -> Cut[Path]: ...

    @overload
    def cut(self, image: Pixels, **options: Unpack[CutKeywords]) -> Cut[Pixels]: ...

    def cut(self, image: Any, **options: Unpack[CutKeywords]) -> Any:
        """Cut out a file's bytes, a path, a PIL image or a uint8 array (H, W), (H, W, 3) or (H, W, 4).

        Raises InputRefused for a picture that cannot be read or holds no subject, ValueError and TypeError for wrong
        options, OSError for a file that cannot be read or written, ServiceFault where the networks are missing.
        """
        asked = _options(image, options)
        behind = choose_background(options.get("background"), options.get("background_fit") or "")
        asked = replace(asked, background=behind.value)
        check_depth(asked)
        matte = matte_picture(
            open_picture(image, asked.metadata, asked.depth), asked, self.network(self.model), StageTimer()
        )
        return _result(image, matte, Mendable.of(matte), asked, behind.picture, options.get("out"))

    def mend(self, image: Any, cut: Cut[Kind], strokes: Sequence[Stroke | Mapping[str, Any]]) -> Cut[Kind]:
        """Change a cut-out by strokes: `{"do": "keep", "radius": 0.02, "points": [[0.5, 0.4], ...]}` or "remove".

        `image` is the picture that `cut` was made of; a path's result is written to `cut.image` again. Points are in
        shares of the picture's width and height, the radius in shares of its longer side; `{"do", "box": [left, top,
        right, bottom]}` is a filled box. Opens no network.

        Raises ValueError for wrong strokes and another picture, InputRefused where no subject is left, and as `cut`.
        """
        drawn, picture = read_strokes(strokes), open_picture(image, cut.options.metadata, cut.options.depth)
        if (picture.height, picture.width) != cut.mendable.alpha_u8.shape:
            raise ValueError("`image` is not the picture that the cut-out was made of: its size differs")
        after = mend(picture, cut.mendable, drawn)
        matte = mended_matte(picture, after, cut.options.roi)
        return cast("Cut[Kind]", _result(image, matte, after, cut.options, cut.backdrop, cut.image))

    @overload
    def remove_background(self, image: str | os.PathLike[str], **options: Unpack[CutKeywords]) -> Path: ...

    @overload
    def remove_background(self, image: Pixels, **options: Unpack[CutKeywords]) -> Pixels: ...

    def remove_background(self, image: Any, **options: Unpack[CutKeywords]) -> Any:
        """Return only the image of `cut`."""
        return self.cut(image, **options).image

    def encode(self, data: bytes, options: CutOptions, backdrop: Picture | None = None) -> OutputFiles:
        """The files of a picture file's cut-out, on `backdrop` where the options ask for a background picture.

        Raises InputRefused, and ServiceFault where a network is missing.
        """
        picture = decode_image(data, LOCAL_LIMITS, options.metadata, options.depth)
        timer = StageTimer()
        matte = matte_picture(picture, options, self.network(self.model), timer)
        made = encode_files(matte, options, timer, backdrop)
        if made.box is None:
            raise InputRefused(Reason.NO_SUBJECT, _NO_SUBJECT)
        return made

    def encode_each(self, data: bytes, options: CutOptions, backdrop: Picture | None = None) -> list[OutputFiles]:
        """The files of every separate subject of a picture file, from left to right. Raises like `encode`."""
        timer = StageTimer()
        picture = decode_image(data, LOCAL_LIMITS, options.metadata, options.depth)
        matte = matte_picture(picture, options, self.network(self.model), timer)
        if matte.box is None:
            raise InputRefused(Reason.NO_SUBJECT, _NO_SUBJECT)
        return [encode_files(single, options, timer, backdrop) for single in separate(matte)]

    def publish(
        self,
        data: bytes,
        profile: Profile,
        subject: Subject = "auto",
        roi: Region | None = None,
        shadow: Shadow = NO_SHADOW,
        metadata: MetadataMode = "none",
    ) -> Published:
        """A picture file's cut-out as a profile asks for it, with a verdict per rule. Raises like `encode`."""
        picture = decode_image(data, LOCAL_LIMITS, metadata)
        matte = matte_picture(picture, CutOptions(subject, roi=roi), self.network(self.model), StageTimer())
        if matte.box is None:
            raise InputRefused(Reason.NO_SUBJECT, _NO_SUBJECT)
        return publish(matte, profile, shadow)

    def check(self, image: bytes | str | os.PathLike[str], profile: str | Profile) -> Checked:
        """Check a file's bytes or a path, unchanged, against a profile or a built-in one's name: a verdict per rule.

        A picture without a subject fails. Raises ValueError for an unknown profile, InputRefused, OSError, and
        ServiceFault where the network is missing.
        """
        if isinstance(profile, str):
            known = read_profiles()
            if profile not in known:
                raise ValueError(f"`profile` must be one of {', '.join(known)}, not {profile!r}")
            profile = known[profile]
        data = image if isinstance(image, bytes) else read_file(Path(image))
        picture = decode_image(data, LOCAL_LIMITS)
        return check(picture, len(data), profile, self.network(self.model), StageTimer())

    def encode_garments(self, data: bytes, options: GarmentOptions, backdrop: Picture | None = None) -> GarmentCutout:
        """The files of the garments in a picture file. Raises like `encode`."""
        picture = decode_image(data, LOCAL_LIMITS, options.metadata)
        matte, costume = map(self.network, network_names(self._models))
        garments = cut_garments(picture, options, matte, costume, StageTimer(), backdrop)
        if garments.image is None:
            raise InputRefused(Reason.NO_GARMENT, "none of the requested garments was found")
        return garments

    def network(self, name: str) -> Network:
        """A network of the folder, opened once. Raises ServiceFault where it is missing or damaged."""
        with self._lock:
            if name not in self._networks:
                self._networks[name] = Network.open(self._models, name, self._threads)
            return self._networks[name]


@overload
def remove_background(image: str | os.PathLike[str], **options: Unpack[CutKeywords]) -> Path: ...


@overload
def remove_background(image: Pixels, **options: Unpack[CutKeywords]) -> Pixels: ...


def remove_background(image: Any, **options: Unpack[CutKeywords]) -> Any:
    """Remove the background and return the same kind as `image`, with a `Cutter` shared by the process.

    Raises as `Cutter.cut` does.
    """
    return _shared_cutter().remove_background(image, **options)


@cache
def _shared_cutter() -> Cutter:
    return Cutter()


def _options(image: object, options: CutKeywords) -> CutOptions:
    """Check the keywords. Raises ValueError and TypeError."""
    unknown = set(options) - set(CutKeywords.__annotations__)
    if unknown:
        raise TypeError(f"unknown options: {', '.join(sorted(unknown))}")
    if "out" in options and not isinstance(image, str | os.PathLike):
        raise TypeError("`out` is only valid when the input is a path")
    name = options.get("format") or Path(options.get("out", "")).suffix.lstrip(".") or "png"
    if not isinstance(name, str):
        raise TypeError(f"`format` must be a name such as png, not {name!r}")
    subject: Subject = options.get("subject", "auto")
    if subject not in get_args(Subject):
        raise ValueError(f"`subject` must be one of {', '.join(get_args(Subject))}, not {subject!r}")
    roi = options.get("roi")
    only_mask = options.get("only_mask", False)
    return CutOptions(
        subject=subject,
        crop=options.get("crop", False),
        # Pixels have no format; a JPEG's would be put on white.
        image_format=image_format_of(name) if isinstance(image, bytes | str | os.PathLike) else "png",
        want_image=not only_mask,
        want_mask=only_mask,
        framing=read_framing({name: _text(value) for name, value in options.items()}, OPTION_NAMES),
        roi=None if roi is None else read_region(str(roi)),
        shadow=_shadow(options.get("shadow", "none")),
        metadata=_metadata(image, options.get("metadata", "none")),
        depth=_depth(image, options.get("depth", 8)),
    )


def _text(value: object) -> str:
    """Return an option of the framing as its text; fractions such as 2 / 3 with the digits that a text may have."""
    return f"{value:.4f}" if isinstance(value, float | np.floating) else str(value)


def _shadow(text: str) -> Shadow:
    """Check a shadow. Raises ValueError."""
    try:
        return read_shadow(str(text))
    except ValueError as error:
        raise ValueError(f"`shadow`: {error}") from error


def _metadata(image: object, text: str) -> MetadataMode:
    """Check which metadata a result keeps. Raises ValueError."""
    try:
        mode = read_metadata_mode(text)
    except ValueError as error:
        raise ValueError(f"`metadata`: {error}") from error
    if mode != "none" and not isinstance(image, bytes | str | os.PathLike):
        raise ValueError("`metadata` is of files: pass bytes or a path")
    return mode


def _depth(image: object, depth: object) -> Depth:
    """Check the bits. Raises ValueError."""
    if depth not in DEPTHS.values():
        raise ValueError(f"`depth` must be one of {', '.join(DEPTHS)}, not {depth!r}")
    if depth != DEPTHS["8"] and not isinstance(image, bytes | str | os.PathLike):
        raise ValueError("`depth` is of files: pass bytes or a path")
    return cast("Depth", depth)


def _as_kind(image: object, pixels_u8: U8, image_format: ImageFormat, out: object, encode: Callable[[], bytes]) -> Any:
    """Return the pixels in the kind of `image`; for a path, write them to a file. Raises OSError."""
    match image:
        case bytes():
            return encode()
        case Image.Image():
            return Image.fromarray(pixels_u8)
        case np.ndarray():
            return pixels_u8
    path = Path(cast("str", image))
    target = Path(cast("str", out)) if out else path.with_name(path.name + ENDINGS[f"image/{image_format}"])
    write_file(target, encode())
    return target


def _result(
    image: object, matte: Matte, mendable: Mendable, options: CutOptions, backdrop: Picture | None, out: object
) -> Cut[Any]:
    """Compose and encode. Raises InputRefused where there is no subject, and OSError."""
    cutout = compose(matte, options, backdrop)
    if cutout.box is None:
        raise InputRefused(Reason.NO_SUBJECT, _NO_SUBJECT)
    pixels_u8 = cutout.rgba_u8[..., 3] if options.want_mask else cutout.pixels_u8
    placement, kept = cutout.placement, None if options.want_mask else matte.metadata
    is_deep = options.depth > DEPTHS["8"]

    def encode() -> bytes:
        return deep_file(matte, cutout) if is_deep else ENCODERS[options.image_format](pixels_u8, kept)

    return Cut(
        _as_kind(image, pixels_u8, options.image_format, out, encode),
        cutout.subject,
        cutout.coverage,
        cutout.confidence,
        cutout.box,
        placement.width,
        placement.height,
        placement.enlargement,
        cutout.shadow,
        "" if kept is None else kept.text,
        matte.depth_made if is_deep else "",
        mendable,
        options,
        backdrop,
    )
