"""Refuses what Python opens to write to, while a file named `full` or `sealed` lies in the same folder.

Python imports a module of this name by itself when it starts.
"""

import errno
import os
import sys
from pathlib import Path

_HERE = Path(__file__).parent
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
_ERRORS = {"full": errno.ENOSPC, "sealed": errno.EROFS}


def _refuse(event: str, details: tuple[object, ...]) -> None:
    if event != "open" or str(details[0]).startswith("/dev/"):
        return
    flags = details[2]
    for name, number in _ERRORS.items():
        if isinstance(flags, int) and flags & _WRITES and (_HERE / name).exists():
            raise OSError(number, os.strerror(number), details[0])


sys.addaudithook(_refuse)
