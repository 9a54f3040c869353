"""Variants of a result: the query parameters of its link, `GET /r/{token}?w=800&h=800&bg=ffffff&format=webp`.

    w, h       sides of the picture in pixels; with one of them the other follows from the shape
    fit        with both: contain (the default) leaves space around, cover cuts off
    bg         a colour or a gradient behind the subject; transparent (the default), white for JPEG
    format     png (the default), jpg, webp, avif; with a profile the profile's
    shadow     none (the default), or one drawn, such as drop or drop 60% 30% 20deg
    profile    a marketplace's, which frames the subject and sets its background, before w, h and format

Of two requests that ask for the same, `canonical` is the same text.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

from cutline.contracts import native
from cutline.contracts.forms import bounded
from cutline.contracts.wire import CORS, Request, Response, json_response
from cutline.errors import InputRefused, MattingError, Reason
from cutline.pipeline.finish.options import FITS, NO_SHADOW, Fit, Gradient, Rgb, Shadow, read_background, read_shadow
from cutline.pipeline.options import FORMATS, ImageFormat, VariantOptions
from cutline.pipeline.outputs.profiles import read_profiles

MAX_SIDE_PX = 3000
_Value = TypeVar("_Value")
_KINDS = ("none", "drop")
_ERRORS: Mapping[Reason, native.ErrorRow] = {
    Reason.PARAMETER_INVALID: (400, "invalid_parameter", "A parameter is invalid"),
    Reason.NO_SUBJECT: (400, "no_subject", "The result holds no subject"),
}


def parse(request: Request) -> VariantOptions:
    """Return the variant that a link's parameters ask for. Raises InputRefused(PARAMETER_INVALID)."""
    names = [bounded(name) for name, _ in request.query]
    for name in names:
        if name not in _FIELDS:
            _refuse(name, f"is no parameter; there are {', '.join(_FIELDS)}")
        if names.count(name) > 1:
            _refuse(name, "is there more than once")
    values: dict[str, Any] = {}
    for name, text in ((name, bounded(text)) for name, text in request.query):
        field, read = _FIELDS[name]
        try:
            values[field] = read(text.strip())
        except ValueError as error:
            _refuse(name, str(error))
    options = VariantOptions(**values)
    if options.profile and options.background not in (None, read_profiles()[options.profile].background):
        _refuse("bg", "cannot differ from the profile's background")
    return options


def canonical(options: VariantOptions) -> str:
    """Return the parameters in one form: sorted, without those that have their default or no effect."""
    default = asdict(VariantOptions())
    document = {name: value for name, value in asdict(options).items() if value != default[name]}
    if None in (options.width, options.height):
        document.pop("fit", None)
    if options.profile:
        document.pop("background", None)
    elif options.image_format == "png":
        document.pop("image_format", None)
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def refuse(error: MattingError) -> Response:
    """Return the answer to a variant that is not made."""
    if error.reason is Reason.NOT_FOUND:
        return json_response(404, {"message": "This link is unknown or has expired."}, CORS)
    response = native.refuse(error, _ERRORS)
    later = {"Retry-After": "1"} if error.reason is Reason.OVERLOADED else {}
    # A page that may read the picture may read why there is none, and when to ask again.
    return Response(response.status, {**response.headers, **later, **CORS}, response.body)


def _refuse(name: str, why: str) -> None:
    raise InputRefused(Reason.PARAMETER_INVALID, f"{name[:20]}: {why}")


def _side(text: str) -> int:
    if re.fullmatch(r"[1-9]\d{0,3}", text, re.ASCII) is None or int(text) > MAX_SIDE_PX:
        raise ValueError(f"must be 1 to {MAX_SIDE_PX} pixels")
    return int(text)


def _fit(text: str) -> Fit:
    return _one_of(text, {fit: fit for fit in FITS})


def _format(text: str) -> ImageFormat:
    return _one_of(text, FORMATS)


def _profile(text: str) -> str:
    return _one_of(text, {name: name for name in read_profiles()})


def _one_of(text: str, values: Mapping[str, _Value]) -> _Value:
    if text not in values:
        raise ValueError(f"must be one of {', '.join(values)}")
    return values[text]


def _shadow(text: str) -> Shadow:
    shadow = read_shadow(text) if text.split(" ", maxsplit=1)[0] in _KINDS else None
    if shadow is None or shadow.whole:
        raise ValueError("must be none, or drop such as drop 60% 30% 20deg: a stored cut-out has no other shadow")
    return NO_SHADOW if shadow.kind == "none" else shadow


def _background(text: str) -> Rgb | Gradient | None:
    background = read_background(text)
    if background is None or isinstance(background, tuple | Gradient):
        return background
    raise ValueError("must be transparent, a colour such as ffffff, or a gradient such as ffffff,d0d0d0,90deg")


_FIELDS: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "w": ("width", _side),
    "h": ("height", _side),
    "fit": ("fit", _fit),
    "bg": ("background", _background),
    "format": ("image_format", _format),
    "shadow": ("shadow", _shadow),
    "profile": ("profile", _profile),
}
