"""Nothing that we use tells its maker of us; onnxruntime would, and keeps its number in the temporary folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devkit.running import ROOT
from tests.support.template import whole_template


def left_behind(code: str, folder: Path) -> list[str]:
    """What a fresh process that runs the code leaves in its temporary folder."""
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {"TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("module", ["cutline.pipeline.inference.network", "cutline.commands", "serve"])
def test_the_network_is_used_without_its_makers_knowing(module: str, tmp_path: Path) -> None:
    session = f"onnxruntime.InferenceSession({str(ROOT / 'layers/model/matte.onnx')!r})"
    assert left_behind(f"import {module}, onnxruntime; {session}", tmp_path) == []


def test_functions_and_container_say_so_too() -> None:
    resources = whole_template().plain["Resources"]
    functions = [item["Properties"] for item in resources.values() if item["Type"] == "AWS::Lambda::Function"]
    assert {item["Environment"]["Variables"]["ORT_DISABLE_TELEMETRY"] for item in functions} == {"1"}
    assert "ORT_DISABLE_TELEMETRY=1" in (ROOT / "endpoint/Dockerfile").read_text("utf-8")
