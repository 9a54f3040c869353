"""Unworn garments: each component of the foreground takes one class, things take none."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.cutout import Matte, matte_picture
from cutline.pipeline.garments.unworn import unworn_garment_masks
from cutline.pipeline.garments.worn import GarmentCutout, cut_garments
from cutline.pipeline.inference.network import Network
from cutline.pipeline.options import GARMENTS, CutOptions, GarmentOptions
from cutline.pipeline.timing import StageTimer
from tests.support.pictures import pixels

ROOT = Path(__file__).resolve().parents[3]
SIDE = 96
HEIGHT, WIDTH = 300, 420
WALL = (128, 128, 128)
# What the drawn costume network says of a colour; the rest of the probability is background's.
TOPS, PANTS, SHOES, WORN_SHOES, THING = (200, 40, 40), (40, 40, 200), (40, 160, 40), (20, 90, 90), (150, 120, 30)
SAYS = {
    TOPS: {"tops": 0.75, "coat": 0.2},
    PANTS: {"pants": 0.95},
    SHOES: {"shoes": 0.95},
    WORN_SHOES: {"shoes": 0.65},
    THING: {"bag": 0.35, "tops": 0.2},
    WALL: {},
    (255, 255, 255): {},
}


class ColourCostume:
    """A costume network that knows garments by their colour; keeps the pictures that it was shown."""

    view_size, calibration = (SIDE, SIDE), None

    def __init__(self) -> None:
        self.shown: list[np.ndarray] = []

    def predict(self, rgb_u8: np.ndarray, alpha_u8: np.ndarray | None = None) -> dict[str, np.ndarray]:
        self.shown.append(rgb_u8)
        small = np.asarray(Image.fromarray(rgb_u8).resize((SIDE, SIDE), Image.Resampling.NEAREST), np.int64)
        planes = {name: np.zeros((SIDE, SIDE), np.float32) for name in GARMENTS}
        nearest = np.argmin([np.abs(small - colour).sum(axis=2) for colour in SAYS], axis=0)
        for index, classes in enumerate(SAYS.values()):
            for name, probability in classes.items():
                planes[name][nearest == index] = probability
        return planes


class ColourMatte:
    """A matting network for which everything is in front that does not have the wall's colour."""

    view_size, calibration = (SIDE, SIDE), None

    def __init__(self, person: float = 0.0) -> None:
        self.runs = 0
        self.person = person

    def predict(self, rgb_u8: np.ndarray, alpha_u8: np.ndarray | None = None) -> dict[str, np.ndarray]:
        self.runs += 1
        foreground = (np.abs(rgb_u8.astype(int) - WALL).sum(axis=2) > 30).astype(np.float32)
        person = np.zeros_like(foreground)
        person[:, : round(person.shape[1] * self.person)] = foreground[:, : round(person.shape[1] * self.person)]
        return {"foreground": foreground, "person": person}


Rectangle = tuple[tuple[int, int, int], int, int, int, int]


def draw(*rectangles: Rectangle) -> tuple[np.ndarray, np.ndarray]:
    """Colours and alpha of rectangles (colour, top, bottom, left, right) in front of a wall."""
    rgb_u8 = np.full((HEIGHT, WIDTH, 3), WALL, np.uint8)
    alpha_u8 = np.zeros((HEIGHT, WIDTH), np.uint8)
    for colour, top, bottom, left, right in rectangles:
        rgb_u8[top:bottom, left:right] = colour
        alpha_u8[top:bottom, left:right] = 255
    return rgb_u8, alpha_u8


def masks_of(*rectangles: Rectangle) -> dict[str, Any]:
    return masks_in(Matte(*draw(*rectangles), "object"), ColourCostume())


def masks_in(foreground: Matte, costume: ColourCostume) -> dict[str, Any]:
    """The masks of a foreground whose picture the network has seen before."""
    return unworn_garment_masks(foreground, costume, costume.predict(foreground.rgb_u8))


SHIRT: Rectangle = (TOPS, 40, 160, 60, 180)
TROUSERS: Rectangle = (PANTS, 60, 260, 230, 330)
LEFT_SHOE: Rectangle = (SHOES, 100, 160, 60, 140)
RIGHT_SHOE: Rectangle = (SHOES, 100, 160, 200, 280)
VASE: Rectangle = (THING, 60, 260, 230, 330)


def test_one_garment_takes_the_whole_alpha() -> None:
    masks = masks_of(SHIRT)
    assert set(masks) == {"tops"}
    assert np.array_equal(masks["tops"], draw(SHIRT)[1])


def test_garments_side_by_side_each_take_their_class() -> None:
    masks = masks_of(SHIRT, TROUSERS)
    assert list(masks) == ["tops", "pants"]
    assert np.array_equal(masks["tops"], draw(SHIRT)[1])
    assert np.array_equal(masks["pants"], draw(TROUSERS)[1])


def test_a_pair_of_shoes_is_one_mask() -> None:
    masks = masks_of(LEFT_SHOE, RIGHT_SHOE)
    assert set(masks) == {"shoes"}
    assert np.array_equal(masks["shoes"], draw(LEFT_SHOE, RIGHT_SHOE)[1])


def test_next_to_a_certain_garment_a_lower_probability_is_enough() -> None:
    uncertain: Rectangle = (WORN_SHOES, *RIGHT_SHOE[1:])
    assert masks_of(uncertain) == {}
    assert np.array_equal(masks_of(LEFT_SHOE, uncertain)["shoes"], draw(LEFT_SHOE, RIGHT_SHOE)[1])


def test_a_thing_next_to_a_garment_is_left_out() -> None:
    masks = masks_of(SHIRT, VASE)
    assert set(masks) == {"tops"}
    assert np.array_equal(masks["tops"], draw(SHIRT)[1])


@pytest.mark.parametrize("rectangles", [(), (VASE,)])
def test_an_empty_foreground_and_a_single_thing_are_no_garments(rectangles: tuple[Rectangle, ...]) -> None:
    assert masks_of(*rectangles) == {}


def test_probabilities_of_picture_and_foreground_count_the_same() -> None:
    foreground = Matte(*draw(SHIRT), "object")
    in_picture = {name: np.zeros((SIDE, SIDE), np.float32) for name in GARMENTS}
    assert unworn_garment_masks(foreground, ColourCostume(), in_picture) == {}
    # Only the shirt's own place in the picture counts.
    in_picture["tops"][SIDE * 40 // HEIGHT : SIDE * 160 // HEIGHT, SIDE * 60 // WIDTH : SIDE * 180 // WIDTH] = 0.6
    assert set(unworn_garment_masks(foreground, ColourCostume(), in_picture)) == {"tops"}


def test_a_small_part_belongs_to_the_garment_next_to_it() -> None:
    # By its colour the button is no clothing, but it is too small to be a thing of its own.
    button: Rectangle = (THING, 90, 102, 190, 202)
    masks = masks_of(SHIRT, button, TROUSERS)
    assert masks["tops"][95, 196] == 255
    assert masks["pants"][95, 196] == 0


@pytest.mark.parametrize("solid_px", [0, 8])
def test_haze_is_no_garment_and_costs_no_run(solid_px: int) -> None:
    rgb_u8, alpha_u8 = draw(SHIRT)
    haze_u8, costume = alpha_u8 // 3, ColourCostume()
    haze_u8[40 : 40 + solid_px, 60 : 60 + solid_px] = 255
    assert masks_in(Matte(rgb_u8, haze_u8, "object"), costume) == {}
    assert len(costume.shown) == 1, "only the picture"


def test_soft_edges_are_shared_without_loss() -> None:
    rgb_u8, alpha_u8 = draw(SHIRT, TROUSERS)
    soft_u8 = np.asarray(Image.fromarray(alpha_u8).resize((42, 30)).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR))
    masks = masks_in(Matte(rgb_u8, soft_u8, "object"), ColourCostume())
    visible = soft_u8 > 8
    assert np.array_equal((masks["tops"] + masks["pants"])[visible], soft_u8[visible])
    assert not (masks["tops"] & masks["pants"]).any()


def test_the_network_runs_on_only_the_foreground_on_white() -> None:
    costume = ColourCostume()
    masks_in(Matte(*draw(TROUSERS), "object"), costume)
    _, shown = costume.shown
    assert shown.shape == (SIDE, SIDE, 3)
    inked = (shown != 255).any(axis=2)
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    assert len(rows) == round(0.7 * SIDE)
    assert len(columns) == round(0.35 * SIDE)
    assert abs(rows[0] - (SIDE - 1 - rows[-1])) <= 1
    assert (shown[inked] == PANTS).all()


def cut(
    options: GarmentOptions, *rectangles: Rectangle, person: float = 0.0
) -> tuple[GarmentCutout, ColourMatte, ColourCostume]:
    matte, costume = ColourMatte(person), ColourCostume()
    picture = Picture(draw(*rectangles)[0], None, "PNG")
    return cut_garments(picture, options, matte, costume, StageTimer()), matte, costume


def test_unworn_garments_are_delivered_as_worn_ones_are() -> None:
    garments, matte, costume = cut(GarmentOptions(("tops", "hat"), "white"), SHIRT, TROUSERS)
    assert (garments.found, set(garments.classes)) == (("tops", "pants"), {"tops"})
    union, tops = pixels(garments.image), pixels(garments.classes["tops"])
    assert union.shape == tops.shape == (HEIGHT, WIDTH, 3)
    assert tuple(union[100, 120]) == tuple(tops[100, 120]) == TOPS
    assert tuple(union[160, 280]) == PANTS
    assert tuple(tops[160, 280]) == tuple(union[5, 5]) == (255, 255, 255)
    assert (matte.runs, len(costume.shown)) == (1, 2)


def test_merged_holds_only_the_requested_classes() -> None:
    merged = pixels(cut(GarmentOptions(("pants",), "mask", merged=True), SHIRT, TROUSERS)[0].image)
    assert merged[160, 280] == 255
    assert merged[100, 120] == 0
    assert cut(GarmentOptions(("hat",), merged=True), SHIRT)[0].image is None


def test_next_to_a_person_only_worn_garments_count() -> None:
    # The left 200 columns are a person, in a shirt; the trousers hang next to the person.
    garments, matte, costume = cut(GarmentOptions(form="mask"), SHIRT, TROUSERS, person=200 / WIDTH)
    assert garments.found == ("tops",)
    assert pixels(garments.image)[160, 280] == 0
    assert (matte.runs, len(costume.shown)) == (1, 1)


def test_a_person_in_no_garments_is_not_taken_for_one() -> None:
    person: Rectangle = (THING, 40, 160, 60, 180)
    garments, _, costume = cut(GarmentOptions(), person, TROUSERS, person=200 / WIDTH)
    assert (garments.image, len(costume.shown)) == (None, 1)


def test_the_committed_networks_find_the_sample_shirt() -> None:
    with Image.open(ROOT / "functions" / "site" / "static" / "shirt.jpg") as image:
        picture = Picture(np.asarray(image.convert("RGB")), None, "JPEG")
    matte, costume = (Network.open(ROOT / "layers" / "model", name, threads=2) for name in ("matte", "costume"))
    garments = cut_garments(picture, GarmentOptions(form="mask"), matte, costume, StageTimer())
    assert len(garments.found) == 1
    union, plain = (
        pixels(garments.image) > 127,
        matte_picture(picture, CutOptions(), matte, StageTimer()).alpha_u8 > 127,
    )
    assert (union & plain).sum() > 0.98 * (union | plain).sum()
