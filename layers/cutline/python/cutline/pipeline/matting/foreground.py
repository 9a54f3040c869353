"""The subject's own colours along soft edges, without the old background shining through."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, log2

import numpy as np
import numpy.typing as npt
from PIL import Image

from cutline.pipeline.filters import F32, U8, Bool, Index, fit_within, resize_f32, resize_u8, taps
from cutline.pipeline.matting.refine import guide_side, strips

# Alpha bytes from here up count as opaque: their pixels keep the original bytes.
OPAQUE_FROM = 253
_WHITE = np.float32(255)
_KNOWN_BACK, _KNOWN_FRONT = 0.01, 0.99
_EPSILON = np.float32(1e-5)
_STEP_DAMPING = np.float32(0.01)
_SMALL_SIDE_PX = 32
_SMALL_SWEEPS, _LARGE_SWEEPS = 10, 2
# Up to this side every pixel is solved; above it only soft pixels are, the others keep the coarser level's colours.
_DENSE_SIDE_PX = 64


def _step_tables() -> tuple[F32, F32, F32]:
    """Return the shares of I, F0 and -B0 in F, by alpha's byte."""
    alpha: F32 = np.arange(256, dtype=np.float32) / _WHITE
    rest: F32 = 1 - alpha
    step: F32 = np.divide(alpha, alpha * alpha + rest * rest + _STEP_DAMPING, dtype=np.float32)
    return step, 1 - alpha * step, rest * step


_STEPS = _step_tables()


def estimate_foreground(rgb_u8: U8, alpha_u8: U8, guide_u8: U8 | None = None) -> None:
    """Replace, in place, the colours of soft pixels of `rgb_u8` (H, W, 3) by the subject's under `alpha_u8` (H, W).

    Multi-level estimation (Germer et al. 2020, arXiv:2006.14970) at the guide's size gives F and B; at full size each
    soft pixel takes one regularised least-squares step towards I = a F + (1 - a) B, so that its texture survives.
    Opaque pixels are not touched. Work and memory grow with the soft band, not with the picture. Both arrays are
    contiguous.
    """
    height, width = alpha_u8.shape
    if not _is_soft(alpha_u8).any():
        return
    if guide_u8 is None:
        guide_u8 = resize_u8(rgb_u8, *fit_within(width, height, guide_side(width, height)), Image.Resampling.BOX)
    small = resize_u8(alpha_u8, guide_u8.shape[1], guide_u8.shape[0], Image.Resampling.BOX)
    planes = np.empty((4, *small.shape), np.float32)
    planes[:3], planes[3] = guide_u8.transpose(2, 0, 1), small
    planes /= _WHITE
    colours = estimate_colours(planes)
    grid = ColourGrid(colours.reshape(2, 3, *small.shape), (height, width))
    for rows in strips(height, width):
        alpha, pixels = alpha_u8[rows].reshape(-1), rgb_u8[rows].reshape(-1)
        at = np.flatnonzero(_is_soft(alpha))
        if len(at):
            _correct(pixels, at, alpha[at], grid.sample(at, rows.start))


def _is_soft(alpha_u8: U8) -> Bool:
    # 0 becomes 255.
    soft: Bool = alpha_u8 - np.uint8(1) < OPAQUE_FROM - 1
    return soft


def _correct(pixels_u8: U8, at: Index, alpha_u8: U8, around: npt.NDArray[np.uint16]) -> None:
    """Put the subject's colours into the pixels `at` (N,) of (3 n,); around: (2, N, 3), F and B there.

    One step of min |I - a F - (1 - a) B|^2 + lambda |F - F0|^2, from F0 and B0 on:
    F = F0 + s (I - a F0 - (1 - a) B0), where s depends only on alpha.
    """
    steps, fronts, backs = (table.take(alpha_u8) for table in _STEPS)
    places = 3 * at
    for channel in range(3):
        colour = fronts * around[0, :, channel].astype(np.float32)
        colour -= backs * around[1, :, channel].astype(np.float32)
        colour += steps * pixels_u8[places].astype(np.float32)
        pixels_u8[places] = np.rint(np.clip(colour, 0, 255, out=colour), out=colour).astype(np.uint8)
        places += 1


def estimate_colours(planes: F32) -> F32:
    """F and B as six planes (6, h, w) in [0, 1], from colours and alpha as four (4, h, w), coarse to fine."""
    alpha = planes[3]
    colours = np.concatenate([_weighted_mean(planes[:3], weight) for weight in (alpha, 1 - alpha)]).reshape(6, 1, 1)
    for level in _pyramid(planes):
        colours = _stretch_nearest(colours, level.shape[1:])
        sweeps = _SMALL_SWEEPS if max(level.shape) <= _SMALL_SIDE_PX else _LARGE_SWEEPS
        _sweep_level(colours, level[:3], level[3], sweeps)
    return colours


def _weighted_mean(colours: F32, weight: F32) -> F32:
    total = max(float(weight.sum()), 1e-6)
    mean: F32 = np.einsum("chw,hw->c", colours, weight) / np.float32(total)
    return mean


def _pyramid(planes: F32) -> Iterator[F32]:
    """Levels of round(w^(l/L)) by round(h^(l/L)), L = ceil(log2 max(w, h)), of (4, h, w); the last one is the input."""
    height, width = planes.shape[1:]
    levels = max(1, ceil(log2(max(height, width, 2))))
    chain = [planes]
    # Finest first, so that each level is averaged from the next finer one and not from the input.
    for level in range(levels - 1, -1, -1):
        h, w = round(height ** (level / levels)), round(width ** (level / levels))
        chain.append(np.stack([resize_f32(plane, w, h, Image.Resampling.BOX) for plane in chain[-1]]))
    return reversed(chain)


def _stretch_nearest(colours: F32, shape: tuple[int, ...]) -> F32:
    rows = np.arange(shape[0]) * colours.shape[1] // shape[0]
    columns = np.arange(shape[1]) * colours.shape[2] // shape[1]
    # The shorter lines first: most of the work is one copy of whole lines.
    stretched: F32 = colours.take(columns, axis=2).take(rows, axis=1)
    return stretched


def _sweep_level(colours: F32, rgb: F32, alpha: F32, sweeps: int) -> None:
    """Jacobi sweeps of the per-pixel 2x2 systems on `colours` (6, h, w), in place.

    [a^2 + S, a(1-a); a(1-a), (1-a)^2 + S] [F; B] = [a I + sum d_j F_j; (1-a) I + sum d_j B_j],
    d_j = eps + |a - a_j| over the four neighbours, S = sum d_j.
    """
    height, width = alpha.shape
    flat_alpha, flat_rgb, flat = alpha.reshape(-1), rgb.reshape(3, -1), colours.reshape(6, -1)
    active: Index = np.arange(flat_alpha.size)
    if max(height, width) > _DENSE_SIDE_PX:
        known_front, known_back = flat_alpha > _KNOWN_FRONT, flat_alpha < _KNOWN_BACK
        np.copyto(flat[:3], flat_rgb, where=known_front)
        np.copyto(flat[3:], flat_rgb, where=known_back)
        active = np.flatnonzero(~(known_front | known_back))
    if len(active) == 0:
        return
    neighbours = _neighbours(active, height, width)
    a = flat_alpha[active]
    rest = np.float32(1) - a
    pulls = [_EPSILON + np.abs(a - flat_alpha[at]) for at in neighbours]
    strength: F32 = np.add.reduce(pulls)
    front, back, cross = a * a + strength, rest * rest + strength, a * rest
    scale = np.float32(1) / (front * back - cross * cross)
    front, back, cross = front * scale, back * scale, cross * scale
    seen = flat_rgb.take(active, axis=1)
    known = np.concatenate((a * seen, rest * seen))
    part, right, solved = (np.empty_like(known) for _ in range(3))
    for _ in range(sweeps):
        np.copyto(right, known)
        for pull, at in zip(pulls, neighbours, strict=True):
            # All positions are inside; only mode "clip" writes to `out` without a copy.
            right += np.multiply(flat.take(at, axis=1, out=part, mode="clip"), pull, out=part)
        np.subtract(back * right[:3], cross * right[3:], out=solved[:3])
        np.subtract(front * right[3:], cross * right[:3], out=solved[3:])
        np.minimum(np.maximum(solved, 0, out=solved), 1, out=solved)
        for plane, colour in zip(flat, solved, strict=True):
            plane[active] = colour


def _neighbours(at: Index, height: int, width: int) -> tuple[npt.NDArray[np.intp], ...]:
    """Flat positions left, right, above and below; a pixel at the border is its own neighbour there."""
    column, row = at % width, at // width
    return (
        at - (column > 0),
        at + (column < width - 1),
        at - width * (row > 0),
        at + width * (row < height - 1),
    )


# Colour samples from a small picture at scattered pixels of the large one that it covers. A pixel's channels stand in
# the four 16-bit fields of one number. A byte times a weight of at most 256 fits into its field, so that one
# multiplication weighs all channels.
_U64 = npt.NDArray[np.uint64]
_FIELDS = 4
_WHOLE_BITS = np.uint64(8)
_WHOLE = np.uint64(256)
_HALF_IN_EACH = np.uint64(0x0080_0080_0080_0080)
_BYTE_IN_EACH = np.uint64(0x00FF_00FF_00FF_00FF)


class ColourGrid:
    """Bilinear samples of small pictures (n, 3, h, w) in [0, 1] at pixels of the (H, W) one that they cover."""

    def __init__(self, pictures_f32: F32, size: tuple[int, int]) -> None:
        count, channels, height, width = pictures_f32.shape
        # The last row and column have neighbours of weight 0.
        fields = np.zeros((count, height * width + width + 1, _FIELDS), np.uint16)
        # A channel at a time: NumPy is several times slower over rows of three.
        for channel in range(channels):
            plane = pictures_f32[:, channel].reshape(count, -1) * np.float32(255)
            fields[:, : height * width, channel] = np.rint(plane, out=plane)
        self._packed = fields.view(np.uint64)[..., 0]
        self._rows, self._columns = _taps(height, size[0]), _taps(width, size[1])
        self._row_length, self._width = width, size[1]

    def sample(self, at: Index, top: int) -> npt.NDArray[np.uint16]:
        """Return the colours (n, N, 3) in 0..255 at N flat positions, counted from the left end of row `top`.

        Rounded across, then down, as Pillow does: the PNG of what is rounded once is up to 1 % larger.
        """
        rows = at // self._width
        columns = at - rows * self._width
        rows += top
        corner = self._rows[0][rows] * self._row_length + self._columns[0][columns]
        right, below = corner + 1, corner + self._row_length
        down, across = self._rows[1][rows], self._columns[1][columns]
        shares_down, shares_across = (_WHOLE - down, down), (_WHOLE - across, across)
        sampled = np.empty((len(self._packed), len(at)), np.uint64)
        for packed, colours in zip(self._packed, sampled, strict=True):
            upper = _mixed(packed[corner], packed[right], shares_across)
            lower = _mixed(packed[below], packed[below + 1], shares_across)
            colours[:] = _mixed(upper, lower, shares_down)
        return sampled[..., None].view(np.uint16)[..., :-1]


def _mixed(one: _U64, other: _U64, shares: tuple[_U64, _U64]) -> _U64:
    """Both (N,) mixed field by field, in place of `one`; the shares are 256 together."""
    one *= shares[0]
    one += other * shares[1]
    one += _HALF_IN_EACH
    one >>= _WHOLE_BITS
    one &= _BYTE_IN_EACH
    return one


def _taps(small: int, large: int) -> tuple[Index, _U64]:
    """First tap and 256ths of the second per pixel."""
    first, share = taps(small, large)
    return first, np.rint(share * 256).astype(np.uint64)
