"""The scores of `make eval` and `make compare`, on alphas whose scores can be counted by hand."""

from pathlib import Path

import numpy as np
import pytest

from cutline.pipeline.filters import grow
from tools.compare.__main__ import TIE, ties_or_wins
from training.alpha_scores import COLUMNS, edge_band, score_alpha, summary


def square(left: int, side: int = 200) -> np.ndarray:
    """A canvas of 512 px with an opaque square whose left edge is at `left`."""
    alpha = np.zeros((512, 512), np.uint8)
    alpha[100 : 100 + side, left : left + side] = 255
    return alpha


def test_the_true_alpha_scores_full_marks():
    score = score_alpha(square(100), square(100))
    assert (score.iou, score.mae, score.edge_mae, score.sad) == (1, 0, 0, 0)
    assert (score.far_mae, score.far_soft, score.inner_low) == (0, 0, 0)
    assert score.f_curve[1:].min() == pytest.approx(1)


def test_a_square_two_pixels_off_errs_at_two_of_its_edges():
    score = score_alpha(square(102), square(100))
    assert score.iou == pytest.approx(198 / 202)
    assert score.sad == pytest.approx(0.8)
    assert score.mae == pytest.approx(800 / 512**2)
    band = 216**2 - 184**2
    assert score.edge_mae == pytest.approx(800 / band)
    assert score.far_mae == 0


def test_haze_and_a_pale_inside_are_seen_away_from_the_outline():
    hazy = square(100)
    hazy[hazy == 0] = 60
    hazy[hazy == 255] = 240
    score = score_alpha(hazy, square(100))
    assert score.iou == 1
    assert score.far_soft == 1
    assert score.inner_low == 1
    assert score.far_mae == pytest.approx((15 * 184**2 + 60 * (512**2 - 216**2)) / 255 / (512**2 - 216**2 + 184**2))


def test_nothing_found_and_nothing_there():
    nothing = np.zeros((30, 40), np.uint8)
    assert score_alpha(nothing, nothing).iou == 1
    assert score_alpha(nothing, square(100)[:30, :40]).iou == 1
    assert score_alpha(np.zeros((512, 512), np.uint8), square(100)).iou == 0


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (5, 7), (60, 33)])
@pytest.mark.parametrize("reach", [1, 3, 8])
def test_an_edge_band_is_what_both_sides_grow_into(shape, reach):
    mask = np.random.default_rng(3).random(shape) > 0.97
    expected = grow(mask, reach) & grow(~mask, reach)
    assert np.array_equal(edge_band((mask * 255).astype(np.uint8), reach), expected)


def test_a_table_line_counts_the_bad_ones():
    good, bad = score_alpha(square(100), square(100)), score_alpha(square(200), square(100))
    line = dict(zip(COLUMNS, summary([good, good, good, bad]), strict=True))
    assert line["<.8"] == 0.25
    assert line["IoU"] == pytest.approx((3 + bad.iou) / 4)
    assert line["MAE"] == pytest.approx(bad.mae / 4)
    assert line["maxF"] == pytest.approx((3 + bad.f_curve[255]) / 4)


def test_a_table_line_names_each_measure_by_its_column():
    pale = square(104)
    pale[pale == 0], pale[150:250, 150:250] = 20, 120
    score = score_alpha(pale, square(100))
    line = dict(zip(COLUMNS, summary([score]), strict=True))
    values = (score.edge_mae, score.far_mae, score.far_soft, score.inner_low)
    assert len(set(values)) == len(values)
    assert (line["edge"], line["far"], line["haze"], line["inner"]) == pytest.approx(values)


def test_ties_and_wins_are_counted_picture_by_picture():
    exact, near, far = (score_alpha(square(left), square(100)) for left in (100, 101, 160))
    files = [Path(name) for name in ("a", "b", "c", "d")]
    ours = dict(zip(files, (exact, far, near, exact), strict=True))
    theirs = dict(zip(files, (far, exact, near), strict=False))
    assert exact.iou - near.iou > TIE
    assert ties_or_wins(ours, theirs) == pytest.approx(2 / 3)
    assert ties_or_wins(theirs, ours) == pytest.approx(2 / 3)
    assert np.isnan(ties_or_wins(ours, {}))
