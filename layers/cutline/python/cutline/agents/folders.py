"""The folders that an agent's tools may read, and the one inside them that gets the results. Nothing else is opened.

A path is resolved first, links included. What is then opened is opened part by part from the descriptor of the folder,
never through a link, so a link that is put in place after the check is refused too.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cutline.local_file import read_open_file, real_path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe would wait for its writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# Results of one picture under one name.
MAX_COPIES = 999


class PathRefused(ValueError):
    """A path that leads out of the folders, or is none."""


@dataclass(frozen=True)
class _Place:
    """A path without links, below the folder `root`."""

    root: Path
    parts: tuple[str, ...]


class SharedFolders:
    """Files by absolute path, or by a path relative to the first of the folders that has it."""

    def __init__(self, folders: Sequence[Path], out: Path) -> None:
        """Open the folders. `out` need not exist. Raises OSError, and PathRefused for an `out` outside of them."""
        self.roots = tuple(dict.fromkeys(map(real_path, folders)))
        self._descriptors = {root: os.open(root, _FOLDER) for root in self.roots}
        self.out = real_path(out)
        self._out = self._place(self.out, str(out))

    def locate(self, path: str) -> Path:
        """Return the absolute path behind links. Raises PathRefused."""
        place = self._find(path)
        return place.root.joinpath(*place.parts)

    def read(self, path: str) -> bytes:
        """Return a file's content. Raises PathRefused, and OSError for what is no regular file or too large."""
        place = self._find(path)
        *folders, name = place.parts or (".",)
        with self._opened(_Place(place.root, tuple(folders)), path) as folder:
            descriptor = _open(name, _FILE, folder, path)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "not a regular file", path)
        with os.fdopen(descriptor, "rb") as file:
            return read_open_file(file, path)

    def store(self, files: Mapping[str, bytes]) -> dict[str, Path]:
        """Store files whole, all or none, and return where each is. Never replaces a file.

        A name that exists gets a number before its ending: mug.jpg.png, mug.jpg-2.png. Raises OSError.
        """
        stored: dict[str, str] = {}
        with self._opened(self._out, str(self.out), make=True) as folder:
            try:
                for name, data in files.items():
                    stored[name] = _store(folder, name, data)
            except OSError:
                for name in stored.values():
                    os.unlink(name, dir_fd=folder)
                raise
        return {name: self.out / kept for name, kept in stored.items()}

    def _find(self, path: str) -> _Place:
        """Return the place of the first folder that has the path, else of the first. Raises PathRefused."""
        try:
            os.fsencode(path)
        except UnicodeEncodeError as error:
            raise PathRefused("the path is not valid Unicode") from error
        if not path or "\0" in path or ".." in Path(path).parts:
            raise PathRefused(f"{path[:200]!r} is not a path without `..`")
        candidates = [real_path(root / path) for root in self.roots]  # root / path is `path` if it is absolute
        # What leads out is refused here, so that no answer depends on what exists there.
        chosen = (one for one in candidates if self._root_of(one) is None or os.path.lexists(one))
        return self._place(next(chosen, candidates[0]), path)

    def _root_of(self, path: Path) -> Path | None:
        return next((root for root in self.roots if path.is_relative_to(root)), None)

    def _place(self, path: Path, named: str) -> _Place:
        root = self._root_of(path)
        if root is None:
            raise PathRefused(f"{named[:200]!r} is not inside {', '.join(map(str, self.roots))}")
        return _Place(root, path.relative_to(root).parts)

    @contextmanager
    def _opened(self, place: _Place, named: str, *, make: bool = False) -> Iterator[int]:
        """Yield the descriptor of a folder, which `make` creates. Raises PathRefused and OSError."""
        descriptor = os.dup(self._descriptors[place.root])
        try:
            for part in place.parts:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(part, dir_fd=descriptor)
                below = _open(part, _FOLDER, descriptor, named)
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)


def _open(name: str, flags: int, folder: int, named: str) -> int:
    """Open without following a link. Raises PathRefused for one, and OSError with the path as the caller named it."""
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise PathRefused(f"{named[:200]!r} became a link") from error
        raise OSError(error.errno, os.strerror(error.errno or 0), named) from error


def _store(folder: int, name: str, data: bytes) -> str:
    """Write a file, give it the first free name, and return that. Raises OSError."""
    part = f".{secrets.token_hex(8)}.part"
    try:
        with os.fdopen(os.open(part, _NEW, 0o666, dir_fd=folder), "wb") as file:
            file.write(data)
        return _linked(folder, part, name)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(part, dir_fd=folder)


def _linked(folder: int, part: str, name: str) -> str:
    stem, ending = Path(name).stem, Path(name).suffix
    for number in range(1, MAX_COPIES + 1):
        free = name if number == 1 else f"{stem}-{number}{ending}"
        with suppress(FileExistsError):
            # Unlike a rename, a link fails where the name exists.
            os.link(part, free, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
            return free
    raise FileExistsError(errno.EEXIST, f"{MAX_COPIES} results exist already; move them away", name)
