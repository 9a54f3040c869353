"""Box means, bilinear samples and resizes of small planes, with only NumPy and Pillow."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

F32 = npt.NDArray[np.float32]
U8 = npt.NDArray[np.uint8]
Bool = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]


def resize_f32(plane_f32: F32, width: int, height: int, method: Image.Resampling) -> F32:
    """One (h, w) float plane at another size."""
    if plane_f32.shape == (height, width):
        return plane_f32
    image = Image.fromarray(np.ascontiguousarray(plane_f32, np.float32))
    return np.array(image.resize((width, height), method), np.float32)


def resize_u8(pixels_u8: U8, width: int, height: int, method: Image.Resampling) -> U8:
    """(H, W) or (H, W, 3) bytes at another size; shrinking averages, so nothing aliases."""
    if pixels_u8.shape[:2] == (height, width):
        return pixels_u8
    image = Image.fromarray(pixels_u8)
    return np.array(image.resize((width, height), method, reducing_gap=2.0), np.uint8)


def fit_within(width: int, height: int, side: int) -> tuple[int, int]:
    """Width and height scaled down, never up, so that the longer is at most `side`."""
    scale = min(1.0, side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def box_mean(planes_f32: F32, radius: int) -> F32:
    """Mean over the (2 radius + 1) square around each pixel of (..., h, w); the window shrinks at the borders.

    A window of n is the sum of windows of 1, 2, 4, ... pixels, added with shifts: log2 n passes, and no running sum,
    which would lose float32 digits over a long line. Planes are summed one by one, to stay in the processor's cache,
    and as one line each, with zeros between the rows: NumPy adds long lines many times faster than short ones.
    """
    height, width = planes_f32.shape[-2:]
    stride, window = width + 2 * radius, 2 * radius + 1
    share = np.reciprocal(np.outer(_window_counts(height, radius), _window_counts(width, radius)))
    means = np.empty(planes_f32.shape, np.float32)
    line = np.zeros((height + 2 * radius) * stride + 2 * radius, np.float32)
    inner = line[: -2 * radius or None].reshape(-1, stride)[radius : radius + height, radius : radius + width]
    for plane, mean in zip(planes_f32.reshape(-1, height, width), means.reshape(-1, height, width), strict=True):
        inner[...] = plane
        sums = _window_sums(_window_sums(line, window, 1), window, stride)
        np.multiply(sums.reshape(height, stride)[:, :width], share, out=mean)
    return means


def grow(mask: Bool, radius: int) -> Bool:
    """Return the mask (h, w) and everything within `radius` pixels of it, along both axes."""
    return _grow_down(_grow_down(mask, radius).T, radius).T


def _grow_down(mask: Bool, radius: int) -> Bool:
    reach = 0
    while reach < radius:
        # A larger step would miss what lies between a pixel at the border and the first one beyond it.
        step = min(reach + 1, radius - reach)
        grown = mask.copy("K")
        grown[step:] |= mask[:-step]
        grown[:-step] |= mask[step:]
        mask, reach = grown, reach + step
    return mask


def _window_counts(length: int, radius: int) -> F32:
    at = np.arange(length, dtype=np.float32)
    return np.minimum(at + radius, length - 1) - np.maximum(at - radius, 0) + 1


def _window_sums(line: F32, window: int, step: int) -> F32:
    """Return the sums (n - (window - 1) step,) of `window` entries each, at a distance of `step`, of a line (n,)."""
    length = len(line) - (window - 1) * step
    total: F32 | None = None
    done, size = 0, 1
    while True:
        if window & size:
            part = line[done * step :][:length]
            total = part if total is None else total + part
            done += size
        if done == window:
            assert total is not None
            return total
        line = line[: len(line) - size * step] + line[size * step :]
        size *= 2


def sample_bilinear(planes: F32, at: Index, top: int, size: tuple[int, int]) -> F32:
    """(k, N) values of (k, h, w) planes at N pixels of the (H, W) picture that they cover.

    at: flat positions, counted from the left end of row `top`. Costs grow with N; resizing the planes would cost the
    whole picture.
    """
    depth, height, width = planes.shape
    rows = at // size[1]
    columns = at - rows * size[1]
    (above, lower), (left, further) = taps(height, size[0]), taps(width, size[1])
    rows += top
    first = above[rows] * width + left[columns]
    down, across = lower.astype(np.float32)[rows], further.astype(np.float32)[columns]
    right = first + (left + 1 < width)[columns]
    below = np.where(above + 1 < height, width, 0)[rows]
    both = down * across
    weights = (1 - down - across + both, across - both, down - both, both)
    samples = np.zeros((depth, len(at)), np.float32)
    for places, weight in zip((first, right, first + below, right + below), weights, strict=True):
        for number, plane in enumerate(planes.reshape(depth, -1)):
            samples[number] += plane.take(places) * weight
    return samples


def taps(small: int, large: int) -> tuple[Index, npt.NDArray[np.float64]]:
    """First tap and the share of the second per pixel, with pixel centres aligned as Pillow's resize does."""
    position = np.clip((np.arange(large) + 0.5) * small / large - 0.5, 0, small - 1)
    first = position.astype(np.intp)
    return first, position - first
