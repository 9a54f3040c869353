"""A script that ties its process to the parent's life and then executes Python with the given arguments.

It is a separate script because subprocess's `preexec_fn` may deadlock in a threaded parent.
"""

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1


def launch_command(*arguments: str, backstop_bytes: int = resource.RLIM_INFINITY) -> list[str]:
    """The command for `python *arguments` with at most `backstop_bytes` of data; the process dies with its parent."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(backstop_bytes), *arguments]


def main() -> None:
    """argv: the parent's pid, the memory backstop in bytes, Python's arguments."""
    parent, backstop, *arguments = sys.argv[1:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # the parent died before prctl took hold
        sys.exit(1)
    # Behind the sandbox's sampled limit: a runaway allocation gets a MemoryError before the machine swaps.
    resource.setrlimit(resource.RLIMIT_DATA, (int(backstop), int(backstop)))
    os.execv(sys.executable, [sys.executable, *arguments])


if __name__ == "__main__":
    main()
