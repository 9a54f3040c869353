"""Where the subject stands in its result, in numbers, and the words that ask for it."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutline.pipeline.layout.framing import MAX_CANVAS_PX, MAX_GROWTH, UNFRAMED, Box, Framing, Length, Placement, place
from cutline.pipeline.layout.framing_parser import READERS, read_framing, read_region
from cutline.pipeline.options import CutOptions, cut_document, cut_options_from

PICTURE = (400, 300)
BOX = Box(100, 50, 200, 250)  # 100 x 200


def placed(framing: Framing, *, crop: bool = False, target: tuple[int | None, int | None] = (None, None)) -> Placement:
    return place(PICTURE, BOX, framing, crop=crop, target=target)


def test_without_framing_the_picture_is_unchanged() -> None:
    whole = Box(0, 0, 400, 300)
    assert placed(UNFRAMED) == Placement(400, 300, whole, whole)


def test_crop_cuts_to_the_box_and_its_margin() -> None:
    assert placed(UNFRAMED, crop=True) == Placement(100, 200, BOX, Box(0, 0, 100, 200))
    around = (Length(0.1, is_share=True), Length(20), Length(0), Length(7))
    assert placed(Framing(around), crop=True) == Placement(127, 220, BOX, Box(7, 20, 107, 220))


def test_scale_without_crop_resizes_the_subject_and_keeps_the_canvas() -> None:
    half = placed(Framing(scale=0.5))
    assert half == Placement(400, 300, BOX, Box(162, 75, 237, 225))
    assert half.enlargement == 0.75
    assert placed(Framing(scale=1.0)).enlargement == 1.5
    assert placed(Framing(scale=0.5, position=(0.0, 1.0))).drawn == Box(0, 150, 75, 300)


def test_scale_with_crop_grows_the_canvas_and_resizes_nothing() -> None:
    square = placed(Framing(scale=0.8, ratio=1.0), crop=True)
    assert (square.width, square.height, square.enlargement) == (250, 250, 1)
    assert square.drawn == Box(75, 25, 175, 225)


def test_a_position_without_a_scale_moves_the_subject_at_its_size() -> None:
    assert placed(Framing(position=(1.0, 0.0))).drawn == Box(300, 0, 400, 200)


@pytest.mark.parametrize(("ratio", "size"), [(1.0, (200, 200)), (0.25, (100, 400)), (0.5, (100, 200))])
def test_ratio_adds_space_in_one_direction_and_cuts_nothing(ratio: float, size: tuple[int, int]) -> None:
    found = placed(Framing(ratio=ratio), crop=True)
    assert (found.width, found.height) == size
    assert (found.drawn.width, found.drawn.height) == (100, 200)


def test_a_minimum_size_enlarges_and_reports_the_enlargement() -> None:
    found = placed(Framing(least=(500, 500)), crop=True)
    assert (found.width, found.height, found.enlargement) == (500, 1000, 5)
    assert placed(Framing(least=(50, 50)), crop=True).enlargement == 1


def test_a_maximum_size_reduces_and_wins_over_the_minimum() -> None:
    assert placed(Framing(most=(50, 50)), crop=True) == Placement(25, 50, BOX, Box(0, 0, 25, 50))
    found = placed(Framing(least=(500, 500), most=(100, 100)), crop=True)
    assert (found.width, found.height) == (50, 100)


def test_a_target_is_exact_and_holds_all_in_its_middle() -> None:
    assert placed(UNFRAMED, crop=True, target=(300, 100)) == Placement(300, 100, BOX, Box(125, 0, 175, 100))
    assert placed(UNFRAMED, crop=True, target=(50, None)) == Placement(50, 100, BOX, Box(0, 0, 50, 100))
    assert placed(UNFRAMED, crop=True, target=(None, 20_000)).width == 3000


SHARES = st.floats(0, 1)
SIZES = st.tuples(st.integers(1, 3000), st.integers(1, 3000))
FRAMINGS = st.builds(
    Framing,
    margin=st.tuples(*[st.builds(Length, st.floats(0, 0.5), st.booleans())] * 4),
    scale=st.none() | st.floats(0.1, 1),
    position=st.none() | st.tuples(SHARES, SHARES),
    ratio=st.none() | st.floats(0.1, 10),
    least=SIZES,
    most=st.none() | SIZES,
)


@given(SIZES, st.tuples(SHARES, SHARES, SHARES, SHARES), FRAMINGS, st.booleans())
def test_the_subject_always_lies_on_a_canvas_of_some_size(
    size: tuple[int, int], corners: tuple[float, float, float, float], framing: Framing, crop: bool
) -> None:
    left, right = sorted(round(share * (size[0] - 1)) for share in corners[:2])
    top, bottom = sorted(round(share * (size[1] - 1)) for share in corners[2:])
    found = place(size, Box(left, top, right + 1, bottom + 1), framing, crop=crop, target=(None, None))
    assert 0 <= found.drawn.left < found.drawn.right <= found.width <= 16_383
    assert 0 <= found.drawn.top < found.drawn.bottom <= found.height <= 16_383


@pytest.mark.parametrize(
    "framing",
    [
        Framing(least=(16_384, 16_384)),
        Framing(ratio=10.0),
        Framing(scale=0.1),
        Framing(margin=(Length(0.5, is_share=True),) * 4, scale=0.1, ratio=0.1),
    ],
    ids=["least", "ratio", "scale", "everything"],
)
@pytest.mark.parametrize("size", [(100, 100), (4096, 4096), (4096, 10)])
def test_no_framing_makes_a_canvas_that_no_function_could_hold(framing: Framing, size: tuple[int, int]) -> None:
    """A drop's metadata made one of 268 megapixels of any picture: 1 GiB, six times, and nothing was charged."""
    found = place(size, Box(0, 0, *size), framing, crop=True, target=(None, None))
    max_px = max(MAX_CANVAS_PX, MAX_GROWTH * size[0] * size[1])
    assert found.width * found.height <= max_px + found.width + found.height
    assert max(found.width, found.height) <= 16_383
    if framing.ratio is not None and min(found.width, found.height) > 100:
        assert found.width / found.height == pytest.approx(framing.ratio, rel=0.01)


def test_a_picture_that_is_large_itself_is_not_reduced() -> None:
    size = (16_384, 3000)
    assert place(size, Box(0, 0, 9, 9), UNFRAMED, crop=False, target=(None, None)).width == 16_384


def test_a_framing_is_parsed_from_text() -> None:
    said = {
        "margin": "10% 5px",
        "scale": "85%",
        "position": "0% 100%",
        "ratio": "4:5",
        "least": "1000x800",
        "most": "9",
    }
    tenth, five = Length(0.1, is_share=True), Length(5)
    expected = Framing((tenth, five, tenth, five), 0.85, (0, 1), 0.8, (1000, 800), (9, 9))
    assert read_framing(said) == expected
    assert read_framing({"position": "center"}) == Framing(position=(0.5, 0.5))
    assert read_framing({"position": "original", "scale": "0.5", "other": "x"}) == Framing(scale=0.5)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        *(("margin", text) for text in ("", "1 2 3", "51%", "501px", "-1px", "1em", "nan", "٣px", "1 2 3 4 5")),
        *(("scale", text) for text in ("9%", "101%", "1.01", "0", "big", "1e-1", "inf")),
        *(("position", text) for text in ("", "left", "101%", "10% 10% 10%", "-1%")),
        *(("ratio", text) for text in ("", "0", "1:0", "0:1", "11:1", "1:2:3", "a:b")),
        *(("least", text) for text in ("", "0", "16385", "1x2x3", "1.5", "-1", "10x", "5001", "16384x1526")),
    ],
)
def test_words_that_mean_nothing_are_refused_by_the_fields_name(field: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        read_framing({field: text})


def test_a_region_is_read_in_pixels_and_shares() -> None:
    assert read_region("10 0% 50% 2000px").box_in(400, 300) == Box(10, 0, 200, 2000)
    assert read_region("10 0% 50% 2000px").box_in(400, 300).within(400, 300) == Box(10, 0, 200, 300)
    assert read_region("90% 90% 10% 10%").box_in(400, 300).within(400, 300) == Box(360, 270, 360, 270), "empty"
    for text in ("", "1 2 3", "1 2 3 4 5", "a b c d", "-1 0 0 0", "0% 0% 101% 0%"):
        with pytest.raises(ValueError, match=r"a region|no edge|at most|no share"):
            read_region(text)


@given(FRAMINGS, st.sampled_from([None, (1, 2, 3)]), st.sampled_from([None, read_region("1 2 30% 4")]))
def test_options_survive_their_storage(framing: Framing, background: Any, roi: Any) -> None:
    options = CutOptions(framing=framing, background=background, crop=True, roi=roi)
    stored = json.dumps(cut_document(options))
    assert cut_options_from(json.loads(stored)) == options
    assert ("framing" in stored) == (framing != UNFRAMED)


def test_every_field_of_a_framing_can_be_said() -> None:
    assert set(READERS) == set(asdict(UNFRAMED))
