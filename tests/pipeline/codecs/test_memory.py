"""Freed memory stays with a process that asks for it."""

import os
import subprocess
import sys

import pytest

_AGAIN = """
import resource, sys
import numpy as np
if sys.argv[1] == "kept":
    from cutline.pipeline.codecs.memory import keep_freed_memory
    keep_freed_memory()
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    arrays = [np.ones(4 << 20, np.uint8) for _ in range(8)]
    del arrays
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_what_was_freed_is_there_again_without_the_kernel():
    pages = 8 * (4 << 20) // 4096
    faults = {how: _faults(how) for how in ("kept", "returned")}
    assert faults["kept"] < pages / 20
    assert faults["kept"] < faults["returned"]


def _faults(how: str) -> int:
    command = [sys.executable, "-c", _AGAIN, how]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return int(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)
