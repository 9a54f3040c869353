"""Megabytes of the layers and the largest function as Lambda unpacks them, for both processors.

    python -m tools.bench.sizes

The runtime layer is built by its own Makefile into build/sizes, as by `sam build`, where there is Python 3.13; else its
lock is installed unchanged: larger by the packages' tests, smaller by the .pyc files.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from tools.bench.bars import Bar

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ROOT / "layers"
_UV_NAMES = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
MB = 1_000_000
_BAR_MB = 230


def main() -> None:
    """Prints a row per processor and part, and the bar for each set of networks."""
    own_mb = tree_mb(LAYERS / "cutline")
    function_mb = max(tree_mb(folder) for folder in (ROOT / "functions").iterdir())
    networks_mb = sum(path.stat().st_size for path in (LAYERS / "model").glob("*.onnx") if path.stem != "isnet") / MB
    isnet = LAYERS / "model" / "isnet.onnx"
    print(
        "runtime layer " + ("as sam build makes it" if shutil.which("python3.13") else "as locked: no python3.13 here")
    )
    print(f"{'unzipped, MB':>14}{'runtime':>10}{'cutline':>10}{'networks':>10}{'function':>10}{'total':>10}")
    for processor in _UV_NAMES:
        runtime_mb = tree_mb(build_runtime(processor))
        total_mb = runtime_mb + own_mb + networks_mb + function_mb
        cells = "".join(f"{part:10.1f}" for part in (runtime_mb, own_mb, networks_mb, function_mb, total_mb))
        print(f"{processor:>14}{cells}")
        print(Bar(f"layers and function, {processor}", _BAR_MB, "MB").verdict(total_mb))
        if isnet.is_file():
            with_isnet_mb = total_mb + isnet.stat().st_size / MB
            print(Bar(f"the same with Model=isnet, {processor}", _BAR_MB, "MB").verdict(with_isnet_mb))


def build_runtime(processor: str) -> Path:
    """The folder with the runtime layer for this processor; without .pyc and with the packages' tests if need be."""
    target = ROOT / "build" / "sizes" / processor
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    runtime = LAYERS / "runtime"
    if shutil.which("python3.13"):
        command = ["make", "-s", "-C", str(runtime), "build-RuntimeLayer"]
        command += [f"ARTIFACTS_DIR={target}", f"MACHINE={_UV_NAMES[processor].split('-')[0]}"]
    else:
        command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
        command += ["--only-binary", ":all:", "--python-version", "3.13", "--python-platform", _UV_NAMES[processor]]
        command += ["--target", str(target), "-r", str(runtime / "requirements.txt")]
    subprocess.run(command, check=True)
    return target


def tree_mb(folder: Path) -> float:
    """What lies below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / MB


if __name__ == "__main__":
    main()
