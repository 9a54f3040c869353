"""The four functions: a network-size picture in, its predictions out, equal to the pipeline's own."""

import io
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from cutline.environment import SettingsError
from cutline.errors import InputRefused, Reason, ServiceFault
from cutline.pipeline.codecs.decode import Picture
from cutline.pipeline.codecs.encode import encode_jpeg
from cutline.pipeline.inference.network import Network
from cutline.pipeline.inference.prediction_file import decode_predictions
from cutline.pipeline.inference.preprocess import fit_picture
from devkit.composites import compose
from devkit.serving import MODELS, encoded, noise
from inference import MAX_BYTES, UnsupportedType, input_fn, model_fn, output_fn, predict_fn

HALF_A_LEVEL = 0.5 / 255 + 1e-6


def answer(body: bytes, kind: str, network: Network) -> bytes:
    content, content_type = output_fn(predict_fn(input_fn(body, kind), network), "*/*")
    assert content_type == "image/png"
    return content


def test_the_answer_holds_the_pipelines_own_maps_at_8_bits(matte: Network) -> None:
    small = fit_picture(matte.entry, skimage.data.astronaut(), None)
    predictions = decode_predictions(answer(encoded(small), "image/png", matte)).planes
    expected = matte.predict(skimage.data.astronaut())
    assert set(predictions) == set(expected) == {"foreground", "person"}
    for name, plane in expected.items():
        assert predictions[name].shape == plane.shape
        assert np.abs(predictions[name] - plane).max() <= HALF_A_LEVEL


def test_a_network_size_jpeg_changes_the_maps_little(matte: Network) -> None:
    small = fit_picture(matte.entry, skimage.data.astronaut(), None)
    predictions = decode_predictions(answer(encode_jpeg(small), "image/jpeg", matte)).planes
    for name, plane in matte.predict(skimage.data.astronaut()).items():
        assert np.abs(predictions[name] - plane).mean() < 0.03


@pytest.mark.parametrize(("width", "height"), [(320, 320), (400, 300), (1, 1), (33, 700), (500, 200)])
def test_a_picture_of_any_size_gets_maps_of_the_networks(matte: Network, width: int, height: int) -> None:
    picture = skimage.data.chelsea()[:height, :width] if height < 300 else np.zeros((height, width, 3), np.uint8)
    with Image.open(io.BytesIO(answer(encoded(picture), "image/png", matte))) as image:
        assert image.size == matte.predict(picture)["foreground"].shape[::-1]
        assert (image.format, image.mode) == ("PNG", "LA")


def test_what_a_pictures_own_alpha_hides_is_not_foreground(matte: Network) -> None:
    alpha = np.full((512, 512), 255, np.uint8)
    alpha[:, :256] = 0
    content = answer(encoded(np.dstack((skimage.data.astronaut(), alpha))), "image/png", matte)
    predictions = decode_predictions(content).planes
    half = predictions["foreground"].shape[1] // 2
    assert not predictions["foreground"][:, : half - 2].any()
    assert predictions["foreground"][:, half:].mean() > 0.2


def test_a_network_without_a_person_map_answers_in_grey(tiny_models: Path) -> None:
    network = Network.open(tiny_models, "isnet", 1)
    content = answer(encoded(noise(1)), "image/png", network)
    with Image.open(io.BytesIO(content)) as image:
        assert image.mode == "L"
    assert set(decode_predictions(content).planes) == {"foreground"}


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-npy", "image/webp"])
def test_another_content_type_is_refused(kind: str) -> None:
    with pytest.raises(UnsupportedType):
        input_fn(encoded(noise(1)), kind)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.IMAGE_EMPTY),
        (b"not a picture", Reason.IMAGE_TYPE),
        (encoded(noise(1), "JPEG"), Reason.IMAGE_TYPE),
        (encoded(noise(1))[:-200], Reason.IMAGE_CORRUPT),
        (encoded(np.zeros((1, 2401, 3), np.uint8)), Reason.RESOLUTION_TOO_HIGH),
        (b"\x89PNG\r\n\x1a\n" + bytes(MAX_BYTES), Reason.IMAGE_TOO_LARGE),
    ],
)
def test_bytes_that_are_no_such_picture_are_refused(body: bytes, reason: Reason) -> None:
    with pytest.raises(InputRefused) as refusal:
        input_fn(body, "image/png; charset=binary")
    assert refusal.value.reason is reason


def test_the_environment_names_the_model(monkeypatch: pytest.MonkeyPatch, tiny_models: Path) -> None:
    monkeypatch.setenv("THREADS", "1")
    assert model_fn(str(tiny_models)).entry.name == "isnet"
    monkeypatch.setenv("ENDPOINT_MODEL", "matte")
    assert model_fn(str(MODELS)).provider == "CPUExecutionProvider"
    picture = Picture(compose("thin rods", "distinct", 768).rgb_u8, None, "PNG")
    once = predict_fn(picture, model_fn(str(MODELS))).planes["foreground"]
    monkeypatch.setenv("ENDPOINT_MODEL", "fine")
    assert predict_fn(picture, model_fn(str(MODELS))).planes["foreground"].size > once.size
    monkeypatch.setenv("ENDPOINT_MODEL", "costume")
    with pytest.raises(SettingsError, match="ENDPOINT_MODEL"):
        model_fn(str(MODELS))


def test_a_model_with_other_maps_does_not_open(
    monkeypatch: pytest.MonkeyPatch, tiny_models: Path, tmp_path: Path
) -> None:
    entries = (tiny_models / "models.toml").read_text("utf-8")
    (tmp_path / "models.toml").write_text(entries.replace('"person"', '"tops"'), "utf-8")
    (tmp_path / "matte.onnx").symlink_to(tiny_models / "matte.onnx")
    monkeypatch.setenv("ENDPOINT_MODEL", "matte")
    with pytest.raises(ServiceFault, match="foreground, tops"):
        model_fn(str(tmp_path))
