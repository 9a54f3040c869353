"""Times the way from `git clone` to the first cut-out, as a newcomer would go it: `make first-run`.

    python3 tools/first_run.py

Clones the last commit, runs `make run` there on a free port, cuts out a picture with curl, and ends it. The packages
come from pip's and uv's caches where those have them; a first run on a fresh machine also waits for their download.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_LIMIT_S = 600


def main() -> int:
    """0 if a cut-out came back."""
    with tempfile.TemporaryDirectory() as folder:
        clone, begun = Path(folder) / "cutline", time.monotonic()
        subprocess.run(["git", "clone", "--quiet", "--depth", "1", ROOT.as_uri(), str(clone)], check=True)
        _tell("cloned", begun)
        port = _free_port()
        command = ["make", "run", f"PORT={port}"]
        with subprocess.Popen(command, cwd=clone, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
            try:
                return 0 if _cut_out(running, f"http://127.0.0.1:{port}", clone, begun) else 1
            finally:
                os.killpg(running.pid, signal.SIGINT)


def _cut_out(running: "subprocess.Popen[str]", url: str, clone: Path, begun: float) -> bool:
    assert running.stdout is not None
    for line in running.stdout:
        if line.startswith("Ready: "):
            break
        if time.monotonic() - begun > _LIMIT_S:
            return False
    else:
        return False
    _tell("ready: environment made, service up", begun)
    photo = clone / "functions" / "site" / "static" / "mug.jpg"
    call = ["curl", "-s", f"{url}/api/tasks/visual/segmentation", "-H", "X-API-KEY: demo-key", "-F", "sync=1"]
    answer = subprocess.run([*call, "-F", f"image_file=@{photo}"], capture_output=True, check=True, timeout=60)
    link = json.loads(answer.stdout)["data"]["image"]
    file = subprocess.run(["curl", "-sL", link], capture_output=True, check=True, timeout=60).stdout
    _tell(f"first cut-out, {len(file)} bytes of PNG", begun)
    return file.startswith(b"\x89PNG")


def _tell(what: str, begun: float) -> None:
    print(f"{time.monotonic() - begun:6.1f} s  {what}", flush=True)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
