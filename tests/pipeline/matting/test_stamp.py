"""Seals made by code: ink of known alpha on paper, with print and uneven light."""

import numpy as np
import pytest

from cutline.pipeline.matting.stamp import extract_stamp
from tests.support.seals import BLACK, BLUE, GREEN, PURPLE, RED, seal_page

SIDE = 480
GREY_PAPER = (178, 176, 170)


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


@pytest.mark.parametrize(
    ("page", "error", "kept"),
    [
        ({}, 0.004, 0.99),
        ({"strength": 0.3}, 0.009, 0.90),
        ({"strength": 0.3, "quality": 75}, 0.009, 0.95),
        ({"strength": 0.2, "quality": 80}, 0.010, 0.92),
        ({"strength": 0.1}, 0.013, 0.95),
        ({"paper": GREY_PAPER, "shade": 0.4, "quality": 60}, 0.010, 0.98),
        ({"strength": 0.3, "paper": GREY_PAPER, "shade": 0.4, "quality": 75}, 0.013, 0.90),
    ],
    ids=[
        "fresh",
        "faded",
        "faded, JPEG",
        "a fifth, JPEG",
        "a tenth",
        "grey paper in shade, JPEG",
        "faded on grey paper in shade, JPEG",
    ],
)
@pytest.mark.parametrize("ink", [RED, BLUE, GREEN, PURPLE], ids=["red", "blue", "green", "purple"])
def test_a_seal_over_print_keeps_its_thin_strokes_and_leaves_the_print(ink, page, error, kept):
    made = seal_page(ink, **page)
    found = extract_stamp(made.rgb_u8)
    assert found is not None
    alpha = found[1] / 255
    assert np.abs(alpha - made.alpha).mean() < error
    strokes = (made.alpha > 0.5) & ~made.printed
    assert (alpha[strokes] > 0.3).mean() > kept
    assert alpha[made.bare].mean() < 0.01
    assert alpha[(made.alpha == 0) & ~made.printed].mean() < 0.004


def test_a_drawn_page_without_any_grain_is_served():
    page = np.full((200, 200, 3), 255, np.uint8)
    page[80:120, 40:160] = RED
    found = extract_stamp(page)
    assert found is not None
    assert (found[1][80:120, 40:160] > 250).mean() > 0.99
    assert found[1][:70].max() == 0


@pytest.mark.parametrize("strength", [0.3, 0.9])
def test_a_black_seal_is_taken_by_its_darkness(strength):
    made = seal_page(BLACK, strength, shade=0.3, quality=80, printed=False)
    found = extract_stamp(made.rgb_u8)
    assert found is not None
    assert np.abs(found[1] / 255 - made.alpha).mean() < 0.01


def test_black_print_goes_with_a_black_seal_of_the_same_colour():
    made = seal_page(BLACK, printed=True)
    found = extract_stamp(made.rgb_u8)
    assert found is not None
    assert (found[1][made.bare] / 255).mean() > 0.9


def test_a_photograph_of_no_page_is_no_black_stamp():
    y, x = np.mgrid[:300, :300] / 300
    rough = 128 + 100 * np.sin(20 * x) * np.cos(17 * y)
    grey = np.repeat(rough[..., None], 3, axis=2).astype(np.uint8)
    assert extract_stamp(grey) is None
