"""Folders of a batch: here and in S3, with names and keys of any kind, and files that cannot be read or written."""

import csv
import errno
import io
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from cutline.batch.folders import LocalFolder
from cutline.batch.progress_file import FILE
from cutline.batch.report import FILE as REPORT
from cutline.batch.run import FAILURES
from cutline.batch.s3_folder import S3Folder, open_folder
from tests.support.batch_service import Folders, Service, failures_in, run


def test_a_prefix_in_s3_is_a_folder_like_any_other() -> None:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="shop")
        source, target = S3Folder(s3, "shop", "/summer/"), S3Folder(s3, "shop", "results")
        for name in ("a.jpg", "deep/b.png", "notes.txt"):
            source.write(name, b"x")
        assert set(source.pictures()) == {"a.jpg", "deep/b.png"}
        assert target.find(FILE) is None
        service = Service()
        assert run(source, target, service) == {"done": 2}
        assert run(source, target, service) == {"done before": 2}
        assert target.read("deep/b.png.png").startswith(b"result of")


def test_objects_that_s3_does_not_hand_out_fail_by_themselves() -> None:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="shop")
        source, target = S3Folder(s3, "shop", "in"), S3Folder(s3, "shop", "out")
        source.write("a.jpg", b"a")
        s3.put_object(Bucket="shop", Key="in/frozen.jpg", Body=b"x", StorageClass="GLACIER")
        assert run(source, target, Service()) == {"done": 1, "failed": 1}
        rows = list(csv.DictReader(io.StringIO(target.read(FAILURES).decode())))
        assert [row["picture"] for row in rows] == ["frozen.jpg"]
        assert rows[0]["message"].startswith("cannot read the file: The operation is not valid")
        with pytest.raises(FileNotFoundError):
            source.read("deleted.jpg")


@pytest.mark.parametrize(("code", "status"), [("ExpiredToken", 400), ("NoSuchBucket", 404), ("SlowDown", 503)])
def test_what_keeps_every_object_from_being_read_ends_the_batch(folders: Folders, code: str, status: int) -> None:
    class Closed:
        def get_object(self, **names: str) -> None:
            document = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ClientError(document, "GetObject")

    class Listed(S3Folder):
        def pictures(self) -> dict[str, str]:
            return {"a.jpg": "1", "b.jpg": "2"}

    with pytest.raises(ClientError, match=code):
        run(Listed(Closed(), "shop", "in"), folders[1], Service())


@pytest.mark.parametrize(
    ("text", "bucket", "prefix"),
    [
        ("s3://shop", "shop", ""),
        ("s3://shop/", "shop", ""),
        ("s3://shop/new/", "shop", "new/"),
        ("s3://shop/new#2024/in", "shop", "new#2024/in/"),
        ("s3://shop/new?/50%25", "shop", "new?/50%25/"),
    ],
)
def test_any_prefix_can_be_named(monkeypatch: pytest.MonkeyPatch, text: str, bucket: str, prefix: str) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    folder = open_folder(text)
    assert isinstance(folder, S3Folder)
    assert (folder.bucket, folder.prefix) == (bucket, prefix)


class S3Like(LocalFolder):
    """A source whose names are S3 keys: any text."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def pictures(self) -> dict[str, str]:
        return dict.fromkeys(self.names, "1")

    def address(self, name: str) -> str:
        return f"s3://shop/{name}"

    def read(self, name: str) -> bytes:
        return name.encode()


def test_no_key_of_a_bucket_is_written_outside_the_folder(tmp_path: Path) -> None:
    outside = ["../up.jpg", "a/../../up.jpg", "/etc/cut.jpg", f"/{tmp_path}/root.jpg", "a//b.jpg", "./c.jpg", "n\0.jpg"]
    target, service = LocalFolder(tmp_path / "out"), Service()
    assert run(S3Like([*outside, "fine.jpg"]), target, service) == {"done": 1, "failed": len(outside)}
    assert service.asked["submit"] == 1, "a refused name is not charged"
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {"out/fine.jpg.png", f"out/{FAILURES}", f"out/{FILE}", f"out/{REPORT}"}
    assert {row["picture"] for row in failures_in(target)} == set(outside)
    for name in outside:
        with pytest.raises(OSError, match="inside the folder"):
            target.write(name, b"x")
        with pytest.raises(OSError, match="inside the folder"):
            target.find(name)


def test_a_name_that_cannot_be_written_is_one_failure_before_the_call(tmp_path: Path) -> None:
    source, target, service = LocalFolder(tmp_path / "in"), LocalFolder(tmp_path / "out"), Service()
    for name in ("a.jpg", "x" * 246 + ".jpg", "é" * 123 + ".jpg", "y" * 251 + ".jpg"):
        source.write(name, name.encode())
    assert run(source, target, service) == {"done": 3, "failed": 1}
    assert run(source, target, service) == {"done before": 3, "failed": 1}
    assert service.asked["submit"] == 3
    assert {row["message"] for row in failures_in(target)} == {"the result cannot be written: File name too long"}


def test_a_result_and_a_folder_of_one_name_fail_by_themselves(tmp_path: Path) -> None:
    source, target, service = LocalFolder(tmp_path / "in"), LocalFolder(tmp_path / "out"), Service()
    for name in ("x.png", "x.png.png/y.png", "z.png"):
        source.write(name, name.encode())
    counts = run(source, target, service)
    assert counts == {"done": 2, "failed": 1}
    calls = service.asked["submit"]
    assert run(source, target, service) == {"done before": 2, "failed": 1}
    assert service.asked["submit"] == calls, "a repeat is not charged again"
    assert not list(target.root.rglob("*.part"))


def test_a_write_that_fails_for_its_name_is_that_pictures_failure(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = folders
    monkeypatch.setattr(LocalFolder, "check", lambda folder, name: None)
    target.write("a.jpg.png/in-the-way", b"")
    assert run(source, target, Service()) == {"done": 1, "failed": 1}
    assert "the result cannot be written" in failures_in(target)[0]["message"]


def test_a_full_disk_stops_the_batch(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = folders
    write = LocalFolder.write

    def full(folder: LocalFolder, name: str, data: bytes) -> None:
        if name.endswith(".png"):
            raise OSError(errno.ENOSPC, "No space left on device")
        write(folder, name, data)

    monkeypatch.setattr(LocalFolder, "write", full)
    with pytest.raises(OSError, match="No space left"):
        run(source, target, Service())


@pytest.mark.parametrize("name", ["x" * 1021 + ".jpg", "caf\udce9.jpg"])
def test_a_key_that_s3_refuses_is_known_before_the_call(name: str) -> None:
    folder = S3Folder(None, "shop", "")
    folder.check("fine.jpg")
    with pytest.raises(OSError, match=r"too long|Unicode"):
        folder.check(name)
