"""Cut-outs on a plain colour, and in a format that can hold them."""

import tracemalloc

import numpy as np
import pytest

from cutline.errors import InputRefused, Reason
from cutline.pipeline.cutout import Matte, compose
from cutline.pipeline.filters import U8
from cutline.pipeline.layout.compose import put_on_colour
from cutline.pipeline.options import CutOptions

COLOUR = (255, 128, 3)


def soft_everywhere(width: int, height: int) -> U8:
    rgba_u8 = np.random.default_rng(3).integers(0, 256, (height, width, 4), np.uint8)
    rgba_u8[:, : width // 4, 3] = 255
    rgba_u8[:, -(width // 4) :, 3] = 0
    return rgba_u8


# More than a band in either direction, and less.
@pytest.mark.parametrize("size", [(8, 5), (3, 400_000), (1_100_000, 3), (1500, 1400)])
def test_a_mixture_is_exact_to_the_byte(size: tuple[int, int]) -> None:
    rgba_u8 = soft_everywhere(*size)
    alpha = rgba_u8[..., 3:].astype(np.uint32)
    mixed = (rgba_u8[..., :3] * alpha + np.array(COLOUR, np.uint32) * (255 - alpha) + 127) // 255
    assert (put_on_colour(rgba_u8, COLOUR) == mixed).all()


def test_soft_edges_everywhere_cost_no_more_memory_than_the_result_and_a_little() -> None:
    """A few kilobytes of PNG can be soft all over: 58 bytes a pixel, 1.4 GiB at the 25 megapixels of remove.bg."""
    rgba_u8 = soft_everywhere(4096, 2048)
    tracemalloc.start()
    try:
        put_on_colour(rgba_u8, COLOUR)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < rgba_u8[..., :3].size + 80 * 2**20


def test_a_picture_that_is_too_long_for_a_webp_is_refused() -> None:
    matte = Matte(np.zeros((2, 16_384, 3), np.uint8), np.full((2, 16_384), 255, np.uint8), "object")
    with pytest.raises(InputRefused, check=lambda error: error.reason is Reason.RESOLUTION_TOO_HIGH):
        compose(matte, CutOptions(image_format="webp"))
    assert compose(matte, CutOptions()).placement.width == 16_384


def test_a_picture_with_too_many_pixels_for_an_avif_is_refused() -> None:
    matte = Matte(np.zeros((4096, 4097, 3), np.uint8), np.full((4096, 4097), 255, np.uint8), "object")
    with pytest.raises(InputRefused, check=lambda error: error.reason is Reason.RESOLUTION_TOO_HIGH):
        compose(matte, CutOptions(image_format="avif"))
