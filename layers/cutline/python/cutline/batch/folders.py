"""Where pictures come from and results go to: a folder on this machine. `s3_folder` has those in S3."""

import os
import threading
from pathlib import Path
from typing import Protocol

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".avif", ".heic", ".heif")


class Folder(Protocol):
    """Files by name, with "/" between the parts."""

    def pictures(self) -> dict[str, str]:
        """The names of all pictures, each with a stamp that changes when the file does."""

    def address(self, name: str) -> str:
        """A file's whole name: an absolute path or s3://..."""

    def read(self, name: str) -> bytes:
        """A file's content. Raises OSError where this file cannot be read, whatever is with the others."""

    def find(self, name: str) -> bytes | None:
        """A file's content, or None where there is none."""

    def write(self, name: str, data: bytes) -> None:
        """Creates or replaces a file, in one step: no reader sees half of it."""


class LocalFolder:
    """A folder on this machine, of whose files those count that end like a picture; hidden ones are left alone."""

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
        return str((self.root / name).resolve())

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def find(self, name: str) -> bytes | None:
        path = self.root / name
        return path.read_bytes() if path.exists() else None

    def write(self, name: str, data: bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
        part.write_bytes(data)
        part.replace(path)
