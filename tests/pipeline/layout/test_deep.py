"""Canvases with 16 bits: the photograph's samples where nothing is soft, and floats where it is resized."""

import numpy as np

from cutline.pipeline.layout.compose import draw, merge_alpha
from cutline.pipeline.layout.deep import deepened, draw_deep
from cutline.pipeline.layout.framing import Box, Placement

RANDOM = np.random.default_rng(2)
RGB_U16 = RANDOM.integers(0, 65536, (40, 60, 3), dtype=np.uint16)
RGB_U8 = (RGB_U16 >> 8).astype(np.uint8)
ALPHA_U8 = np.zeros((40, 60), np.uint8)
ALPHA_U8[10:30, 10:50] = 255
ALPHA_U8[10:30, 10] = 100


def placed(drawn: Box, size: tuple[int, int]) -> Placement:
    return Placement(*size, Box(5, 5, 55, 35), drawn)


def test_opaque_pixels_have_the_photographs_samples_and_soft_ones_the_change_of_eight_bits() -> None:
    after_u8 = RGB_U8.copy()
    after_u8[10:30, 10] = 255 - after_u8[10:30, 10]
    deep_u16 = deepened(RGB_U16, RGB_U8, after_u8)
    same = (after_u8 == RGB_U8).all(axis=2)
    assert np.array_equal(deep_u16[same], RGB_U16[same])
    expected = RGB_U16.astype(int) + 257 * (after_u8.astype(int) - RGB_U8)
    assert np.array_equal(deep_u16, np.clip(expected, 0, 65535))


def test_a_canvas_at_the_pictures_size_has_every_sample() -> None:
    placement = placed(Box(2, 3, 52, 33), (60, 40))
    made = draw_deep(RGB_U8, RGB_U16, ALPHA_U8, placement)
    inner = made[3:33, 2:52]
    shown = ALPHA_U8[5:35, 5:55] > 0
    assert np.array_equal(inner[..., :3][shown], RGB_U16[5:35, 5:55][shown])
    assert np.array_equal(inner[..., 3], ALPHA_U8[5:35, 5:55].astype(np.uint16) * 257)
    assert not made[:3].any() and not inner[~shown].any()


def test_a_resized_canvas_is_the_one_of_eight_bits_in_more_steps() -> None:
    smooth_u8 = np.dstack(np.broadcast_arrays(*np.ix_(np.linspace(0, 255, 40), np.linspace(0, 255, 60)), 90.0))
    rgb_u8 = smooth_u8.astype(np.uint8)
    placement = placed(Box(0, 0, 25, 15), (25, 15))
    eight = draw(merge_alpha(rgb_u8[5:35, 5:55], ALPHA_U8[5:35, 5:55]), placement)
    for rgb_u16 in (None, rgb_u8.astype(np.uint16) * 257):
        made = draw_deep(rgb_u8, rgb_u16, ALPHA_U8, placement)
        # Away from the edge, where the filter overshoots and bytes clip.
        solid = np.zeros(eight.shape[:2], np.bool_)
        solid[5:10, 8:18] = True
        assert np.abs(made[solid] / 257 - eight[solid]).max() <= 1.01
        assert (made[solid][:, :3] % 257).any()
