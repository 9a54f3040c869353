"""Tiling finds the people in wide pictures, which a squashed picture hides."""

from pathlib import Path

import numpy as np
import pytest
from skimage import data

from cutline.pipeline.inference.model_config import read_entry
from cutline.pipeline.inference.network import Network
from cutline.pipeline.inference.tiling import is_tiled, is_wide, predict_tiled, reduce_picture

MODELS = Path(__file__).resolve().parents[3] / "layers" / "model"


@pytest.mark.parametrize(
    ("width", "height", "wide"),
    [(180, 100, True), (179, 100, False), (600, 100, True), (601, 100, False), (100, 300, False), (1, 1, False)],
)
def test_wide_is_from_nine_to_five_up_to_six_to_one(width: int, height: int, wide: bool) -> None:
    assert is_wide(np.zeros((height, width, 3), np.uint8)) is wide


@pytest.mark.parametrize("height", [1, 7, 100, 300, 384, 500, 1000, 1600])
@pytest.mark.parametrize("ratio", [0.3, 1.0, 1.7, 1.79, 1.8, 1.81, 2.5, 5.99, 6.0, 6.01, 6.4, 9.0])
def test_a_reduced_picture_is_tiled_as_the_whole_would_be(height: int, ratio: float) -> None:
    entry = read_entry(MODELS, "matte")
    width = max(1, min(round(height * ratio), 9000))
    picture = np.zeros((height, width, 3), np.uint8)
    view = reduce_picture(entry, picture, None)
    assert is_tiled(entry, view) == is_tiled(entry, picture)
    assert view.shape[0] <= height
    assert view.shape[1] <= width


def test_tiles_cover_the_picture_and_keep_their_places() -> None:
    def predict(rgb_u8: np.ndarray) -> dict[str, np.ndarray]:
        squashed = rgb_u8[:: rgb_u8.shape[0] // 20, :: rgb_u8.shape[1] // 20, 0][:20, :20]
        return {"foreground": squashed / np.float32(255), "person": squashed / np.float32(255)}

    picture = np.zeros((100, 300, 3), np.uint8)
    picture[:, 150:] = 255
    predictions = predict_tiled(predict, picture)
    for plane in predictions.values():
        assert plane.shape == (20, 60)
        assert plane[:, :27].max() < 0.01
        assert plane[:, 33:].min() > 0.99


def test_each_of_four_in_a_row_is_a_person() -> None:
    one = data.astronaut()
    row = np.concatenate([one, one[:, ::-1], one, one[:, ::-1]], axis=1)
    person = Network.open(MODELS, "matte", threads=2).predict(row)["person"]
    side = person.shape[0]
    face = (slice(round(side * 0.2), round(side * 0.4)), slice(round(side * 0.4), round(side * 0.5)))
    for index in range(4):
        square = person[:, index * side : (index + 1) * side]
        assert (square if index % 2 == 0 else square[:, ::-1])[face].mean() > 0.7
