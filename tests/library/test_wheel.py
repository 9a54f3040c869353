"""What `pip install` brings: a wheel with its networks, cut out with from a folder of its own."""

import io
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from devkit.patience import WAIT_S
from devkit.running import ROOT

PACKAGE = ROOT / "layers" / "cutline" / "python"
MUG = ROOT / "functions" / "site" / "static" / "mug.jpg"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
MAX_RUN_S = 2.0
pytestmark = pytest.mark.slow


def tracked_files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=WAIT_S,
    )
    return [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `make wheel` builds it, from a copy, because a build leaves files behind."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in tracked_files():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    command = [sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--out-dir", str(out), str(source)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert ended.returncode == 0, ended.stderr
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def home(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a photo and, in `env`, an environment with the wheel; its dependencies are this one's packages."""
    folder = tmp_path_factory.mktemp("home")
    venv.create(folder / "env", symlinks=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "env")}))
    python = folder / "env" / "bin" / "python"
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps"]
    subprocess.run([*install, "--python", str(python), str(wheel)], check=True, timeout=WAIT_S)
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    shutil.copyfile(MUG, folder / "photo.jpg")
    return folder


def run(home: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": f"{home / 'env' / 'bin'}:{os.environ['PATH']}", "HOME": str(home)}
    return subprocess.run(
        command, cwd=home, env=environment, capture_output=True, text=True, timeout=WAIT_S, check=False
    )


def test_every_package_is_in_the_wheel() -> None:
    roots = {PACKAGE / "cutline": "cutline", ROOT / "localcloud": "localcloud"}
    found = {
        ".".join((name, *file.parent.relative_to(root).parts))
        for root, name in roots.items()
        for file in root.rglob("__init__.py")
    }
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found | {"cutline.stack"}


def test_the_wheel_holds_what_the_stack_and_learning_need_and_nothing_that_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    needed = {
        name
        for name in tracked_files()
        if name.startswith("functions/") or name in ("template.yaml", "layers/model/models.toml")
    }
    assert {f"cutline/stack/{name}" for name in needed} <= names
    assert {"cutline/py.typed", "cutline/stack/layers/model/matte.onnx"} <= names
    assert {
        f"cutline/stack/{name}" for name in tracked_files() if name.startswith("layers/model/training/")
    } - names == {"cutline/stack/layers/model/training/requirements.in"}
    assert not [name for name in names if name.startswith(("tests", "tools", "docs", "training"))]
    # Two networks, with 9.9 and 6.4 MB.
    assert wheel.stat().st_size < 16_500_000


def test_the_package_depends_on_five_packages() -> None:
    five = {"aws-lambda-powertools", "boto3", "numpy", "onnxruntime", "pillow"}
    assert {line.split(">=")[0] for line in PROJECT["project"]["dependencies"]} == five
    assert {line.split(">=")[0].split("[")[0] for line in PROJECT["project"]["optional-dependencies"]["serve"]} == {
        "aws-sam-translator",
        "awslambdaric",
        "moto",
        "werkzeug",
    }
    assert [line.split(">=")[0] for line in PROJECT["project"]["optional-dependencies"]["mcp"]] == ["mcp"]
    trained_with = (ROOT / "layers" / "model" / "training" / "requirements.in").read_text("utf-8").split()
    learn = {line.split(">=")[0] for line in PROJECT["project"]["optional-dependencies"]["learn"]}
    assert learn <= {line.split("==")[0] for line in trained_with}


def test_the_first_picture_is_cut_out_at_once(home: Path) -> None:
    before = os.times()
    ended = run(home, "cutline", "cut", "photo.jpg")
    after = os.times()
    assert (ended.returncode, ended.stderr) == (0, "")
    with Image.open(home / "photo.jpg.png") as image:
        alpha = np.asarray(image.getchannel("A"))
    assert (alpha[320, 400], alpha[5, 5]) == (255, 0)
    # Work, not wall time: the machine may be busy.
    work_s = after.children_user - before.children_user + after.children_system - before.children_system
    assert work_s < MAX_RUN_S


def test_cut_imports_only_three_other_packages(home: Path) -> None:
    script = (
        # A Python may have modules of its own before, such as Debian's sitecustomize.
        "import sys; before = set(sys.modules);"
        "from cutline.commands import main; status = main(['cut', 'photo.jpg', '--out', 'again.png']);"
        "names = {name.partition('.')[0] for name in sys.modules.keys() - before} - sys.stdlib_module_names;"
        "print(status, *sorted(name for name in names if not name.startswith('_')))"
    )
    ended = run(home, "python", "-c", script)
    assert ended.stdout.split() == ["0", "PIL", "cutline", "numpy", "onnxruntime"], ended.stderr


def test_the_library_is_installed_with_it(home: Path) -> None:
    script = "import sys, cutline; sys.stdout.buffer.write(cutline.remove_background(sys.stdin.buffer.read()))"
    environment = {"HOME": str(home)}
    command = [str(home / "env" / "bin" / "python"), "-c", script]
    ended = subprocess.run(
        command, cwd=home, env=environment, input=MUG.read_bytes(), capture_output=True, timeout=WAIT_S, check=True
    )
    assert Image.open(io.BytesIO(ended.stdout)).mode == "RGBA"


def test_the_local_cloud_says_which_extra_it_needs(home: Path) -> None:
    blocked = "import sys; sys.modules['moto'] = None; from cutline.commands import main; sys.exit(main(['serve']))"
    ended = run(home, "python", "-c", blocked)
    assert ended.returncode == 1
    assert "pip install 'cutline[serve]'" in ended.stderr
