"""The container's build context: complete enough to run, the same every time, pinned."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data

import package
from cutline.pipeline.inference.network import Network
from cutline.pipeline.inference.prediction_file import decode_predictions
from cutline.pipeline.inference.preprocess import fit_picture
from devkit.running import ROOT
from devkit.serving import child, encoded
from tests.support.template import whole_template


@pytest.fixture(scope="module")
def assembled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("package") / "context"
    assert set(package.assemble(target)) <= {"isnet.onnx"}
    return target


def test_the_folder_runs_by_itself(assembled: Path, matte: Network) -> None:
    small = fit_picture(matte.entry, skimage.data.astronaut(), None)
    with child(assembled, ENDPOINT_MODEL="matte", THREADS="1", PYTHONDONTWRITEBYTECODE="1") as running:
        assert running.line("ready")["model"] == "matte"
        predictions = decode_predictions(running.caller.invoke(encoded(small)).body).planes
    for name, plane in matte.predict(small).items():
        assert np.abs(predictions[name] - plane).max() <= 1 / 255


def test_the_folder_is_the_same_every_time(assembled: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    (again / "left over").touch()
    package.assemble(again)
    assert package.digest(again) == package.digest(assembled)
    for path in again.rglob("*"):
        twin = assembled / path.relative_to(again)
        assert (path.stat().st_mode, path.stat().st_mtime) == (twin.stat().st_mode, twin.stat().st_mtime)


def test_any_change_of_a_file_changes_the_tag(assembled: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    package.assemble(copy)
    with (copy / "serve.py").open("a") as file:
        file.write("\n")
    assert package.digest(copy) != package.digest(assembled)


def test_everything_in_the_image_is_pinned(assembled: Path) -> None:
    dockerfile = (assembled / "Dockerfile").read_text("utf-8")
    assert re.search(r"^FROM \S+:\d+\.\d+\.\d+-cudnn-runtime-\S+$", dockerfile, re.M)
    assert "--require-hashes" in dockerfile
    required = [line for line in (assembled / "requirements.txt").read_text("utf-8").splitlines() if "==" in line]
    assert {line.partition("==")[0] for line in required} >= {"numpy", "onnxruntime-gpu", "pillow"}


@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1", "cn-north-1"])
def test_the_printed_commands_name_an_image_that_the_template_takes(
    assembled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    command = [sys.executable, str(ROOT / "endpoint" / "package.py"), str(tmp_path / "context")]
    printed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    assert "--parameter-overrides" not in printed, "the next deploy would undo it"
    ours = [line.strip() for line in printed.splitlines() if line.strip().startswith(("case", "REGISTRY", "echo"))]
    said = subprocess.run(
        ["sh", "-euc", "\n".join(ours)],
        env={"ACCOUNT": "123456789012", "REGION": region},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    kind, image = said.split()
    assert kind == "GpuEndpoint=async"
    assert image.endswith(package.digest(assembled)[:12])
    assert image.partition("/")[0].endswith(".amazonaws.com.cn" if region == "cn-north-1" else ".amazonaws.com")
    pattern = whole_template().plain["Parameters"]["EndpointImage"]["AllowedPattern"]
    assert re.fullmatch(pattern, image.removeprefix("EndpointImage="))
