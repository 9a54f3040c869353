"""One zip with all results of a batch: stored, in the order of their names, and the same bytes for the same results."""

import os
import re
import stat
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from cutline.batch.folders import Folder
from cutline.batch.report import FILE as REPORT
from cutline.batch.report import ReportLine
from cutline.storage_keys import ENDINGS

# The earliest time that a zip can have.
_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = (stat.S_IFREG | 0o644) << 16
# Characters that some system does not allow in a name, or reads as another path.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|\ud800-\udfff]')
_MASK = "-mask"


def write_zip(path: Path, folder: Folder, lines: Iterable[ReportLine], others: Iterable[str], *, masks: bool) -> int:
    """Write the results of a report's lines and other files of the folder; return how many results there are.

    masks: whether each result has its mask next to it. The file appears under its name when it is whole; one that was
    there before stays until then. A result that is gone from the folder is left out. Files of more than 4 GiB and more
    than 65,535 files are zip64. Raises OSError.
    """
    names = sorted({name for line in lines if line.result for name in _files_of(line.result, masks=masks)})
    part = path.with_name(f".{os.getpid()}.{path.name[:100]}.part")
    try:
        with part.open("wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                count = sum(_add(archive, folder, name, safe) for name, safe in _safe_names(names, {REPORT, *others}))
                for name in (REPORT, *others):
                    _add(archive, folder, name, name)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return count


def _files_of(result: str, *, masks: bool) -> Iterator[str]:
    yield result
    stem, dot, ending = result.rpartition(".")
    if masks and f".{ending}" in ENDINGS.values():
        yield f"{stem}{_MASK}{dot}{ending}"


def _add(archive: zipfile.ZipFile, folder: Folder, name: str, safe: str) -> bool:
    data = folder.find(name)
    if data is None:
        return False
    entry = zipfile.ZipInfo(safe, _TIME)
    entry.create_system, entry.external_attr = 3, _MODE  # as on Unix, whichever system writes it
    archive.writestr(entry, data)
    return True


def _safe_names(names: Iterable[str], taken: set[str]) -> Iterator[tuple[str, str]]:
    """Return each name with one that leads nowhere else when it is unpacked, and that no other file has.

    Case does not distinguish names on some systems.
    """
    seen = {name.lower() for name in taken}
    for name in names:
        parts = [_UNSAFE.sub("_", part).rstrip(". ") or "_" for part in name.split("/")]
        safe, number = "/".join(parts), 1
        stem, dot, ending = safe.rpartition(".")
        while safe.lower() in seen:
            number += 1
            safe = f"{stem} ({number}){dot}{ending}" if dot else f"{ending} ({number})"
        seen.add(safe.lower())
        yield name, safe
