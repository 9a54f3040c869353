"""`cutline serve` starts the local cloud in its own place."""

import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from devkit.running import ROOT

_LIMIT_S = 90


@pytest.mark.http
def test_serve_answers_until_it_is_interrupted(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cutline", "serve", "--port", "0", "--state", "state"]
    output = tmp_path / "output.txt"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT / "layers" / "cutline" / "python")},
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    try:
        limit = time.monotonic() + _LIMIT_S
        while "Ready: " not in output.read_text():
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < limit, output.read_text()
            time.sleep(0.1)
        url = output.read_text().rpartition("Ready: ")[2].strip()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{url}/health", timeout=30) as answer:
            assert answer.status == 200
        assert (tmp_path / "state" / "resources.json").is_file()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
