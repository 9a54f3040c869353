"""Strokes over a finished cut-out: as drawn under them, along colours around them, nothing far from them."""

import json
import math
import time
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from cutline.pipeline.filters import U8, Bool
from cutline.pipeline.matting.random_walk import edges_of, random_walk
from cutline.pipeline.matting.strokes import draw_strokes, mend_alpha
from cutline.pipeline.stroke import MAX_POINTS, MAX_STROKES, Do, Stroke, read_strokes

SIZE = (600, 800)
MEADOW, BLUE, RED = (90, 130, 70), (40, 60, 160), (170, 50, 40)


def area(top: int, bottom: int, left: int, right: int) -> Bool:
    mask = np.zeros(SIZE, np.bool_)
    mask[top:bottom, left:right] = True
    return mask


VASE, BOOK, PEN = area(150, 450, 100, 300), area(180, 420, 480, 700), area(520, 560, 40, 400)


def scene() -> U8:
    """A blue vase, a red book and a red pen on a meadow, with grain."""
    rgb = np.full((*SIZE, 3), MEADOW, np.float32)
    rgb[VASE], rgb[BOOK], rgb[PEN] = BLUE, RED, RED
    grain = np.random.default_rng(7).normal(0, 8, (*SIZE, 1))
    return np.clip(rgb + grain, 0, 255).astype(np.uint8)


def line(do: Do, *points: tuple[float, float], radius: float = 0.02) -> Stroke:
    return Stroke(do, radius, tuple((x / SIZE[1], y / SIZE[0]) for x, y in points))


IN_BOOK = [(540, 300), (640, 320)]


def alpha_of(mask: Bool) -> U8:
    return mask.astype(np.uint8) * 255


def iou(alpha: U8, truth: Bool) -> float:
    claimed = alpha > 127
    return float((claimed & truth).sum() / (claimed | truth).sum())


@pytest.mark.parametrize(("do", "before", "after"), [("keep", VASE, VASE | BOOK), ("remove", VASE | BOOK, VASE)])
def test_a_stroke_changes_what_has_its_colours_up_to_the_edge_and_nothing_far(
    do: Do, before: Bool, after: Bool
) -> None:
    alpha = alpha_of(before)
    mended = mend_alpha(scene(), alpha, [line(do, *IN_BOOK)])
    assert iou(mended, after) > 0.985
    far = ~area(150, 450, 450, 730)
    assert (mended[far] == alpha[far]).all()


@pytest.mark.parametrize(("do", "before"), [("keep", VASE), ("remove", VASE | BOOK)])
def test_soft_edges_far_from_a_stroke_stay_as_they_are(do: Do, before: Bool) -> None:
    alpha = np.asarray(Image.fromarray(alpha_of(before)).filter(ImageFilter.GaussianBlur(4)))
    mended = mend_alpha(scene(), alpha, [line(do, *IN_BOOK)])
    around_book = area(150, 450, 450, 730)
    assert (mended[~around_book] == alpha[~around_book]).all()
    assert (mended[BOOK] > 127).mean() == pytest.approx(float(do == "keep"), abs=0.02)


def test_like_colours_that_are_not_connected_stay() -> None:
    mended = mend_alpha(scene(), alpha_of(VASE), [line("keep", *IN_BOOK, (690, 410))])
    assert not mended[PEN].any()


@pytest.mark.parametrize(("do", "value"), [("keep", 255), ("remove", 0)])
def test_under_a_stroke_it_is_as_drawn_also_across_an_edge(do: Do, value: int) -> None:
    stroke = line(do, (60, 300), (200, 300), radius=0.01)
    mended = mend_alpha(scene(), alpha_of(VASE), [stroke])
    assert (mended[draw_strokes([stroke], SIZE[1], SIZE[0])[do]] == value).all()


@pytest.mark.parametrize(("x", "radius"), [(600, 0.02), (514, 0.0005)], ids=["wide", "thin and near"])
def test_a_later_stroke_leaves_what_an_earlier_one_drew(x: int, radius: float) -> None:
    kept = line("keep", (x, 240), (x, 360), radius=radius)
    once = mend_alpha(scene(), alpha_of(VASE), [kept])
    twice = mend_alpha(scene(), once, [line("remove", (505, 240), (505, 360), radius=0.008)], [kept])
    assert (twice[draw_strokes([kept], SIZE[1], SIZE[0])["keep"]] == 255).all()
    assert (twice[240:360, 500:510] == 0).all()


def test_a_box_counts_as_a_stroke() -> None:
    box = read_strokes([{"do": "remove", "box": [0.55, 0.2, 0.95, 0.8]}])
    mended = mend_alpha(scene(), alpha_of(VASE | BOOK), box)
    assert iou(mended, VASE) > 0.985


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (3, 5), (97, 2)])
def test_small_pictures_can_be_mended(size: tuple[int, int]) -> None:
    alpha = np.zeros(size, np.uint8)
    mended = mend_alpha(np.full((*size, 3), 90, np.uint8), alpha, [Stroke("keep", 0.5, ((0.5, 0.5),))])
    assert mended.max() == 255


def test_a_stroke_costs_at_most_150_ms_a_megapixel() -> None:
    rgb, alpha = (np.repeat(np.repeat(plane, 3, 0), 3, 1) for plane in (scene(), alpha_of(VASE)))
    cheapest = math.inf
    for _ in range(3):
        start = time.process_time()
        mend_alpha(rgb, alpha, [line("keep", *IN_BOOK)])
        cheapest = min(cheapest, time.process_time() - start)
    assert cheapest < 0.15 * alpha.size / 1e6


def test_the_walk_solves_its_equations() -> None:
    random = np.random.default_rng(3)
    colours = random.random((3, 45, 60)).astype(np.float32)
    pull = (0.01 + random.random((45, 60))).astype(np.float32)
    right = pull * random.random((45, 60)).astype(np.float32)
    edges = edges_of(colours, 0.5, 0.01)
    values = random_walk(edges, pull, right)
    rest = edges.times(values, edges.degrees((45, 60)) + pull) - right
    assert np.abs(rest).max() < 1e-4


GOOD: dict[str, Any] = {"do": "keep", "radius": 0.02, "points": [[0.5, 0.4], [0.6, 0.4]]}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "at least one"),
        ("keep", "a list"),
        ({"do": "keep"}, "a list"),
        ([GOOD] * (MAX_STROKES + 1), "at most"),
        ([3], "an object"),
        ([{**GOOD, "do": "erase"}], "keep or remove"),
        ([{**GOOD, "colour": 1}], "unknown fields"),
        ([{**GOOD, "radius": 0}], "above 0"),
        ([{**GOOD, "radius": 0.51}], "0..0.5"),
        ([{**GOOD, "radius": True}], "a number"),
        ([{**GOOD, "radius": "0.1"}], "a number"),
        ([{**GOOD, "points": []}], "at least one point"),
        ([{**GOOD, "points": [[0.5]]}], "[x, y]"),
        ([{**GOOD, "points": ["ab"]}], "a number"),
        ([{**GOOD, "points": [[0.5, 1.01]]}], "0..1"),
        ([{**GOOD, "points": [[-0.1, 0.5]]}], "0..1"),
        ([{**GOOD, "points": [[math.nan, 0.5]]}], "a number"),
        ([{**GOOD, "points": [[0.5, math.inf]]}], "a number"),
        ([{**GOOD, "points": [[0.5, 0.5]] * 10_000}], f"at most {MAX_POINTS}"),
        ([{**GOOD, "points": [[0.5, 0.5]] * (MAX_POINTS // 2 + 1)}] * 2, f"at most {MAX_POINTS}"),
        ([{**GOOD, "box": [0, 0, 1, 1]}], "only `do`"),
        ([{"do": "keep", "box": [0, 0, 1]}], "four numbers"),
        ([{"do": "keep", "box": [0.5, 0, 0.5, 1]}], "left below right"),
    ],
)
def test_wrong_strokes_are_refused_and_named(document: Any, says: str) -> None:
    with pytest.raises(ValueError) as refused:
        read_strokes(document)
    assert says in str(refused.value)


def test_strokes_survive_json() -> None:
    strokes = read_strokes([GOOD, {"do": "remove", "box": [0, 0.1, 0.5, 1]}])
    assert read_strokes(json.loads(json.dumps([stroke.to_document() for stroke in strokes]))) == strokes
    assert all(one != other for one, other in pairwise(strokes))
