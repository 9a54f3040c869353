"""Seals made by code: ink of known alpha on paper, with print and uneven light."""

import numpy as np
import pytest

from cutline.pipeline.stamp import extract_stamp

SIDE = 480
RED, BLUE, GREEN = (200, 30, 40), (40, 60, 190), (20, 140, 70)


def seal(ink: tuple[int, int, int], uneven: bool = False, share: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """A page (SIDE, SIDE, 3) with a ring of ink of 20 to 90 % and rows of black print, and the ink's alpha."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    distance = np.hypot(y - 0.5, x - 0.5)
    ring = np.clip((0.04 * share / 0.1 - np.abs(distance - 0.28)) / 0.008, 0, 1)
    alpha = ring * (0.55 + 0.35 * np.sin(18 * y))
    paper = np.full((SIDE, SIDE, 3), (244, 240, 230), float)
    if uneven:
        paper *= (0.72 + 0.28 * x)[..., None]
    paper += np.random.default_rng(4).normal(0, 2, paper.shape)
    print_rows = ((y * 24) % 1 < 0.3) & (x < 0.2)
    paper[print_rows] = (25, 25, 28)
    page = (1 - alpha[..., None]) * paper + alpha[..., None] * np.asarray(ink, float)
    return np.clip(np.rint(page), 0, 255).astype(np.uint8), alpha / alpha.max()


@pytest.mark.parametrize("uneven", [False, True])
@pytest.mark.parametrize("ink", [RED, BLUE, GREEN])
def test_ink_alpha_follows_the_ink(ink, uneven):
    page, alpha = seal(ink, uneven)
    found = extract_stamp(page)
    assert found is not None
    assert np.abs(found[1] / 255 - alpha).mean() < 0.02
    assert np.abs(found[1] / 255 - alpha)[alpha > 0].mean() < 0.1


@pytest.mark.parametrize("ink", [RED, BLUE])
def test_black_print_and_bare_paper_are_left_behind(ink):
    page, alpha = seal(ink, uneven=True)
    found = extract_stamp(page)
    assert found is not None
    assert (found[1][alpha == 0] / 255).mean() < 0.002


def test_colours_are_those_of_the_ink_not_of_the_paper():
    page, _ = seal(RED)
    found = extract_stamp(page)
    assert found is not None
    strong = found[1] > 128
    assert np.abs(found[0][strong].astype(int).mean(axis=0) - RED).max() < 30
    assert (found[0][found[1] == 0] == 0).all()


def test_red_seal_wins_over_more_blue_pen():
    page, alpha = seal(RED)
    page[400:470, 100:460] = (50, 70, 180)
    found = extract_stamp(page)
    assert found is not None
    assert found[1][400:470, 300:460].mean() < 8
    assert found[1][alpha > 0.5].mean() > 120


@pytest.mark.parametrize("level", [0, 128, 245])
def test_a_page_without_colour_has_no_stamp(level):
    assert extract_stamp(np.full((200, 300, 3), level, np.uint8)) is None


def test_a_picture_full_of_one_colour_is_no_stamp():
    assert extract_stamp(np.full((200, 300, 3), RED, np.uint8)) is None


def test_less_than_a_twentieth_of_a_percent_of_ink_is_no_stamp():
    page = np.full((400, 400, 3), 240, np.uint8)
    page[10:16, 10:16] = RED
    assert extract_stamp(page) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (90, 1), (7, 5)])
def test_tiny_pages_are_served(shape):
    extract_stamp(np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8))
