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
    """Return the addresses of a CSV file, those of the first column that has any, or of the words of a .txt file.

    Shops' exports put several into one cell, with commas between them. Raises ValueError.
    """
    text = data.decode("utf-8-sig", "replace")
    if name.lower().endswith(".txt"):
        found = [word for word in text.split() if word.startswith(_ADDRESS)]
    else:
        found = list(_in_first_column(text, name))
    if not found:
        raise ValueError(f"{name} has no addresses (https://...)")
    return found


def _in_first_column(text: str, name: str) -> Iterator[str]:
    # Spreadsheets of many countries write semicolons.
    separator = max(",;\t", key=text.partition("\n")[0].count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise ValueError(f"{name} is not a CSV file: {error}") from error
    columns = [index for row in rows for index, cell in enumerate(row) if cell.strip().startswith(_ADDRESS)]
    column = min(columns, default=0)
    for row in rows:
        for part in row[column].split(", ") if len(row) > column else ():
            if part.strip().startswith(_ADDRESS):
                yield part.strip()
