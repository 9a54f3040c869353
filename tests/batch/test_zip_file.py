"""`cutline batch --zip`: whole or not there, the same bytes again, and no name that leads out of the folder."""

import zipfile
from pathlib import Path

import pytest

from cutline.batch.folders import LocalFolder
from cutline.batch.report import ReportLine
from cutline.batch.zip_file import write_zip

FILES = {
    "b.jpg.png": b"b",
    "a/ü.jpg.png": b"a",
    "a/ü.jpg-mask.png": b"mask",
    "report.csv": b"picture,result\n",
    "failures.csv": b"picture\n",
    "earlier.png": b"not of this batch",
}


@pytest.fixture
def folder(tmp_path: Path) -> LocalFolder:
    target = LocalFolder(tmp_path / "out")
    for name, data in FILES.items():
        target.write(name, data)
    return target


def lines(*results: str) -> list[ReportLine]:
    return [ReportLine(f"/in/{result}", result=result) for result in results]


def test_results_are_stored_in_the_order_of_their_names(folder: LocalFolder, tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    asked = lines("b.jpg.png", "a/ü.jpg.png", "", "gone.png")
    assert write_zip(path, folder, asked, ("failures.csv",), masks=True) == 3
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == ["a/ü.jpg-mask.png", "a/ü.jpg.png", "b.jpg.png", "report.csv", "failures.csv"]
        assert all(archive.read(name) == FILES[name] for name in names)
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())
    first = path.read_bytes()
    write_zip(path, folder, reversed(asked), ("failures.csv",), masks=True)
    assert path.read_bytes() == first
    write_zip(path, folder, asked, (), masks=False)
    assert "a/ü.jpg-mask.png" not in zipfile.ZipFile(path).namelist()


def test_a_zip_that_breaks_off_leaves_the_one_before(folder: LocalFolder, tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    path.write_bytes(b"before")

    class Broken(LocalFolder):
        def find(self, name: str) -> bytes | None:
            if name.startswith("b"):
                raise OSError("the disk is gone")
            return super().find(name)

    with pytest.raises(OSError, match="disk"):
        write_zip(path, Broken(folder.root), lines("a/ü.jpg.png", "b.jpg.png"), (), masks=False)
    assert path.read_bytes() == b"before" and {file.name for file in tmp_path.iterdir()} == {"all.zip", "out"}


class Anything:
    """A folder in which every name has a file, as in S3."""

    def find(self, name: str) -> bytes | None:
        return name.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/x.png", "_/_/etc/x.png"),
        ("/shop/x.png", "_/shop/x.png"),
        ("a\\..\\x.png", "a_.._x.png"),
        ("c:x\n.png", "c_x_.png"),
        ("a//x.png", "a/_/x.png"),
        ("report.csv", "report (2).csv"),
        ("x\udcff.png", "x_.png"),
    ],
)
def test_names_lead_nowhere_else(tmp_path: Path, name: str, safe: str) -> None:
    path = tmp_path / "all.zip"
    write_zip(path, Anything(), lines(name), (), masks=False)  # type: ignore[arg-type]
    assert zipfile.ZipFile(path).namelist() == [safe, "report.csv"]


def test_names_that_differ_in_case_only_stay_two_files(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    write_zip(path, Anything(), lines("A.png", "a.png"), (), masks=False)  # type: ignore[arg-type]
    assert zipfile.ZipFile(path).namelist() == ["A.png", "a (2).png", "report.csv"]
