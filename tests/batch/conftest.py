"""A folder of pictures and one for their results."""

from pathlib import Path

import pytest

from cutline.batch.folders import LocalFolder


@pytest.fixture
def folders(tmp_path: Path) -> tuple[LocalFolder, LocalFolder]:
    source, target = LocalFolder(tmp_path / "in"), LocalFolder(tmp_path / "out")
    for name, data in {"a.jpg": b"a", "deep/b.PNG": b"b", ".hidden/c.jpg": b"c", "notes.txt": b"d"}.items():
        source.write(name, data)
    return source, target
