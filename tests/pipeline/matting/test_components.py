"""Connected components match a flood fill, and only specks are removed."""

import numpy as np
import pytest
from skimage.measure import label

from cutline.pipeline.filters import box_mean
from cutline.pipeline.matting.components import label_components, remove_specks


@pytest.mark.parametrize("share", [0.1, 0.4, 0.6, 0.9])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (57, 83)])
def test_labels_agree_with_a_flood_fill(shape, share):
    mask = np.random.default_rng(3).random(shape) < share
    labels, areas = label_components(mask)
    truth, count = label(mask, connectivity=1, return_num=True)
    assert len(areas) == count
    assert ((labels > 0) == mask).all()
    pairs = np.unique(np.stack((labels.ravel(), truth.ravel())), axis=1)
    assert pairs.shape[1] == len(np.unique(labels))
    np.testing.assert_array_equal(np.bincount(labels.ravel(), minlength=count + 1)[1:], areas)


def scene() -> np.ndarray:
    alpha = np.zeros((320, 320), np.float32)
    alpha[100:250, 100:250] = 1
    alpha[150:170, 150:170] = 0
    return alpha


def test_far_speck_goes_and_near_speck_stays():
    alpha = scene()
    alpha[10:12, 10:12] = 1
    alpha[96:98, 150:152] = 1
    cleaned = remove_specks(alpha)
    assert cleaned[:20, :20].max() == 0
    assert cleaned[96, 150] == 1


def test_second_subject_and_holes_stay():
    alpha = scene()
    alpha[270:300, 20:50] = 1
    np.testing.assert_array_equal(remove_specks(alpha), alpha)


def test_ghost_that_is_never_half_sure_goes_but_not_a_lone_glass():
    alpha = scene()
    alpha[20:60, 270:310] = 0.4
    assert remove_specks(alpha)[20:60, 270:310].max() == 0
    lone = np.zeros((320, 320), np.float32)
    lone[50:100, 50:100] = 0.4
    np.testing.assert_array_equal(remove_specks(lone), lone)


def test_small_part_that_is_half_believed_goes_unless_it_is_near_or_the_largest():
    alpha = scene()
    alpha[20:60, 270:310] = 0.7
    alpha[252:280, 150:190] = 0.7
    cleaned = remove_specks(alpha)
    assert cleaned[20:60, 270:310].max() == 0
    np.testing.assert_array_equal(cleaned[100:290], alpha[100:290])
    lone = np.where(alpha == 1, np.float32(0), alpha)
    np.testing.assert_array_equal(remove_specks(lone), lone)


def test_small_part_of_a_set_stays():
    rods = np.zeros((320, 320), np.float32)
    rods[20:300, [40, 100, 160]] = 0.8
    rods[20:50, 220] = 0.75
    np.testing.assert_array_equal(remove_specks(rods), rods)


def test_haze_goes_but_not_the_faint_end_of_an_outline():
    alpha = scene()
    alpha[20:60, 270:310] = 0.02
    alpha[97:100, 100:250] = 0.02
    cleaned = remove_specks(alpha)
    assert cleaned[20:60, 270:310].max() == 0
    np.testing.assert_array_equal(cleaned[90:], alpha[90:])


def test_nothing_stays_nothing():
    empty = np.zeros((20, 20), np.float32)
    np.testing.assert_array_equal(remove_specks(empty), empty)


@pytest.mark.parametrize("radius", [1, 2, 5, 40])
def test_box_mean_is_the_mean_of_the_window_inside_the_picture(radius):
    values = np.random.default_rng(1).random((23, 31)).astype(np.float32)
    means = box_mean(values, radius)
    for y, x in [(0, 0), (22, 30), (11, 15), (0, 30)]:
        window = values[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
        assert means[y, x] == pytest.approx(float(window.mean()), abs=1e-5)
