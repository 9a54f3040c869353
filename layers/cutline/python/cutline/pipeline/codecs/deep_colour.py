"""16-bit colours to sRGB by a profile of curves and a matrix (ICC.1:2022, 8.3.3, 10.6, 10.18); Pillow does 8 bits."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cutline.pipeline.codecs.colour import bounded_profile, is_srgb_profile
from cutline.pipeline.filters import F32

U16 = npt.NDArray[np.uint16]
# From 16-bit samples (h, w, 3) to such in sRGB.
Conversion = Callable[[U16], U16]
_WHITE: Final = 65535
_TAGS_AT, _TAG_BYTES = 128, 12
# sRGB's primaries under D50, as columns (IEC 61966-2-1, adapted by Bradford's matrix).
_SRGB_D50: Final = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
_MAX_CURVE = 4096
# Numbers of parameters by a parametric curve's type.
_PARAMETERS = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}


def conversion_from(profile: object, *, is_grey: bool) -> Conversion | None:
    """Return the conversion from a file's profile; None for one that only Pillow can apply, in 8 bits.

    As in 8 bits a profile that is no RGB's or broken is ignored: the samples are sRGB's then.
    """
    bounded = bounded_profile(profile) if isinstance(profile, bytes) else None
    if bounded is None or is_srgb_profile(bounded):
        return _unchanged
    if is_grey or bounded[16:20] != b"RGB ":
        return None
    tags = _tags_of(bounded)
    if b"A2B0" in tags:  # a table, which counts more than the matrix
        return None
    try:
        columns = [_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
        curves = [_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC")]
        matrix = np.linalg.inv(_SRGB_D50) @ np.array(columns).T
    except (KeyError, ValueError, struct.error):
        return None
    return lambda strip: _convert(strip, curves, matrix.astype(np.float32))


def _unchanged(strip: U16) -> U16:
    return strip


def _convert(strip: U16, curves: list[F32], matrix: F32) -> U16:
    linear = np.stack([curve[strip[..., band]] for band, curve in enumerate(curves)], axis=-1) @ matrix.T
    linear = np.clip(linear, 0, 1)
    # IEC 61966-2-1.
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** np.float32(1 / 2.4) - 0.055)  # noqa: PLR2004
    converted: U16 = np.rint(encoded * _WHITE).astype(np.uint16)
    return converted


def _tags_of(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, _TAGS_AT)
    entries = (struct.unpack_from(">4sII", profile, _TAGS_AT + 4 + number * _TAG_BYTES) for number in range(count))
    return {name: profile[at : at + size] for name, at, size in entries}


def _fixed(data: bytes, at: int, count: int) -> list[float]:
    return [value / 65536 for value in struct.unpack_from(f">{count}i", data, at)]


def _xyz(tag: bytes) -> list[float]:
    if tag[:4] != b"XYZ ":
        raise ValueError("no XYZ")
    return _fixed(tag, 8, 3)


def _curve(tag: bytes) -> F32:
    """Return the light (65536,) of every sample."""
    samples: Any = np.arange(_WHITE + 1) / _WHITE
    if tag[:4] == b"para":
        (kind,) = struct.unpack_from(">H", tag, 8)
        light = _parametric(samples, kind, tag)
    elif tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count > _MAX_CURVE or len(tag) < 12 + 2 * count:
            raise ValueError("a curve is too long")
        table = np.frombuffer(tag, ">u2", count, 12)
        light = samples
        if count == 1:
            light = samples ** (int(table[0]) / 256)
        elif count > 1:
            light = np.interp(samples, np.linspace(0, 1, count), table / _WHITE)
    else:
        raise ValueError("no curve")
    curve: F32 = np.clip(light, 0, 1).astype(np.float32)
    if not np.isfinite(curve).all():
        raise ValueError("a curve has no values")
    return curve


def _parametric(samples: Any, kind: int, tag: bytes) -> Any:
    """Table 68 of 10.18."""
    if kind not in _PARAMETERS:
        raise ValueError("an unknown curve")
    given = _fixed(tag, 12, _PARAMETERS[kind])
    g, a, b, c, d, e, f = [*given, *[1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0][len(given) :]]
    if kind in (1, 2):  # c is the offset of both parts, which meet where the base is 0
        offset, c, d = (c if kind == 2 else 0.0), 0.0, -b / a if a else 0.0  # noqa: PLR2004
        e = f = offset
    with np.errstate(all="ignore"):
        return np.where(samples >= d, np.maximum(a * samples + b, 0) ** g + e, c * samples + f)
