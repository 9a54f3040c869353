"""The parameters of remove.bg's call, each refused in the vendor's words."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from cutline.contracts.colours import read_rgba
from cutline.errors import InputRefused, Reason
from cutline.pipeline.finish.options import NO_SHADOW, Blur, Gradient, Rgba, Shadow, ShadowKind, read_background
from cutline.pipeline.layout.framing import NO_LENGTH, Framing, Length, Region
from cutline.pipeline.layout.framing_parser import read_margin, read_position, read_scale
from cutline.pipeline.options import (
    LARGEST_PX,
    MEGAPIXEL,
    METADATA_MODES,
    SingleFileFormat,
    SingleFileOptions,
    Subject,
    read_metadata_mode,
)


@dataclass(frozen=True)
class ErrorRow:
    """One row of the vendor's table: HTTP status, `code`, `title`, and `detail` where there is one."""

    status: int
    code: str
    title: str
    detail: str = ""


class FieldRefused(InputRefused):
    """A parameter whose refusal the vendor words by itself."""

    def __init__(self, row: ErrorRow) -> None:
        super().__init__(Reason.PARAMETER_INVALID, row.title)
        self.row = row


@dataclass(frozen=True)
class RemoveBgOptions(SingleFileOptions):
    """Options of a call: the result, the kind of subject, how much of `type` the answer carries, and its form."""

    kind: str = "auto"
    type_level: str = "1"
    as_json: bool = False


_PREVIEW: Final = MEGAPIXEL // 4
MAX_PX: Final = LARGEST_PX
MAX_PNG_PX: Final = 10 * MEGAPIXEL
# Pixels of a result by `size`.
SIZES: Final[Mapping[str, int]] = {
    **dict.fromkeys(("preview", "small", "regular"), _PREVIEW),
    "medium": 3 * MEGAPIXEL // 2,
    "hd": 4 * MEGAPIXEL,
    **dict.fromkeys(("full", "4k", "50MP", "auto"), MAX_PX),
}
KINDS: Final[Mapping[str, Subject]] = {
    "auto": "auto",
    "person": "person",
    "product": "object",
    "car": "object",
    "animal": "object",
    "transportation": "object",
    "graphics": "auto",
}
_FORMATS: tuple[SingleFileFormat, ...] = ("auto", "png", "jpg", "zip", "webp", "avif")
FORMATS: Final[Mapping[str, SingleFileFormat]] = {name: name for name in _FORMATS}
_BOOLEANS: Final = {"": False, "false": False, "0": False, "true": True, "1": True}
_VALUE, _GIVEN = "Invalid value for parameter '{}'", "Invalid {} parameter given"
# How each parameter's refusal is worded; the vendor has two forms.
TITLES: Final[Mapping[str, str]] = {
    **{name: _VALUE.format(name) for name in ("size", "channels", "type", "type_level", "crop", "add_shadow")},
    **{name: _VALUE.format(name) for name in ("shadow_method", "shadow_type", "shadow_opacity", "metadata")},
    **{
        name: _GIVEN.format(name)
        for name in ("format", "roi", "crop_margin", "scale", "position", "bg_color", "semitransparency")
    },
}
_MAX_OPACITY = 100
# Cutline does not tell cars from other things, and draws one kind of shadow.
SHADOW_TYPES: Final[Mapping[str, ShadowKind]] = {
    "none": "none",
    "auto": "auto",
    "drop": "drop",
    "3D": "drop",
    "car": "auto",
}
# What a refusal adds, where the vendor's title says no more than the parameter's name.
_DETAILS: Final[Mapping[str, str]] = {
    "shadow_type": f"shadow_type is one of {', '.join(SHADOW_TYPES)}",
    "metadata": f"metadata is one of {', '.join(METADATA_MODES)}",
    "shadow_opacity": f"shadow_opacity is a whole number in 0..{_MAX_OPACITY}",
}
_Value = TypeVar("_Value")
_NUMBER = re.compile(r"\d{1,6}(?:\.\d{1,6})?", re.ASCII)


def read_options(fields: Mapping[str, str]) -> RemoveBgOptions:
    """Return the validated parameters; an empty one counts as not given. Raises FieldRefused."""
    size = _choice(fields, "size", SIZES)
    kind = _choice(fields, "type", KINDS)
    _boolean(fields, "semitransparency")  # only for cars, at the vendor too
    _choice(fields, "shadow_method", ("latest", "legacy"))
    margin = _read(fields, "crop_margin", read_margin)
    return RemoveBgOptions(
        subject=KINDS[kind],
        file_format=FORMATS[_choice(fields, "format", FORMATS)],
        max_px=SIZES[size],
        max_png_px=MAX_PNG_PX,
        mask=_choice(fields, "channels", ("rgba", "alpha")) == "alpha",
        background=_read(fields, "bg_color", _background),
        shadow=_shadow(fields),
        region=_read(fields, "roi", read_region),
        crop=_boolean(fields, "crop"),
        framing=Framing(
            margin=margin or (NO_LENGTH, NO_LENGTH, NO_LENGTH, NO_LENGTH),
            scale=_read(fields, "scale", _scale),
            position=_read(fields, "position", read_position),
        ),
        metadata=read_metadata_mode(_choice(fields, "metadata", METADATA_MODES)),
        kind=kind,
        type_level=_choice(fields, "type_level", ("1", "none", "2", "latest")),
    )


def _shadow(fields: Mapping[str, str]) -> Shadow:
    """The older `add_shadow` is the type "auto"; a type counts more."""
    added = _boolean(fields, "add_shadow")
    kind = SHADOW_TYPES[_choice(fields, "shadow_type", SHADOW_TYPES)]
    if not fields.get("shadow_type", "").strip() and added:
        kind = "auto"
    text = fields.get("shadow_opacity", "").strip()
    if text and (re.fullmatch(r"\d{1,3}", text, re.ASCII) is None or int(text) > _MAX_OPACITY):
        raise FieldRefused(refusal_of("shadow_opacity"))
    opacity = int(text) / _MAX_OPACITY if text else None
    return Shadow(kind, opacity) if kind != "none" else NO_SHADOW


def read_region(text: str) -> Region | None:
    """Four lengths, such as "10% 0px 90% 400px"; None for the whole picture. Raises ValueError."""
    left, top, right, bottom = (_length(part) for part in text.split())
    region = Region(left, top, right, bottom)
    everything = Region(Length(0, True), Length(0, True), Length(1, True), Length(1, True))
    return None if region == everything else region


def _background(text: str) -> Rgba | Gradient | Blur:
    """A colour, or Cutline's own: a gradient, and "blur". Raises ValueError."""
    if text != "blur" and "," not in text:
        return read_rgba(text)
    background = read_background(text)
    if not isinstance(background, Gradient | Blur):
        raise ValueError("no colour, gradient or blur")
    return background


def _scale(text: str) -> float | None:
    return None if text == "original" else read_scale(text)


def _length(text: str) -> Length:
    is_share = text.endswith("%")
    number = text.removesuffix("%" if is_share else "px")
    if _NUMBER.fullmatch(number) is None:
        raise ValueError("no length")
    return Length(float(number) / 100, is_share=True) if is_share else Length(float(number))


def _choice(fields: Mapping[str, str], name: str, allowed: Mapping[str, object] | tuple[str, ...]) -> str:
    """Return the given value, or the first of `allowed`."""
    text = fields.get(name, "").strip() or next(iter(allowed))
    if text not in allowed:
        raise FieldRefused(refusal_of(name))
    return text


def _boolean(fields: Mapping[str, str], name: str) -> bool:
    return _BOOLEANS[_choice({name: fields.get(name, "").lower()}, name, _BOOLEANS)]


def _read(fields: Mapping[str, str], name: str, reader: Callable[[str], _Value]) -> _Value | None:
    text = fields.get(name, "").strip()
    if not text:
        return None
    try:
        return reader(text)
    except ValueError as error:
        raise FieldRefused(refusal_of(name)) from error


def refusal_of(name: str) -> ErrorRow:
    """Return the row of a parameter that is invalid."""
    return ErrorRow(400, f"invalid_{name}", TITLES[name], _DETAILS.get(name, ""))
