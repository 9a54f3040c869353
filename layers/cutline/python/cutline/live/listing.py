"""The pictures that a person names for a check: files, folders, patterns, addresses, and tables of addresses."""

from __future__ import annotations

import csv
import glob
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cutline.batch.folders import ENDINGS, LocalFolder
from cutline.local_file import read_file, real_path

_ADDRESS = ("https://", "http://")
_TABLES = (".csv", ".txt")


@dataclass(frozen=True)
class Listed:
    """One picture: an absolute path or an address, and the shop's product that shows it."""

    picture: str
    product: str = ""

    @property
    def is_address(self) -> bool:
        """Whether the picture is fetched."""
        return self.picture.startswith(_ADDRESS)


def list_pictures(sources: Iterable[str]) -> list[Listed]:
    """Return every picture once, in order. Raises ValueError for a table without addresses, and OSError."""
    return list(dict.fromkeys(picture for source in sources for picture in _expand(source)))


def _expand(source: str) -> Iterator[Listed]:
    path = Path(source)
    if source.startswith(_ADDRESS):
        yield Listed(source)
    elif path.is_dir():
        folder = LocalFolder(path, (*ENDINGS, ".gif"))
        yield from (Listed(folder.address(name)) for name in folder.pictures())
    elif path.suffix.lower() in _TABLES:
        yield from map(Listed, read_addresses(read_file(path), source))
    elif path.exists() or not glob.has_magic(source):
        yield Listed(str(real_path(path)))
    else:
        for match in sorted(glob.glob(source, recursive=True)):  # noqa: PTH207 (pathlib's refuses absolute patterns)
            yield from _expand(match)


def read_addresses(data: bytes, name: str) -> list[str]:
    """Return the addresses of a CSV file, or of a text with one a line: those of the first column that has any.

    Shops' exports put several into one cell, with commas between them. Raises ValueError.
    """
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig", "replace"), newline="")))
    except csv.Error as error:
        raise ValueError(f"{name} is not a CSV file: {error}") from error
    columns = [index for row in rows for index, cell in enumerate(row) if cell.strip().startswith(_ADDRESS)]
    if not columns:
        raise ValueError(f"{name} has no addresses (https://...) in any column")
    column = min(columns)
    cells = (row[column] for row in rows if len(row) > column)
    found = (part.strip() for cell in cells for part in cell.split(", "))
    return [address for address in found if address.startswith(_ADDRESS)]
