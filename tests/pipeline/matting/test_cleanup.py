"""Half-transparency is closed or removed only far from the outline, and only where it is no texture."""

import numpy as np
import pytest

from cutline.pipeline.filters import F32
from cutline.pipeline.matting.cleanup import remove_haze

SIDE = 384


def _subject() -> F32:
    """A square of alpha 1 on 0."""
    alpha = np.zeros((SIDE, SIDE), np.float32)
    alpha[100:300, 100:300] = 1
    return alpha


@pytest.mark.parametrize(("before", "after"), [(0.1, 0.0), (0.3, 0.0), (0.4, 0.25), (0.49, 0.475)])
def test_haze_on_the_background_fades(before: float, after: float) -> None:
    alpha = _subject()
    alpha[20:60, 20:60] = before
    np.testing.assert_allclose(remove_haze(alpha)[25:55, 25:55], after, atol=1e-3)


@pytest.mark.parametrize(("before", "after"), [(0.9, 1.0), (0.7, 1.0), (0.6, 0.75)])
def test_the_subjects_inside_closes(before: float, after: float) -> None:
    alpha = _subject()
    alpha[150:250, 150:250] = before
    np.testing.assert_allclose(remove_haze(alpha)[155:245, 155:245], after, atol=1e-3)


def test_the_soft_edge_stays() -> None:
    alpha = np.tile(np.clip((np.arange(SIDE, dtype=np.float32) - 190) / 5, 0, 1), (SIDE, 1))
    np.testing.assert_array_equal(remove_haze(alpha), alpha)  # type: ignore[arg-type]


def test_strands_stay_and_smooth_grey_of_the_same_mean_does_not() -> None:
    strands = _subject()
    strands[20:80, 20:80:3] = 0.45
    smooth = _subject()
    smooth[20:80, 20:80] = 0.15
    inner = (slice(30, 70), slice(30, 70))
    assert remove_haze(strands)[inner].max() > 0.3
    assert remove_haze(smooth)[inner].max() < 0.001


@pytest.mark.parametrize("shape", [(1, 1), (1, 384), (1024, 700)])
@pytest.mark.parametrize("value", [0.0, 0.2, 0.5, 1.0])
def test_any_plane_stays_in_range(shape: tuple[int, int], value: float) -> None:
    cleared = remove_haze(np.full(shape, value, np.float32))
    assert cleared.shape == shape
    assert cleared.dtype == np.float32
    assert 0 <= cleared.min() <= cleared.max() <= 1
