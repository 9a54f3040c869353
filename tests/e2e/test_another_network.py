"""Another network is an entry in models.toml and its file: library, command line, container and cloud run it."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cutline.commands import main
from cutline.library import Cutter
from cutline.pipeline.inference.model_config import read_entry
from cutline.pipeline.inference.prediction_file import decode_predictions
from cutline.pipeline.inference.preprocess import fit_picture
from devkit.clients import PicWish, RemoveBg, encoded, follow, open_picture
from devkit.running import ROOT, running_cloud
from devkit.serving import child, in_repository
from tests.support.picwish import submit, wait
from tests.support.tiny_model import brightness_model

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HEIGHT, WIDTH = 72, 96
ACTIVATIONS = ("none", "sigmoid", "minmax")
ENTRY = """
[by-{activation}]
file = "by-{activation}.onnx"
licence = "MIT"
input = "pixels.{activation}"
output = "{activation}.1959"
channels = ["foreground"]
size = [{height}, {width}]
fit = "squash"
white = 1.0
mean = {mean}
std = {std}
activation = "{activation}"
flip = false
crop = false
patches = false
"""


def disc() -> np.ndarray:
    """A light disc on a dark background, (120, 160, 3), whose brightness is near one half."""
    y, x = np.mgrid[:120, :160]
    inside = (x - 80) ** 2 + (y - 60) ** 2 < 40**2
    return np.repeat(np.where(inside, 178, 76).astype(np.uint8)[..., None], 3, axis=2)


def assert_cut(alpha: np.ndarray) -> None:
    assert alpha.shape == (120, 160)
    assert alpha[60, 80] > 240
    assert alpha[5, 5] < 15


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository with three more entries and their files."""
    home = tmp_path_factory.mktemp("checkout")
    names = ("functions", "endpoint", "layers/cutline", "layers/runtime", "layers/heif")
    for name in (*names, "layers/model/matte.onnx", "layers/model/costume.onnx"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "template.yaml", home)
    models, text = home / "layers" / "model", (ROOT / "layers" / "model" / "models.toml").read_text("utf-8")
    for activation in ACTIVATIONS:
        text += ENTRY.format(activation=activation, height=HEIGHT, width=WIDTH, mean=[*MEAN], std=[*STD])
        interface = (f"pixels.{activation}", f"{activation}.1959")
        network = brightness_model(activation, interface, (HEIGHT, WIDTH), MEAN, STD)
        (models / f"by-{activation}.onnx").write_bytes(network)
    (models / "models.toml").write_text(text, "utf-8")
    return home


@pytest.fixture
def models(checkout: Path) -> Path:
    return checkout / "layers" / "model"


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_library_cuts_with_it_and_gives_no_confidence(models: Path, activation: str) -> None:
    found = Cutter(f"by-{activation}", models=models, threads=1).cut(disc())
    assert_cut(found.image[..., 3])
    assert (found.subject, found.confidence) == ("object", None)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_command_line_cuts_with_it(models: Path, tmp_path: Path, activation: str) -> None:
    Image.fromarray(disc()).save(tmp_path / "disc.png")
    report = tmp_path / "report.csv"
    options = ["--models", str(models), "--model", f"by-{activation}", "--report", str(report)]
    assert main(["cut", str(tmp_path / "disc.png"), "--out", str(tmp_path / "out.png"), *options]) == 0
    with Image.open(tmp_path / "out.png") as image:
        assert_cut(np.asarray(image)[..., 3])


def test_the_command_line_lists_the_networks_of_its_folder(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(disc()).save(tmp_path / "disc.png")
    assert main(["cut", str(tmp_path / "disc.png"), "--models", str(models), "--model", "costume"]) == 1
    assert "choose from matte, fine, isnet, by-none, by-sigmoid, by-minmax" in capsys.readouterr().err


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_containers_code_answers_with_its_predictions(models: Path, activation: str) -> None:
    name = f"by-{activation}"
    small = fit_picture(read_entry(models, name), disc(), None)
    with child(**in_repository(models, name)) as running:
        assert running.line("ready")["model"] == name
        predictions = decode_predictions(running.caller.invoke(encoded(small, "PNG")).body)
    assert (set(predictions.planes), predictions.calibration) == ({"foreground"}, None)
    plane = predictions.planes["foreground"]
    assert (plane[HEIGHT // 2, WIDTH // 2] > 0.85, plane[3, 3] < 0.15) == (True, True)


@pytest.mark.http
def test_the_cloud_runs_one_of_them_in_its_functions_and_another_on_its_endpoint(checkout: Path) -> None:
    """The third activation, none, is that of `matte` in every other test."""
    parameters = {"Model": "by-sigmoid", "GpuEndpoint": "realtime", "EndpointModel": "by-minmax"}
    options = [f"--parameter={name}={value}" for name, value in parameters.items()]
    with running_cloud(checkout / "state", f"--template={checkout / 'template.yaml'}", *options) as cloud:
        answer = RemoveBg(cloud.url).remove(encoded(disc(), "PNG"), size="full")
        assert answer.status == 200, answer
        assert_cut(np.asarray(open_picture(answer.body).convert("RGBA"))[..., 3])
        assert "x-cutline-confidence" not in answer.headers
        picwish = PicWish(cloud.url)
        _, task = wait(picwish, submit(picwish, encoded(disc(), "PNG")))
        assert (task["state"], "confidence" in task) == (1, False), task
        assert_cut(np.asarray(open_picture(follow(task["image"]).body).convert("RGBA"))[..., 3])
        log = (cloud.log_dir / "MatteEndpoint.log").read_text("utf-8")
    assert '"model": "by-minmax"' in log
    assert '"message": "call"' in log
