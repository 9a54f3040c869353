"""Colours of a small picture at scattered pixels of the large one that it covers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cutline.pipeline.filters import F32, Index, taps

_U64 = npt.NDArray[np.uint64]
# A pixel's channels stand in the four 16-bit lanes of one number. A byte times a weight of at most 256 fits into its
# lane, so that one multiplication weighs all channels.
_LANES = 4
_WHOLE_BITS = np.uint64(8)
_WHOLE = np.uint64(256)
_HALF_IN_EACH = np.uint64(0x0080_0080_0080_0080)
_BYTE_IN_EACH = np.uint64(0x00FF_00FF_00FF_00FF)


class ColourGrid:
    """Bilinear samples of small pictures (n, 3, h, w) in [0, 1] at pixels of the (H, W) one that they cover."""

    def __init__(self, pictures_f32: F32, size: tuple[int, int]) -> None:
        count, channels, height, width = pictures_f32.shape
        # The last row and column have neighbours of weight 0.
        lanes = np.zeros((count, height * width + width + 1, _LANES), np.uint16)
        # A channel at a time: NumPy is several times slower over rows of three.
        for channel in range(channels):
            plane = pictures_f32[:, channel].reshape(count, -1) * np.float32(255)
            lanes[:, : height * width, channel] = np.rint(plane, out=plane)
        self._packed = lanes.view(np.uint64)[..., 0]
        self._rows, self._columns = _taps(height, size[0]), _taps(width, size[1])
        self._row_length, self._width = width, size[1]

    def sample(self, at: Index, top: int) -> npt.NDArray[np.uint16]:
        """The colours (n, N, 3) in 0..255 at N flat positions, counted from the left end of row `top`.

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
    """Both (N,) mixed lane by lane, in place of `one`; the shares are 256 together."""
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
