"""Garment masks share the picture: no pixel is worn twice."""

import numpy as np

from cutline.pipeline.garments.worn import garment_masks, settle_classes, unite
from cutline.pipeline.options import GARMENTS

CLASSES = ("background", *GARMENTS, "person")


def outfit() -> dict[str, np.ndarray]:
    probabilities = {name: np.zeros((320, 320), np.float32) for name in CLASSES}
    probabilities["tops"][60:165, 100:220] = 0.9
    probabilities["coat"][60:165, 100:220] = 0.1
    probabilities["pants"][165:300, 110:210] = 0.8
    probabilities["background"] = 1 - sum(probabilities.values())  # type: ignore[assignment]
    return probabilities


def picture() -> np.ndarray:
    rgb = np.full((640, 480, 3), 220, np.uint8)
    rgb[120:330, 150:330] = (180, 40, 60)
    rgb[330:600, 165:315] = (40, 50, 120)
    return rgb


def test_only_garments_with_pixels_of_their_own_are_given():
    masks = garment_masks(outfit(), picture())
    assert list(masks) == ["tops", "pants"]
    assert masks["tops"].shape == (640, 480)
    assert masks["tops"][200, 240] == 255
    assert masks["pants"][500, 240] == 255


def test_masks_together_never_exceed_opaque_or_the_subject():
    subject = np.full((640, 480), 255, np.uint8)
    subject[:, 240:] = 90
    masks = garment_masks(outfit(), picture(), subject)
    total = sum(mask.astype(int) for mask in masks.values())
    assert (total <= subject).all()
    assert masks["tops"][200, 200] == 255
    assert masks["tops"][200, 260] == 90


def test_union_holds_every_garment_and_no_gap_between_them():
    united = unite(garment_masks(outfit(), picture()), outfit(), picture())
    assert united[200, 240] == united[500, 240] == 255
    assert united[329:332, 200:280].min() > 200


def test_union_holds_what_the_network_wavers_about_within_the_subject():
    probabilities = outfit()
    probabilities["tops"][100:130, 100:220] = probabilities["coat"][100:130, 100:220] = 0.34
    probabilities["coat"][140:165, 100:220] = 0.8
    probabilities["tops"][140:165, 100:220] = 0.1
    subject = np.full((640, 480), 255, np.uint8)
    subject[:, 300:] = 0
    masks = garment_masks(probabilities, picture(), subject)
    assert masks["tops"][230, 240] == masks["coat"][230, 240] == 0
    united = unite(masks, probabilities, picture(), subject)
    assert united[230, 240] == 255
    assert united[230, 310] == 0
    assert np.array_equal(unite({"tops": masks["tops"]}, probabilities, picture(), subject), masks["tops"])


def test_no_garment_gives_no_mask():
    probabilities = {name: np.zeros((320, 320), np.float32) for name in CLASSES}
    assert garment_masks(probabilities, picture()) == {}


def wavering(share: float, rows: slice = slice(60, 165)) -> dict[str, np.ndarray]:
    """The outfit, its top in `rows` as much a coat as a top; `share` is how sure it is clothing."""
    probabilities = outfit()
    probabilities["tops"][rows, 100:220] = 0.45 * share
    probabilities["coat"][rows, 100:220] = 0.55 * share
    return probabilities


def test_a_garment_that_wavers_between_classes_goes_to_the_likeliest_one() -> None:
    assert list(garment_masks(wavering(0.9), picture())) == ["pants"]
    masks = garment_masks(settle_classes(wavering(0.9)), picture())
    assert list(masks) == ["coat", "pants"]
    assert masks["coat"][200, 240] == 255


def test_what_is_hardly_clothing_or_only_an_edge_is_left_as_it_is() -> None:
    for probabilities in (outfit(), wavering(0.6), wavering(0.9, slice(150, 158))):
        settled = settle_classes(probabilities)
        assert all(np.array_equal(settled[name], probabilities[name]) for name in CLASSES)
