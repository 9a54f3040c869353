"""The functions on Lambda's other processor, emulated: `python -m tools.trust.arm64`.

Needs qemu-user-static, and apt for Python.

Many releases of onnxruntime crash when they are imported on Lambda's arm64, where the files that describe the CPU
cannot be read. So this installs what the runtime layer locks, for arm64, hides those files, runs every function's INIT
and one inference, and compares its maps with this processor's. Except for qemu, all it needs goes into build/arm64:
Python 3.13 of Debian's release 13, from the mirror that apt uses here.
"""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from cutline.pipeline.inference.network import Network

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "arm64"
_PACKAGES = ("python3.13-minimal", "libpython3.13-stdlib", "libstdc++6")
_CPU_FILES = ("possible", "present")
_MODELS = ROOT / "layers" / "model"
_PICTURE = ROOT / "functions" / "site" / "static" / "person.jpg"
# The processors round differently; more than this is another result.
_MOST = 2 / 255
_INFER = """
import io, sys
import numpy as np
from pathlib import Path
from PIL import Image
from cutline.pipeline.inference.network import Network
picture = np.asarray(Image.open(sys.argv[1]).convert("RGB"))
maps = Network.open(Path(sys.argv[2]), "matte", 1).predict(picture)
buffer = io.BytesIO()
np.savez(buffer, **maps)
sys.stdout.buffer.write(buffer.getvalue())
"""


class Unready(Exception):
    """What is missing, and how to get it."""


def main() -> int:
    """1 where a function does not start, or the maps differ."""
    try:
        prepare()
    except Unready as problem:
        print(problem, file=sys.stderr)
        return 1
    wrong = 0
    for folder in functions():
        trouble = init(folder)
        wrong += bool(trouble)
        print(f"{folder.relative_to(ROOT / 'functions')!s:20}{trouble or 'ok'}", flush=True)
    difference = inference()
    print(f"{'inference':20}differs by {difference:.4f} at most")
    return 1 if wrong or difference > _MOST else 0


def emulator() -> str:
    """qemu's program for arm64. Raises Unready."""
    found = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    if found is None:
        raise Unready("There is no qemu for arm64: apt-get install qemu-user-static")
    return found


def is_ready() -> bool:
    """Whether everything is there already."""
    return (FOLDER / "ready").exists() and bool(shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64"))


def prepare() -> None:
    """Python and the layer's packages, once. Raises Unready."""
    emulator()
    if is_ready():
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    _unpack_python(FOLDER / "root")
    command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(FOLDER / "layer")]
    command += ["--python-platform", "aarch64-manylinux_2_34", "--python-version", "3.13", "--only-binary", ":all:"]
    command += ["--no-deps", "--require-hashes", "-r", str(ROOT / "layers" / "runtime" / "requirements.txt")]
    subprocess.run(command, check=True)
    (FOLDER / "ready").touch()


def _unpack_python(root: Path) -> None:
    """Without root's rights and without touching this machine's own packages."""
    if shutil.which("apt-get") is None:
        raise Unready("Python for arm64 comes from Debian by apt-get, which is not here")
    state = FOLDER / "apt"
    for part in ("lists/partial", "archives/partial"):
        (state / part).mkdir(parents=True)
    (state / "status").touch()
    (state / "sources.list").write_text(f"deb [arch=arm64] {_mirror()} trixie main\n", "utf-8")
    options = {
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::State": state,
        "Dir::State::status": state / "status",
        "Dir::Cache": state,
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Install-Recommends": "false",
    }
    apt = ["apt-get", "-qq", *(part for name, value in options.items() for part in ("-o", f"{name}={value}"))]
    subprocess.run([*apt, "update"], check=True)
    subprocess.run([*apt, "install", "--download-only", "-y", *_PACKAGES], check=True, stdout=subprocess.DEVNULL)
    root.mkdir()
    for package in (state / "archives").glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True)
    (root / "lib").symlink_to("usr/lib")
    # qemu looks for a file in here first: an empty one says as little as Lambda does.
    hidden = root / "sys" / "devices" / "system" / "cpu"
    hidden.mkdir(parents=True)
    for name in _CPU_FILES:
        (hidden / name).touch()


def _mirror() -> str:
    """Where apt gets Debian from on this machine. Raises Unready."""
    command = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(SITE)"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    sites = [line.partition(" ")[2] for line in listed.splitlines() if line.startswith("Debian ")]
    if not sites:
        raise Unready("apt has no mirror of Debian here (apt-get update)")
    return sites[0]


def functions() -> list[Path]:
    """The folders of all functions."""
    return sorted(path.parent for path in (ROOT / "functions").rglob("app.py"))


def run(*arguments: str, cwd: Path = ROOT) -> "subprocess.CompletedProcess[bytes]":
    """Python for arm64, with the layers and the variables that Lambda and the template give."""
    paths = [cwd, FOLDER / "layer", ROOT / "layers" / "cutline" / "python"]
    names = (
        "ACCOUNTS_TABLE",
        "METER_TABLE",
        "TASKS_TABLE",
        "ACCOUNTS_KEY",
        "INPUT_BUCKET",
        "OUTPUT_BUCKET",
        "LINK_SECRET",
    )
    environment = {
        **dict.fromkeys((*names, "FLOW_ARN", "CALLBACK_QUEUE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "x"),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
        "MODELS_DIR": str(_MODELS),
        "ORT_DISABLE_TELEMETRY": "1",
        "PYTHONPYCACHEPREFIX": str(FOLDER / "compiled"),
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
    }
    root = FOLDER / "root"
    command = [emulator(), "-L", str(root), str(root / "usr" / "bin" / "python3.13"), *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, check=False)


def init(folder: Path) -> str:
    """What the import of a function says when it fails; else nothing."""
    ended = run("-c", "import app; assert callable(app.handler)", cwd=folder)
    if ended.returncode == 0 and b"opening the model failed" not in ended.stdout:
        return ""
    last = (ended.stderr or ended.stdout).decode("utf-8", "replace").strip().splitlines()[-1:]
    return f"status {ended.returncode}: {''.join(last)}"


def inference() -> float:
    """The largest difference between this processor's maps of a picture and arm64's. Raises CalledProcessError."""
    ended = run("-c", _INFER, str(_PICTURE), str(_MODELS))
    ended.check_returncode()
    theirs = np.load(io.BytesIO(ended.stdout[ended.stdout.index(b"PK") :]))
    picture = np.asarray(Image.open(_PICTURE).convert("RGB"))
    ours = Network.open(_MODELS, "matte", 1).predict(picture)
    return max(float(np.abs(theirs[name] - plane).max()) for name, plane in ours.items())


if __name__ == "__main__":
    sys.exit(main())
