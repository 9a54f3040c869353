"""`cutline serve` starts the local cloud in its own place."""

import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from devkit.patience import WAIT_S, until
from devkit.running import ROOT


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
        until(lambda: "Ready: " in output.read_text() or process.poll() is not None, "the address")
        assert process.poll() is None, output.read_text()
        url = output.read_text().rpartition("Ready: ")[2].strip()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{url}/health", timeout=WAIT_S) as answer:
            assert answer.status == 200
        assert (tmp_path / "state" / "resources.json").is_file()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
