"""Become a sandbox: run as a plain script, it binds its life to the parent's and then is `python -m awslambdaric`.

It is a step of its own because the same in subprocess's `preexec_fn` may deadlock in a threaded parent.
"""

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """argv: the parent's pid, the memory backstop in bytes, the handler."""
    parent, backstop, handler = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent died before prctl took hold
        sys.exit(1)
    # Behind the sampled limit of `runtime`: a runaway allocation ends in MemoryError, not in a swapping machine.
    resource.setrlimit(resource.RLIMIT_DATA, (backstop, backstop))
    os.execv(sys.executable, [sys.executable, "-m", "awslambdaric", handler])


if __name__ == "__main__":
    main()
