"""Folders of pictures and results: the protocol, and folders on this machine. `s3_folder` has those in S3."""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from cutline.local_file import read_file, real_path, replace_file

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".avif", ".heic", ".heif")


# Errors that are about one file's name: the other files can still be written.
NAME_ERRORS = frozenset(
    {errno.EEXIST, errno.EILSEQ, errno.EINVAL, errno.EISDIR, errno.ENAMETOOLONG, errno.ENOTDIR, errno.ENOTEMPTY}
)


class Folder(Protocol):
    """Files by name, with "/" between the parts."""

    def pictures(self) -> dict[str, str]:
        """Return the names of all pictures, each with a stamp that changes when the file does."""

    def address(self, name: str) -> str:
        """Return a file's address: an absolute path or s3://..."""

    def read(self, name: str) -> bytes:
        """Return a file's content. Raises OSError if this file cannot be read; other files may be readable."""

    def find(self, name: str) -> bytes | None:
        """Return a file's content, or None if there is no such file."""

    def check(self, name: str) -> None:
        """Raise OSError if no file of this name can be written."""

    def write(self, name: str, data: bytes) -> None:
        """Create or replace a file atomically. Raises OSError; for a name that `check` refuses, one of NAME_ERRORS."""


class LocalFolder:
    """A folder on this machine; its pictures are the files with a picture's ending, except hidden ones.

    Names come from S3 too: one that leads out of the folder, or has an empty part, raises OSError.
    """

    def __init__(self, root: Path, endings: tuple[str, ...] = ENDINGS) -> None:
        self.root = root
        self.endings = endings

    def pictures(self) -> dict[str, str]:
        found = {}
        for path in sorted(self.root.rglob("*")):
            name = path.relative_to(self.root).as_posix()
            if (
                path.suffix.lower() in self.endings
                and path.is_file()
                and not any(p.startswith(".") for p in name.split("/"))
            ):
                facts = path.stat()
                found[name] = f"{facts.st_size}-{facts.st_mtime_ns}"
        return found

    def address(self, name: str) -> str:
        return str(real_path(self.root / name))

    def read(self, name: str) -> bytes:
        return read_file(self._path(name))

    def find(self, name: str) -> bytes | None:
        path = self._path(name)
        return read_file(path) if path.exists() else None

    def check(self, name: str) -> None:
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            if stat.S_ISDIR(path.stat().st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))

    def write(self, name: str, data: bytes) -> None:
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)

    def _path(self, name: str) -> Path:
        """Return the path below the folder. Raises OSError."""
        if "\0" in name or not {"", ".", ".."}.isdisjoint(name.split("/")):
            raise OSError(errno.EINVAL, "the name is not a path inside the folder", name)
        return self.root / name
