"""Starting and stopping: no orphan, no lingering port, clear words."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from devkit.patience import WAIT_S, until
from devkit.running import ROOT, TOY_TEMPLATE, RunningCloud, running_cloud

pytestmark = pytest.mark.http


def _gone(processes: list[psutil.Process]) -> bool:
    def alive() -> bool:
        return any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)

    return until(lambda: not alive(), "the end of all processes", every_s=0.05)


def _sandboxes(cloud: RunningCloud) -> list[psutil.Process]:
    assert cloud.call("GET", "/health").status == 200
    children = psutil.Process(cloud.process.pid).children(recursive=True)
    assert children
    return children


def test_stop_is_clean_and_the_port_is_free_at_once(tmp_path: Path) -> None:
    with running_cloud(tmp_path, "--template", str(TOY_TEMPLATE)) as first:
        children = _sandboxes(first)
        first.process.send_signal(signal.SIGINT)
        assert first.process.wait(30) == 0
        assert _gone(children)
        assert "Traceback" not in (tmp_path / "output.txt").read_text("utf-8")
    with running_cloud(tmp_path, "--template", str(TOY_TEMPLATE), "--port", str(first.port)) as second:
        assert second.port == first.port
        children = _sandboxes(second)
        second.process.kill()
        second.process.wait(30)
        assert _gone(children), "sandboxes outlive a killed parent"


def _start(*options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "localcloud", *options]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=WAIT_S, check=False, env=os.environ
    )


def test_a_busy_port_is_one_clear_line(toy: RunningCloud) -> None:
    ended = _start("--port", str(toy.port))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"Port {toy.port} cannot be used (Address already in use)")
    assert len(ended.stderr.splitlines()) == 1


def test_a_template_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("just: text\n", "utf-8")
    ended = _start("--port", "0", "--state", str(tmp_path / "s"), "--template", str(tmp_path / "t.yaml"))
    assert ended.returncode == 1
    assert "is not a CloudFormation template" in ended.stderr
