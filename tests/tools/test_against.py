"""The measurement in turns: what a tree's worker reports, and whose CPU time counts."""

import subprocess
import sys

from devkit.clients import plain_picture
from devkit.running import ROOT
from tools.bench.against import Tree
from tools.bench.against_worker import cpu_s


def test_a_tree_reports_stages_bytes_and_memory(tmp_path):
    picture = tmp_path / "disc.jpg"
    picture.write_bytes(plain_picture(320, 240, "JPEG"))
    found = Tree("new", ROOT).measure([picture], 2)
    report = found["pictures"]["disc.jpg"]
    assert {"decode", "network", "refine", "foreground", "compose", "encode"} <= report["stages"].keys()
    assert all(ms >= 0 for ms in report["stages"].values())
    assert report["stages"]["network"] > 1
    assert 0 < report["png"] < 320 * 240 * 4
    assert 50 < found["peak_mib"] < 1000


def test_the_time_of_children_counts_while_they_live():
    before = cpu_s()
    busy = "import time, sys\nwhile time.process_time() < 0.3: pass\nprint(1, flush=True)\nsys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert cpu_s() - before > 0.3
        child.communicate()
