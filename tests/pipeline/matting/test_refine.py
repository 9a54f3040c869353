"""Upsampled alpha and estimated foreground colours against composites with known truth."""

import numpy as np
import pytest

from cutline.pipeline.matting.foreground import OPAQUE_FROM, estimate_foreground
from cutline.pipeline.matting.refine import stretch_alpha, upsample_alpha
from devkit.composites import SCENES, SHAPES, compose, disc
from devkit.edge_scores import band_error, bicubic, colour_error

SHARP = ["disc", "ring with a hole", "thin rods"]
DISTINCT = [scene for scene in SCENES if scene != "same"]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_refined_alpha_is_never_worse_than_bicubic(shape, scene):
    case = compose(shape, scene)
    assert band_error(upsample_alpha(case.map_of(), case.rgb_u8), case) <= band_error(bicubic(case), case)


@pytest.mark.parametrize("scene", ["distinct", "busy", "bright sky"])
@pytest.mark.parametrize("shape", SHARP)
def test_refined_alpha_halves_the_error_of_sharp_edges(shape, scene):
    case = compose(shape, scene, 1024)
    assert band_error(upsample_alpha(case.map_of(), case.rgb_u8), case) < 0.5 * band_error(bicubic(case), case)


@pytest.mark.parametrize("scene", ["white on white", "dark on dark"])
@pytest.mark.parametrize("shape", SHARP)
def test_refined_alpha_takes_a_tenth_off_the_error_between_like_colours(shape, scene):
    case = compose(shape, scene, 1024)
    assert band_error(upsample_alpha(case.map_of(), case.rgb_u8), case) < 0.9 * band_error(bicubic(case), case)


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_refined_alpha_stays_within_half_of_bicubic(shape):
    case = compose(shape, "busy")
    change = upsample_alpha(case.map_of(), case.rgb_u8).astype(int) - bicubic(case)
    assert np.abs(change).max() <= 128


def test_a_hole_stays_open_and_the_inside_stays_opaque():
    case = compose("ring with a hole")
    alpha = upsample_alpha(stretch_alpha(case.map_of()), case.rgb_u8)
    assert alpha[384, 384] == 0
    assert alpha[384, 384 + int(0.25 * 768)] == 255


def test_a_map_without_soft_pixels_is_only_resized():
    rgb = np.zeros((40, 60, 3), np.uint8)
    assert (upsample_alpha(np.ones((320, 320), np.float32), rgb) == 255).all()
    assert (upsample_alpha(np.zeros((320, 320), np.float32), rgb) == 0).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 3), (31, 900)])
def test_any_shape_of_picture_is_served(shape):
    rgb = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    small = np.random.default_rng(1).random((320, 320), np.float32)
    alpha = upsample_alpha(small, rgb)
    assert alpha.shape == shape
    estimate_foreground(rgb, alpha)


def test_stretch_clears_the_floor_and_fills_the_ceiling():
    levels = np.array([0, 0.03, 0.5, 0.97, 1], np.float32)
    np.testing.assert_allclose(stretch_alpha(levels), [0, 0, 0.5, 1, 1], atol=1e-6)


@pytest.mark.parametrize("scene", DISTINCT)
@pytest.mark.parametrize("shape", ["disc", "ring with a hole", "thin rods", "hair", "blurred edge"])
def test_edge_colours_are_five_times_nearer_than_the_naive_cut(shape, scene):
    case = compose(shape, scene)
    rgb = case.rgb_u8.copy()
    estimate_foreground(rgb, case.alpha_u8)
    assert colour_error(rgb, case) < colour_error(case.rgb_u8, case) / 5


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_equal_colours_are_made_no_worse(shape):
    case = compose(shape, "same")
    rgb = case.rgb_u8.copy()
    estimate_foreground(rgb, case.alpha_u8)
    assert colour_error(rgb, case) < 1.05 * colour_error(case.rgb_u8, case)


@pytest.mark.parametrize("shape", ["glass", "soft disc"])
def test_wide_translucency_over_a_busy_background_gets_twice_nearer(shape):
    # A pane that a pattern shines through has no opaque pixel of its own to learn its colour from.
    case = compose(shape, "busy")
    rgb = case.rgb_u8.copy()
    estimate_foreground(rgb, case.alpha_u8)
    assert colour_error(rgb, case) < colour_error(case.rgb_u8, case) / 2


@pytest.mark.parametrize("scene", SCENES)
def test_opaque_pixels_keep_their_bytes(scene):
    case = compose("hair", scene)
    rgb = case.rgb_u8.copy()
    estimate_foreground(rgb, case.alpha_u8)
    untouched = (case.alpha_u8 >= OPAQUE_FROM) | (case.alpha_u8 == 0)
    np.testing.assert_array_equal(rgb[untouched], case.rgb_u8[untouched])


def test_colours_of_a_wholly_opaque_or_hidden_picture_do_not_change():
    rgb = np.random.default_rng(2).integers(0, 256, (30, 40, 3), np.uint8)
    for level in (0, 255):
        after = rgb.copy()
        estimate_foreground(after, np.full((30, 40), level, np.uint8))
        np.testing.assert_array_equal(after, rgb)


def test_true_alpha_of_a_disc_covers_what_geometry_says():
    assert abs(float(disc(512).mean()) - np.pi * 0.3**2) < 0.002
