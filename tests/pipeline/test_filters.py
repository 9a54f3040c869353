"""Masks that grow, and samples at scattered pixels, against the plain definitions."""

import numpy as np
import pytest
from PIL import Image

from cutline.pipeline.filters import grow, sample_bilinear
from cutline.pipeline.matting.foreground import ColourGrid

SIZES = [((1, 1), (5, 9)), ((3, 2), (3, 2)), ((24, 31), (100, 90)), ((40, 40), (33, 70))]


@pytest.mark.parametrize("radius", [1, 2, 3, 7, 15])
@pytest.mark.parametrize("shape", [(1, 1), (5, 9), (40, 33)])
def test_a_mask_grows_to_all_that_is_near(shape, radius):
    mask = np.random.default_rng(radius).random(shape) > 0.96
    rows, columns = np.nonzero(mask)
    y, x = np.mgrid[: shape[0], : shape[1]]
    near = np.zeros(shape, bool)
    for row, column in zip(rows, columns, strict=True):
        near |= (abs(y - row) <= radius) & (abs(x - column) <= radius)
    np.testing.assert_array_equal(grow(mask, radius), near)


@pytest.mark.parametrize(("small", "large"), SIZES)
def test_planes_are_sampled_as_pillow_resizes_them(small, large):
    planes = np.random.default_rng(0).random((2, *small), np.float32)
    resized = [_resized(plane, large) for plane in planes]
    top, at = large[0] // 3, np.arange((large[0] - large[0] // 3) * large[1])[::3]
    samples = sample_bilinear(planes, at, top, large)
    if small[0] <= large[0] and small[1] <= large[1]:  # Pillow averages where it shrinks
        np.testing.assert_allclose(samples, [plane[top:].ravel()[at] for plane in resized], atol=1e-5)
    assert samples.min() >= 0
    assert samples.max() <= 1


@pytest.mark.parametrize(("small", "large"), SIZES[:3])
def test_colours_are_sampled_as_pillow_resizes_them(small, large):
    colours_u8 = np.random.default_rng(1).integers(0, 256, (2, *small, 3), np.uint8)
    grid = ColourGrid((colours_u8 / 255).astype(np.float32).transpose(0, 3, 1, 2), large)
    top, at = large[0] // 3, np.arange((large[0] - large[0] // 3) * large[1])[::3]
    for samples, picture in zip(grid.sample(at, top), colours_u8, strict=True):
        resized = _resized(picture, large)[top:].reshape(-1, 3)[at]
        assert np.abs(samples.astype(int) - resized).max() <= 2
        assert np.abs(samples.astype(int) - resized).mean() < 0.25


def _resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize(size[::-1], Image.Resampling.BILINEAR))
