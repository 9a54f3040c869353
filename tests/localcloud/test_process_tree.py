"""A sandbox's memory is counted as a memory cgroup counts it, from scripts that hold known amounts at known times."""

import subprocess
import sys

import pytest

from localcloud.functions.process_tree import ProcessTree

SCRIPT = """
import mmap, os, sys, time
MIB = 1024 * 1024
def hold(mib):
    block = bytearray(mib * MIB)
    block[:: 4096] = b"x" * len(block[:: 4096])
    return block
def fork(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return pid
def said(word):
    print(word, flush=True)
    sys.stdin.readline()
"""


def _peak_mb(steps: str) -> int:
    """The peak of a script, sampled at each `said` of its steps, without that of an empty one."""
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT + steps], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        tree, peak = ProcessTree(process.pid), 0
        assert process.stdin is not None
        assert process.stdout is not None
        while process.stdout.readline():
            peak = tree.peak_mb()
            process.stdin.write("\n")
            process.stdin.flush()
    return peak


@pytest.mark.parametrize(
    ("steps", "mib"),
    [
        pytest.param("a = hold(100); said('')", 100, id="one process"),
        pytest.param("a = hold(100); del a; said('')", 100, id="a peak that has passed"),
        pytest.param(
            "r, w = os.pipe(); fork(lambda: (len(hold(100)), os.write(w, b'1'), time.sleep(0.5)));"
            "os.read(r, 1); a = hold(100); said('')",
            100,
            id="one after the other",
        ),
        pytest.param("a = hold(100); fork(lambda: said('')); os.wait()", 100, id="pages that a fork shares"),
        pytest.param("a = hold(100); fork(lambda: (b := hold(100), said(''))); os.wait()", 200, id="at one time"),
        pytest.param(
            "m = mmap.mmap(-1, 100 * MIB); m[:] = bytes(100) * MIB; fork(lambda: (m[:], said(''))); os.wait()",
            200,
            id="a shared map, and the child's copy of it",
        ),
    ],
)
def test_a_page_counts_once_and_at_its_own_time(steps: str, mib: int) -> None:
    empty = _peak_mb("said('')")
    assert mib - 2 <= _peak_mb(steps) - empty <= mib + 15


def test_a_process_that_has_ended_holds_nothing() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert (ProcessTree(process.pid).peak_mb(), ProcessTree(process.pid).cpu_ms()) == (0, 0)
