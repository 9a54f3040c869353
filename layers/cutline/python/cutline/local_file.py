"""Files on the machine of a person who runs a command or the library, read within a bound and written whole."""

import errno
import os
import threading
import tomllib
from pathlib import Path
from typing import Any, BinaryIO

from cutline.limits import LOCAL_LIMITS

MAX_BYTES = LOCAL_LIMITS.max_bytes


def read_file(path: Path) -> bytes:
    """Return the content of a file of at most MAX_BYTES. Raises OSError, with EFBIG for a larger or an endless one."""
    with path.open("rb") as file:
        return read_open_file(file, str(path))


def read_open_file(file: BinaryIO, name: str) -> bytes:
    """Return the content of an open file. Raises as `read_file` does."""
    # The size first: a buffer for more than that would be made before the first byte is read.
    if os.fstat(file.fileno()).st_size <= MAX_BYTES and len(data := file.read(MAX_BYTES + 1)) <= MAX_BYTES:
        return data
    raise OSError(errno.EFBIG, f"larger than {MAX_BYTES} bytes", name)


def write_file(path: Path, data: bytes) -> None:
    """Write where a person asked to: to the file behind a link, and into what is no file. Raises OSError."""
    path = real_path(path)
    if path.exists() and not path.is_file():
        path.write_bytes(data)
    else:
        replace_file(path, data)


def replace_file(path: Path, data: bytes) -> None:
    """Create or replace a file whole; a link is replaced, not followed. Raises OSError."""
    # Not derived from the file's name, which may be as long as the file system allows.
    part = path.with_name(f".{os.getpid()}-{threading.get_ident()}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file. Raises ValueError for any other file, and OSError."""
    try:
        return tomllib.loads(read_file(path).decode())
    except RecursionError as error:
        raise ValueError("the values are nested too deeply") from error


def real_path(path: Path) -> Path:
    """Return the absolute path behind links; of links that lead in a circle, the path that is left."""
    return Path(os.path.realpath(path))  # Path.resolve raises RuntimeError for such links
