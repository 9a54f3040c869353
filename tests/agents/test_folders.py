"""The folders of `cutline mcp`: nothing outside of them is opened, and no file is replaced."""

import os
from pathlib import Path
from typing import Any

import pytest

from cutline.agents import folders as module
from cutline.agents.folders import PathRefused, SharedFolders
from cutline.local_file import real_path


@pytest.fixture
def shared(tmp_path: Path) -> SharedFolders:
    """Two folders, with a secret next to them."""
    for name in ("a/sub", "b"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("secret.txt", "a/one.txt", "a/sub/two.txt", "b/three.txt", "b/one.txt"):
        (tmp_path / name).write_text(name)
    return SharedFolders([tmp_path / "a", tmp_path / "b"], tmp_path / "a" / "out" / "results")


def tree(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("one.txt", "a/one.txt"),
        ("./sub/two.txt", "a/sub/two.txt"),
        ("three.txt", "b/three.txt"),
        ("{root}/b/one.txt", "b/one.txt"),
        ("inside", "b/three.txt"),
    ],
)
def test_a_path_is_absolute_or_of_the_first_folder_that_has_it(
    shared: SharedFolders, tmp_path: Path, path: str, content: str
) -> None:
    (tmp_path / "a" / "inside").symlink_to(tmp_path / "b" / "three.txt")
    assert shared.read(path.format(root=tmp_path)) == content.encode()


@pytest.mark.parametrize(
    "path",
    [
        *(
            "../secret.txt",
            "sub/../../secret.txt",
            "sub/../one.txt",
            "..",
            "{root}/secret.txt",
            "{root}/a/../secret.txt",
        ),
        *("/etc/passwd", "", "a\0b", "\ud800", "link", "linked/secret.txt", "dangling", "circle", "{root}/ab/x"),
    ],
)
def test_what_leads_out_is_refused_whether_it_exists_or_not(shared: SharedFolders, tmp_path: Path, path: str) -> None:
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / "x").write_text("a folder whose name begins like a shared one's")
    links = {"link": "secret.txt", "linked": ".", "dangling": "gone.txt"}
    for name, target in links.items():
        (tmp_path / "a" / name).symlink_to(tmp_path / target)
    (tmp_path / "a" / "circle").symlink_to("circle")
    with pytest.raises((PathRefused, OSError)) as refused:
        shared.read(path.format(root=tmp_path))
    if path != "circle":
        assert isinstance(refused.value, PathRefused)


@pytest.mark.parametrize("target", ["secret.txt", "gone.txt"])
def test_a_link_out_of_the_first_folder_hides_the_second_ones_file(
    shared: SharedFolders, tmp_path: Path, target: str
) -> None:
    (tmp_path / "a" / "three.txt").symlink_to(tmp_path / target)
    with pytest.raises(PathRefused, match="is not inside"):
        shared.read("three.txt")


def test_what_is_no_regular_file_is_refused_without_waiting(shared: SharedFolders, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a" / "pipe")
    for path in ("pipe", "sub", "."):
        with pytest.raises(OSError, match="not a regular file"):
            shared.read(path)
    with pytest.raises(FileNotFoundError, match="gone"):
        shared.read("gone")


@pytest.mark.parametrize("swapped", ["one.txt", "sub"])
def test_a_link_put_in_place_after_the_check_is_not_followed(
    shared: SharedFolders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swapped: str
) -> None:
    path = {"one.txt": "one.txt", "sub": "sub/secret.txt"}[swapped]

    def swap(given: Path) -> Path:
        found, place = real_path(given), tmp_path / "a" / swapped
        if not place.is_symlink():
            place.rename(tmp_path / "moved")
            place.symlink_to(tmp_path / "secret.txt" if swapped == "one.txt" else tmp_path)
        return found

    monkeypatch.setattr(module, "real_path", swap)
    with pytest.raises((PathRefused, NotADirectoryError)):
        shared.read(path)


def test_a_name_that_exists_gets_a_number(shared: SharedFolders, tmp_path: Path) -> None:
    out = tmp_path / "a" / "out" / "results"
    paths = [shared.store({"mug.jpg.png": bytes([48 + turn])})["mug.jpg.png"] for turn in range(3)]
    assert paths == [out / "mug.jpg.png", out / "mug.jpg-2.png", out / "mug.jpg-3.png"]
    assert tree(out) == {"mug.jpg.png": "0", "mug.jpg-2.png": "1", "mug.jpg-3.png": "2"}
    assert shared.read(str(paths[0])) == b"0"


def test_several_files_are_stored_or_none(shared: SharedFolders, tmp_path: Path) -> None:
    before = tree(tmp_path)
    with pytest.raises(OSError, match="too long"):
        shared.store({"ok.png": b"1", "x" * 300: b"2"})
    assert tree(tmp_path) == before


def test_results_do_not_follow_a_link_in_place_of_their_folder(shared: SharedFolders, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "a" / "out").symlink_to(tmp_path / "elsewhere")
    with pytest.raises((PathRefused, OSError)):
        shared.store({"x.png": b"1"})
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_full_disk_leaves_nothing(shared: SharedFolders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    before = tree(tmp_path)
    monkeypatch.setattr(os, "link", full)
    with pytest.raises(OSError, match="No space"):
        shared.store({"x.png": b"1"})
    assert tree(tmp_path) == before
