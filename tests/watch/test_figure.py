"""The drawn figure: the network that ships finds it, and what is no cut-out of it does not pass."""

import numpy as np
import pytest

from cutline.library import Cutter
from cutline.watch.figure import MIN_IOU, SIZE, figure, figure_png, fit


@pytest.mark.slow
def test_the_networks_cut_it_out_almost_exactly() -> None:
    cut = Cutter(threads=1).cut(figure()[0])
    assert fit(np.asarray(cut.image)[..., 3]) > 0.99


def test_nothing_everything_and_a_shifted_alpha_do_not_fit() -> None:
    mask = figure()[1]
    assert fit(mask) == 1.0
    wrong = [np.zeros_like(mask), np.full_like(mask, 255), 255 - mask, np.roll(mask, 30, axis=1)]
    assert max(map(fit, wrong)) < MIN_IOU


def test_it_is_small_and_the_same_every_time() -> None:
    assert len(figure_png()) < 20_000
    assert figure()[0].size == SIZE
    assert figure()[1].shape == SIZE[::-1]
