"""The PNG writer against another reader, and its files' size against another writer's."""

import io

import numpy as np
import pytest
from PIL import Image

from cutline.pipeline.codecs.encode import png_file
from devkit.composites import compose


def _read(file: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(file)) as image:
        image.load()
        return np.asarray(image)


@pytest.mark.parametrize(
    "shape", [(1, 1), (50, 1), (1, 50, 3), (31, 77, 4), (257, 511), (20, 30, 2), (2, 40_000, 4), (300, 200, 3)]
)
@pytest.mark.parametrize("levels", [1, 2, 3, 256])
def test_every_pixel_comes_back(shape, levels):
    # Few levels make many neighbours equally near, and the order of the predictors matters there.
    pixels = (np.random.default_rng(levels).integers(0, levels, shape) * (255 // max(1, levels - 1))).astype(np.uint8)
    np.testing.assert_array_equal(_read(png_file(pixels)), pixels)


def test_a_part_of_a_picture_is_written_as_it_is_seen():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 4), np.uint8)
    np.testing.assert_array_equal(_read(png_file(pixels[5:30, 7:20])), pixels[5:30, 7:20])
    np.testing.assert_array_equal(_read(png_file(pixels[..., 3])), pixels[..., 3])


def test_another_writer_with_all_filters_makes_hardly_smaller_files():
    case = compose("hair", "busy")
    rgba = np.dstack([case.rgb_u8, case.alpha_u8])
    rgba[case.alpha_u8 == 0] = 0
    other = io.BytesIO()
    Image.fromarray(rgba).save(other, "PNG", compress_level=1, compress_type=3)
    assert len(png_file(rgba)) < 1.01 * len(other.getvalue())
