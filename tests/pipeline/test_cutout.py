"""`cut_out` with the committed network and with networks whose predictions a test sets."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image

from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.inference.network import Network
from cutline.pipeline.options import CutOptions
from cutline.pipeline.outputs.files import OutputFiles, make_files
from cutline.pipeline.timing import StageTimer
from devkit.composites import compose, disc

MODELS = Path(__file__).parents[2] / "layers" / "model"


class Says:
    """A network that answers with given predictions."""

    view_size, calibration = (320, 320), (7.0, 3.0)

    def __init__(self, **predictions: np.ndarray) -> None:
        self.predictions = predictions

    def predict(self, rgb_u8: np.ndarray, alpha_u8: np.ndarray | None = None) -> dict[str, np.ndarray]:
        return self.predictions


def cut(picture: Picture, network: object, **options: Any) -> OutputFiles:
    return make_files(picture, CutOptions(**options), network, StageTimer())  # type: ignore[arg-type]


def pixels(data: bytes | None) -> np.ndarray:
    assert data is not None
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.fixture(scope="module")
def matte() -> Network:
    return Network.open(MODELS, "matte", 1)


@pytest.fixture(scope="module")
def ball() -> Picture:
    return Picture(compose("disc", "distinct", 480).rgb_u8, None, "PNG")


@pytest.fixture(scope="module")
def ball_network() -> Says:
    case = compose("disc", "distinct", 480)
    return Says(foreground=case.map_of(), person=np.zeros((320, 320), np.float32))


@pytest.mark.parametrize(("name", "box"), [("astronaut", (190, 60, 265, 180)), ("chelsea", (120, 60, 330, 230))])
def test_a_photograph_keeps_its_subject_and_size_and_loses_its_background(matte, name, box):
    rgb = getattr(skimage.data, name)()
    result = cut(Picture(rgb, None, "PNG"), matte)
    rgba = pixels(result.image)
    assert rgba.shape == (*rgb.shape[:2], 4)
    left, top, right, bottom = box
    assert rgba[top:bottom, left:right, 3].mean() > 240
    opaque = rgba[..., 3] == 255
    np.testing.assert_array_equal(rgba[opaque][:, :3], rgb[opaque])
    assert (rgba[rgba[..., 3] == 0] == 0).all()
    assert (rgba[..., 3] == 0).mean() > 0.1
    assert 0.3 < result.metadata.coverage < 0.9
    assert result.metadata.confidence > 0.5  # type: ignore[operator]


def test_the_astronaut_is_a_person(matte):
    picture = Picture(skimage.data.astronaut(), None, "PNG")
    assert cut(picture, matte).metadata.subject == "person"
    assert cut(picture, matte, subject="person").metadata.coverage > 0.3


def test_every_stage_is_timed(matte):
    timer = StageTimer()
    make_files(Picture(skimage.data.chelsea(), None, "PNG"), CutOptions(), matte, timer)
    assert list(timer.stages_ms) == ["network", "refine", "foreground", "compose", "encode"]
    assert timer.server_timing().startswith("network;dur=")
    assert timer.total_ms == pytest.approx(sum(timer.stages_ms.values()))


def test_the_callers_picture_is_not_changed(ball, ball_network):
    before = ball.rgb_u8.copy()
    cut(ball, ball_network)
    np.testing.assert_array_equal(ball.rgb_u8, before)


def test_own_alpha_bounds_ours(ball, ball_network):
    own = np.full((480, 480), 255, np.uint8)
    own[:, :240] = 0
    own[:, 240:250] = 100
    rgba = pixels(cut(Picture(ball.rgb_u8, own, "PNG"), ball_network).image)
    assert (rgba[:, :240] == 0).all()
    assert rgba[240, 245, 3] == 100
    assert rgba[240, 300, 3] == 255


@pytest.mark.parametrize("hidden", [0, 255])
def test_own_soft_edges_keep_their_colours(ball_network, hidden):
    own = np.rint(disc(480) * 255).astype(np.uint8)
    own = np.asarray(Image.fromarray(own).resize((80, 80), Image.Resampling.BOX).resize((480, 480)))
    rgb = np.where(own[..., None] > 0, np.array([100, 60, 40], np.uint8), np.array(hidden, np.uint8))
    rgba = pixels(cut(Picture(rgb, own, "PNG"), ball_network).image)
    soft = (rgba[..., 3] > 20) & (rgba[..., 3] < 235)
    assert soft.sum() > 1000
    assert (rgba[soft][:, :3] == (100, 60, 40)).all()


def test_white_background_makes_an_opaque_picture(ball, ball_network):
    rgb = pixels(cut(ball, ball_network, background=(255, 255, 255)).image)
    assert rgb.shape == (480, 480, 3)
    assert (rgb[0, 0] == 255).all()
    np.testing.assert_array_equal(rgb[240, 240], ball.rgb_u8[240, 240])


def test_jpeg_without_a_background_is_white(ball, ball_network):
    result = cut(ball, ball_network, image_format="jpeg", want_mask=True)
    assert result.content_type == "image/jpeg"
    assert pixels(result.image)[0, 0].min() >= 254
    assert pixels(result.mask).shape == (480, 480)


def test_composite_on_a_new_colour_is_what_the_truth_would_give():
    case = compose("disc", "distinct", 480)
    network = Says(foreground=case.map_of(), person=np.zeros((320, 320), np.float32))
    rgb = pixels(cut(Picture(case.rgb_u8, None, "PNG"), network, background=(0, 255, 0)).image)
    truth = case.alpha_f32[..., None] * case.subject_f32 + (1 - case.alpha_f32[..., None]) * np.array([0, 1, 0])
    assert np.abs(rgb / 255 - truth).mean() < 0.006


def test_crop_is_the_box_of_the_subject(ball, ball_network):
    result = cut(ball, ball_network, crop=True, want_mask=True)
    assert abs(result.width - 0.6 * 480) <= 6
    assert pixels(result.image).shape[:2] == pixels(result.mask).shape == (result.height, result.width)
    assert result.box is not None
    assert (result.box.width, result.box.height) == (result.width, result.height)


def test_both_target_sides_give_exactly_that_canvas_without_distortion(ball, ball_network):
    result = cut(ball, ball_network, target_width=400, target_height=200)
    alpha = pixels(result.image)[..., 3]
    assert alpha.shape == (200, 400)
    rows, columns = np.flatnonzero(alpha.max(1) > 128), np.flatnonzero(alpha.max(0) > 128)
    assert abs(len(rows) - len(columns)) <= 4
    assert abs(int(columns[0]) - (399 - int(columns[-1]))) <= 2
    assert len(rows) >= 196


@pytest.mark.parametrize("side", ["target_width", "target_height"])
def test_one_target_side_scales_the_cropped_subject(ball, ball_network, side):
    result = cut(ball, ball_network, **{side: 150})
    assert (result.width if side == "target_width" else result.height) == 150
    assert abs(result.width - result.height) <= 3


def test_derived_side_is_clamped_to_3000():
    tall = np.zeros((320, 320), np.float32)
    tall[:, 159:161] = 1
    picture = Picture(np.full((800, 800, 3), 90, np.uint8), None, "PNG")
    network = Says(foreground=tall, person=tall * 0)
    result = cut(picture, network, target_width=1000)
    assert (result.width, result.height) == (1000, 3000)


def test_a_mask_without_an_image_skips_the_image(ball, ball_network):
    result = cut(ball, ball_network, want_image=False, want_mask=True)
    assert set(result.files) == {"mask"}
    assert np.abs(pixels(result.mask) / 255.0 - disc(480)).mean() < 0.01


def test_empty_matte_has_no_coverage_and_is_no_error(ball):
    nothing = np.zeros((320, 320), np.float32)
    network = Says(foreground=nothing, person=nothing)
    for options in ({}, {"crop": True}, {"target_width": 200}, {"target_width": 200, "target_height": 300}):
        result = cut(ball, network, **options)
        assert (result.metadata.coverage, result.metadata.confidence, result.box) == (0.0, 0.0, None)
        assert (pixels(result.image) == 0).all()


def holding() -> Says:
    """Predict a person with a product next to the hand; the two predictions disagree by a rim."""
    person, foreground = np.zeros((320, 320), np.float32), np.zeros((320, 320), np.float32)
    person[42:318, 62:178] = 1
    foreground[40:320, 60:180] = 1
    foreground[150:220, 180:250] = 1
    return Says(foreground=foreground, person=person)


def test_object_is_the_product_without_the_person_who_holds_it():
    picture = Picture(np.full((320, 320, 3), 127, np.uint8), None, "PNG")
    alpha = pixels(cut(picture, holding(), subject="object").image)[..., 3]
    assert alpha[185, 215] == 255
    assert alpha[100, 120] == 0
    assert alpha[42:140, 58:64].max() == 0


def test_object_of_a_lone_person_is_the_whole_foreground():
    network = holding()
    network.predictions["foreground"][:, 180:] = 0
    picture = Picture(np.full((320, 320, 3), 127, np.uint8), None, "PNG")
    alpha = pixels(cut(picture, network, subject="object").image)[..., 3]
    assert alpha[100, 120] == 255


def test_person_and_auto_take_their_own_plane():
    picture = Picture(np.full((320, 320, 3), 127, np.uint8), None, "PNG")
    person = cut(picture, holding(), subject="person")
    assert pixels(person.image)[185, 215, 3] == 0
    everything = cut(picture, holding())
    assert pixels(everything.image)[185, 215, 3] == 255
    assert everything.metadata.subject == "person"


def test_network_without_a_person_map_answers_with_its_foreground(ball):
    network = Says(foreground=compose("disc", "distinct", 480).map_of())
    assert cut(ball, network, subject="person").metadata.subject == "person"
    assert cut(ball, network, subject="object").metadata.coverage == pytest.approx(np.pi * 0.09, abs=0.01)


def test_stamp_is_ink_where_there_is_ink_and_else_the_object(ball, ball_network):
    page = np.full((300, 300, 3), 245, np.uint8)
    page[100:110, 50:250] = (205, 30, 40)
    found = cut(Picture(page, None, "PNG"), Says(), subject="stamp")
    assert found.metadata.subject == "stamp"
    assert found.metadata.coverage == pytest.approx(10 * 200 / 300**2, rel=0.1)
    grey = Picture(np.repeat(ball.rgb_u8.mean(-1, keepdims=True).astype(np.uint8), 3, axis=2), None, "PNG")
    assert cut(grey, ball_network, subject="stamp").metadata.subject == "object"


@pytest.mark.parametrize("hidden", [0, 255])
def test_ink_on_transparency_is_ink_whatever_lies_under_it(hidden):
    page = np.full((300, 300, 3), hidden, np.uint8)
    page[100:110, 50:250] = (205, 30, 40)
    own = np.zeros((300, 300), np.uint8)
    own[100:110, 50:250] = 255
    found = cut(Picture(page, own, "PNG"), Says(), subject="stamp")
    assert found.metadata.subject == "stamp"
    assert found.metadata.coverage == pytest.approx(10 * 200 / 300**2, rel=0.1)


@pytest.mark.parametrize("size", [(1, 1), (1, 60), (60, 1), (3, 400)])
def test_the_smallest_pictures_come_back_at_their_size(matte, size):
    picture = Picture(np.full((*size, 3), 200, np.uint8), None, "PNG")
    result = cut(picture, matte)
    assert (result.height, result.width) == size
