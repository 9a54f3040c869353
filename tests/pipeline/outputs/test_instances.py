"""Several subjects of one picture, each by itself."""

import numpy as np

from cutline.pipeline.cutout import Matte
from cutline.pipeline.outputs.instances import separate


def matte(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (900, 1200)) -> Matte:
    """Boxes of left, top, right, bottom."""
    alpha = np.zeros(size, np.uint8)
    for left, top, right, bottom in boxes:
        alpha[top:bottom, left:right] = 255
    return Matte(np.full((*size, 3), 90, np.uint8), alpha, "object", 0.9)


def boxes_of(mattes: list[Matte]) -> list[tuple[int, int, int, int]]:
    found = []
    for subject in mattes:
        rows, columns = (np.flatnonzero(subject.alpha_u8.any(axis=axis)) for axis in (1, 0))
        found.append((int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1))
    return found


def test_subjects_come_from_left_to_right_and_lose_nothing() -> None:
    boxes = [(40, 100, 300, 400), (320, 500, 700, 880), (800, 20, 1190, 700)]
    whole = matte(boxes[2], boxes[0], boxes[1])
    subjects = separate(whole)
    assert boxes_of(subjects) == boxes
    assert np.array_equal(sum(part.alpha_u8.astype(int) for part in subjects), whole.alpha_u8)
    assert {part.confidence for part in subjects} == {0.9}


def test_what_touches_is_one() -> None:
    assert len(separate(matte((0, 0, 400, 400), (399, 200, 800, 220)))) == 1


def test_a_small_part_belongs_to_the_nearest_subject() -> None:
    first, second, strand = (0, 0, 300, 300), (800, 0, 1100, 300), (320, 100, 340, 120)
    assert boxes_of(separate(matte(first, second, strand))) == [(0, 0, 340, 300), second]


def test_one_subject_is_itself_and_none_is_none() -> None:
    one = matte((10, 10, 500, 500))
    (found,) = separate(one)
    assert np.array_equal(found.alpha_u8, one.alpha_u8)
    assert separate(matte()) == []


def test_there_are_at_most_thirty_two() -> None:
    many = [(x * 30, y * 30, x * 30 + 20, y * 30 + 20) for x in range(10) for y in range(10)]
    assert len(separate(matte(*many))) == 32


def test_it_works_at_any_size() -> None:
    assert len(separate(matte((0, 0, 1, 1), size=(1, 1)))) == 1
    assert len(separate(matte((0, 0, 2, 1), (3, 0, 5, 1), size=(1, 5)))) == 2
