"""`make eval AGAINST=FILE`: scores of two networks compared picture by picture."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from training.alpha_scores import score_alpha
from training.manifest import Row, held_out_rows, split_rows
from training.paired import PARTS, compare, comparison_lines, read_scores, wins_ties_losses, write_scores

ROW = Row(Path(), "objects/image/plate_1.jpg", "objects/mask/plate_1.png", "", "", "mask", "good", "", "", "", "train")


def alpha(left: int) -> np.ndarray:
    """A canvas of 64 px with an opaque square of 32 px whose left edge is at `left`."""
    made = np.zeros((64, 64), np.uint8)
    made[16:48, left : left + 32] = 255
    return made


def test_a_small_gain_on_every_picture_is_an_interval_above_zero_although_the_pictures_differ_more():
    before = np.linspace(0.3, 0.95, 60)
    found = compare(before, before + 0.004 + np.random.default_rng(1).normal(0, 0.004, 60))
    assert 0 < found.low < found.mean < found.high
    assert found.high - found.low < 0.003


def test_noise_without_a_gain_has_an_interval_around_zero_and_the_same_one_at_every_call():
    before = np.full(80, 0.8)
    after = before + np.tile([-0.02, 0.02], 40)
    first, again = compare(before, after), compare(before, after)
    assert first.low < 0 < first.high
    assert (first.low, first.high) == (again.low, again.high)


def test_a_difference_within_the_tie_is_no_win():
    assert wins_ties_losses(np.full(4, 0.5), np.array([0.51, 0.504, 0.496, 0.4])) == (1, 2, 1)


def test_scores_come_back_from_their_file_and_only_pictures_of_both_count(tmp_path):
    truth = alpha(16)
    scores = {("network", "foreign", f"{left}.jpg"): score_alpha(alpha(left), truth) for left in (16, 18, 20)}
    write_scores(tmp_path / "a.csv", scores)
    before = read_scores(tmp_path / "a.csv")
    assert before["network", "foreign", "18.jpg"][0] == pytest.approx(30 / 34, abs=1e-6)
    after = {key: (1.0, 0.0, 0.0) for key in list(before)[1:]} | {("network", "foreign", "new.jpg"): (0.0, 1.0, 1.0)}
    text = "\n".join(comparison_lines(before, after))
    assert "foreign, network: 2 pictures in both, 2 won, 0 equal, 0 lost" in text
    assert all(part in text for part in PARTS)


def test_a_file_of_another_form_is_refused_by_its_name(tmp_path):
    (tmp_path / "b.csv").write_text("file,iou\na,1\n")
    with pytest.raises(SystemExit, match=r"b\.csv has not the columns"):
        read_scores(tmp_path / "b.csv")


def test_held_out_pictures_are_neither_trained_nor_steered_by_and_keep_other_views_of_them_out():
    rows = [dataclasses.replace(ROW, split=split) for split in ("train", "foreign")]
    other = dataclasses.replace(ROW, file="objects/image/plate_2.jpg")
    train, validation = split_rows([*rows, other])
    assert (train, validation) == ([other], [])
    assert held_out_rows(rows) == rows[1:]
