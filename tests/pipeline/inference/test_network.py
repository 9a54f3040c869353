"""A model is what its entry says, or a fault with a reason."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from cutline.errors import Reason, ServiceFault
from cutline.pipeline.inference.model_config import ModelEntry
from cutline.pipeline.inference.network import Network

MODELS = Path(__file__).parents[3] / "layers" / "model"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    shutil.copy(MODELS / "models.toml", tmp_path)
    (tmp_path / "matte.onnx").symlink_to(MODELS / "matte.onnx")
    return tmp_path


def reason_of(models: Path, name: str = "matte") -> Reason:
    with pytest.raises(ServiceFault) as fault:
        Network.open(models, name, 1)
    return fault.value.reason


def rewrite(models: Path, old: str, new: str) -> None:
    file = models / "models.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_matte_gives_both_predictions_in_the_unit_range(models):
    predictions = Network.open(models, "matte", 1).predict(skimage.data.astronaut())
    assert set(predictions) == {"foreground", "person"}
    for plane in predictions.values():
        assert plane.ndim == 2
        assert plane.dtype == np.float32
        assert 0 <= plane.min() <= plane.max() <= 1


def test_an_animal_is_in_front_and_no_person(models):
    predictions = Network.open(models, "matte", 1).predict(skimage.data.chelsea())
    assert predictions["foreground"].mean() > 0.3
    assert predictions["person"].mean() < 0.02


def test_what_transparency_hides_does_not_change_the_answer(models):
    network = Network.open(models, "matte", 1)
    rgb = skimage.data.astronaut()
    alpha = np.full(rgb.shape[:2], 255, np.uint8)
    alpha[:, 256:] = 0
    other = rgb.copy()
    other[:, 260:] = 17
    one, two = network.predict(rgb, alpha), network.predict(other, alpha)
    assert np.abs(one["foreground"] - two["foreground"]).max() < 0.1


def test_letterboxed_predictions_keep_the_picture_s_shape(models):
    rewrite(models, 'fit = "squash"', 'fit = "letterbox"')
    network = Network.open(models, "matte", 1)
    size = network.entry.width
    wide = network.predict(np.zeros((100, 400, 3), np.uint8))["foreground"]
    assert wide.shape == (size // 4, size)


def test_minmax_stretches_a_plane_to_the_whole_range(models):
    rewrite(models, 'activation = "none"', 'activation = "minmax"')
    plane = Network.open(models, "matte", 1).predict(skimage.data.chelsea())["foreground"]
    assert (plane.min(), plane.max()) == (0, 1)


def test_missing_model_is_a_fault(models):
    (models / "matte.onnx").unlink()
    assert reason_of(models) is Reason.MODEL_FAILED


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x07" * 500])
def test_damaged_model_is_a_fault(models, content):
    (models / "matte.onnx").unlink()
    (models / "matte.onnx").write_bytes(content)
    assert reason_of(models) is Reason.MODEL_FAILED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('output = "alphas"', 'output = "other"'),
        ('input = "image"', 'input = "other"'),
        ('channels = ["foreground", "person"]', 'channels = ["foreground"]'),
        ('fit = "squash"', 'fit = "stretch"'),
        ('activation = "none"', 'activation = "softmax"'),
        ("confidence = [6.044, 2.474]", "confidence = [6.044]"),
        ("mean = [0.0, 0.0, 0.0]", "mean = [0.0]"),
        ("size = [", "size = [7, "),
        ("[matte]", "[mat te]"),
        ("[matte]", "[another]"),
    ],
)
def test_an_entry_that_does_not_fit_is_a_fault(models, old, new):
    rewrite(models, old, new)
    assert reason_of(models) is Reason.MODEL_FAILED


def test_missing_description_is_a_fault(tmp_path):
    assert reason_of(tmp_path) is Reason.MODEL_FAILED


def test_a_failing_run_is_a_fault(models):
    network = Network.open(models, "matte", 1)
    wrong = ModelEntry(**{**vars(network.entry), "height": 64, "width": 64})
    with pytest.raises(ServiceFault) as fault:
        Network(wrong, network._session).predict(np.zeros((9, 9, 3), np.uint8))
    assert fault.value.reason is Reason.MODEL_FAILED
