"""What the training draws: shapes with holes, and neighbours in a product's background."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageDraw

from training.manifest import Row
from training.neighbours import MAX_AREA, SAME_SHARE, partners, placements
from training.sketch import Sketch, chair, mug, padlock

SIDE = 96


def enclosed(sketch: Sketch) -> int:
    """Return the pixels of background that the frame cannot reach."""
    image = sketch.image.copy()
    ImageDraw.floodfill(image, (0, 0), 100)
    return int((np.asarray(image) == 0).sum())


def drawn(shape, seed: int) -> Sketch:
    """Draw one shape."""
    sketch = Sketch(np.random.default_rng(seed), SIDE)
    shape(sketch)
    return sketch


@pytest.mark.parametrize(("shape", "open_share"), [(padlock, 0.7), (mug, 0.8), (chair, 0.4)])
def test_shackles_handles_and_backs_are_usually_open_to_the_background(shape, open_share):
    holes = [enclosed(drawn(shape, seed)) for seed in range(20)]
    assert np.mean(np.array(holes) > SIDE**2 / 1000) >= open_share


@pytest.mark.parametrize("shape", [padlock, chair])
def test_a_part_of_another_material_is_less_than_the_shape_and_lies_within_it(shape):
    for seed in range(10):
        sketch = drawn(shape, seed)
        whole, part = (np.asarray(image) > 0 for image in (sketch.image, sketch.part))
        assert 0 < part.sum() < whole.sum()
        assert not (part & ~whole).any()


def test_a_neighbour_is_smaller_than_its_subject_and_in_sight():
    rng = np.random.default_rng(5)
    subjects, neighbours = rng.uniform(0.05, 0.6, 200), rng.uniform(0.05, 0.9, 200)
    theta = placements(rng, subjects, neighbours)
    scale = 1 / np.abs(theta[:, 0, 0])
    assert (neighbours * scale**2 <= MAX_AREA * subjects + 1e-6).all()
    centre = np.abs(theta[:, :, 2] * scale[:, None])
    assert (centre <= 1.08).all()
    # Some are cut by the frame at the left or right, not all.
    assert 0.3 < np.mean(centre[:, 0] + scale > 1) < 0.95


def test_a_neighbour_is_of_the_subjects_kind_and_often_its_copy():
    kind_of = ["chair", "sofa"] * 50
    kinds = {kind: np.flatnonzero([one == kind for one in kind_of]) for kind in ("chair", "sofa")}
    chosen = np.arange(100)
    found = partners(np.random.default_rng(2), chosen, kinds, kind_of)
    assert (found % 2 == chosen % 2).all()
    assert abs(np.mean(found == chosen) - SAME_SHARE) < 0.15


ROW = Row(Path(), "objects/image/furn_a.jpg", "m", "", "", "mask", "good", "chair", "", "", "train")


@pytest.mark.parametrize(
    ("name", "subject", "kind"),
    [
        ("furn_a", "chair", "chair"),
        ("furnb_chair_img3", "chair", "chair"),
        ("fcat_1", "cat", ""),
        ("oro_1", "mixed", ""),
    ],
)
def test_only_single_products_without_people_get_neighbours(name, subject, kind):
    row = dataclasses.replace(ROW, file=f"objects/image/{name}.jpg", subject=subject)
    assert row.product_kind == kind
