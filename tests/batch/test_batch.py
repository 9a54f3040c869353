"""A batch against a service that remembers what it was asked, refuses, stumbles and forgets."""

import csv
import errno
import hashlib
import io
import json
import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from PIL import Image

from cutline.batch.client import Refused, Stopped, Unrecoverable
from cutline.batch.finishing import by_profile
from cutline.batch.folders import LocalFolder
from cutline.batch.progress_file import FILE, Entry, Ledger
from cutline.batch.report import FILE as REPORT
from cutline.batch.report import ReportLine, read_report
from cutline.batch.run import FAILURES, INLINE_BYTES, Batch
from cutline.batch.s3_folder import S3Folder, open_folder
from cutline.pipeline.outputs.profiles import read_profiles


@dataclass
class Service:
    """Tasks in memory. One Idempotency-Key is one task, as with the true one; a bad picture is a failed task."""

    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    uploads: dict[str, bytes] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    stop_after: int | None = None
    result: bytes = b""

    def submit(self, fields: dict[str, str], picture: bytes | None, key: str) -> str:
        self._count("submit")
        if picture == b"refused":
            raise Refused("Invalid something")
        content = picture if picture is not None else self.uploads[fields["image_url"]]
        task_id = hashlib.sha256(key.encode()).hexdigest()[:12]
        if task_id not in self.tasks:
            state = -7 if content == b"bad" else 1
            self.tasks[task_id] = {"state": state, **({"image": f"link/{task_id}"} if state == 1 else {})}
        return task_id

    def show(self, task_id: str) -> dict[str, Any] | None:
        self._count("show")
        return None if task_id in self.lost else self.tasks[task_id]

    def upload(self, picture: bytes) -> str:
        self._count("upload")
        source = f"upload:{len(self.uploads)}"
        self.uploads[source] = picture
        return source

    def download(self, url: str) -> tuple[bytes, dict[str, str]]:
        self._count("download")
        headers = {"content-type": "image/png", "x-amz-meta-confidence": "0.9", "x-amz-meta-task-id": "1"}
        return self.result or f"result of {url}".encode(), headers

    def wait(self, delay_s: float) -> None:
        raise AssertionError("every task here ends at once")

    def _count(self, what: str) -> None:
        self.asked[what] += 1
        if self.stop_after is not None and self.asked.total() > self.stop_after:
            raise Stopped


def run(source: Any, target: Any, service: Any, **fields: str) -> Counter[str]:
    batch = Batch(source, target, service, Ledger(target), {"sync": "0", **fields})
    return batch.run(2, threading.Event(), lambda counts, total: None)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[LocalFolder, LocalFolder]:
    source, target = LocalFolder(tmp_path / "in"), LocalFolder(tmp_path / "out")
    for name, data in {"a.jpg": b"a", "deep/b.PNG": b"b", ".hidden/c.jpg": b"c", "notes.txt": b"d"}.items():
        source.write(name, data)
    return source, target


Folders = tuple[LocalFolder, LocalFolder]


def failures_in(target: LocalFolder) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(target.read(FAILURES).decode())))


def test_every_picture_of_a_folder_comes_out_under_its_name(folders: Folders) -> None:
    source, target = folders
    service = Service()
    assert run(source, target, service) == {"done": 2}
    assert {path.relative_to(target.root).as_posix() for path in target.root.rglob("*") if path.is_file()} == {
        "a.jpg.png",
        "deep/b.PNG.png",
        FAILURES,
        FILE,
        REPORT,
    }
    assert target.read("a.jpg.png").startswith(b"result of link/")
    assert failures_in(target) == []


def report_in(target: LocalFolder) -> dict[str, ReportLine]:
    return {Path(picture).name: line for picture, line in read_report(target.read(REPORT)).items()}


def test_what_is_known_of_each_result_is_reported_over_all_runs(folders: Folders) -> None:
    source, target = folders
    source.write("bad.jpg", b"bad")
    run(source, target, Service())
    first = report_in(target)
    assert first["a.jpg"] == ReportLine(source.address("a.jpg"), "a.jpg.png", confidence="0.9")
    assert (first["b.PNG"].result, first["bad.jpg"].result) == ("deep/b.PNG.png", "")
    assert first["bad.jpg"].problem.startswith("the file cannot be decoded")
    source.write("bad.jpg", b"good now")
    run(source, target, Service())
    assert report_in(target) == {
        **first,
        "bad.jpg": replace(first["a.jpg"], picture=source.address("bad.jpg"), result="bad.jpg.png"),
    }


def test_a_profile_is_made_here_of_what_the_service_cut_out(folders: Folders) -> None:
    source, target = folders
    png = io.BytesIO()
    cutout = np.zeros((400, 300, 4), np.uint8)
    cutout[100:300, 100:200] = (200, 30, 40, 255)
    Image.fromarray(cutout).save(png, "PNG")
    service = Service(result=png.getvalue())
    assert run(source, target, service) == {"done": 2}

    def publish(name: str) -> Counter[str]:
        finishing = by_profile(read_profiles()[name])
        batch = Batch(source, target, service, Ledger(target), {"sync": "0"}, finishing, name)  # type: ignore[arg-type]
        return batch.run(2, threading.Event(), lambda counts, total: None)

    assert publish("taobao-white") == {"done": 2}, "another recipe is other work"
    assert publish("taobao-white") == {"done before": 2}
    assert len(service.tasks) == 2, "of the same tasks"
    line = report_in(target)["a.jpg"]
    assert (line.result, line.profile, line.passed, line.confidence) == ("a.jpg.jpg", "taobao-white", "no", "0.9")
    assert "bytes" in line.verdicts
    assert "enlargement 3.4" in line.verdicts
    with Image.open(target.root / "a.jpg.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (800, 800))


def test_what_is_done_is_not_asked_for_again(folders: Folders) -> None:
    source, target = folders
    service = Service()
    run(source, target, service)
    before = service.asked.copy()
    assert run(source, target, service) == {"done before": 2}
    assert service.asked == before


def test_a_changed_picture_and_changed_options_are_new_work(folders: Folders) -> None:
    source, target = folders
    service = Service()
    run(source, target, service)
    source.write("a.jpg", b"another")
    assert run(source, target, service) == {"done": 1, "done before": 1}
    assert run(source, target, service, format="jpg") == {"done": 2}
    assert len(service.tasks) == 5


@pytest.mark.parametrize("calls", range(1, 7))
def test_an_interrupted_batch_goes_on_with_the_same_tasks(folders: Folders, calls: int) -> None:
    source, target = folders
    service = Service(stop_after=calls)
    try:
        run(source, target, service)
    except Stopped:
        service.stop_after = None
    run(source, target, service)
    assert len(service.tasks) == 2
    assert run(source, target, service) == {"done before": 2}


def test_a_batch_whose_memory_is_lost_finds_its_tasks_by_their_keys(folders: Folders) -> None:
    source, target = folders
    service = Service()
    run(source, target, service)
    (target.root / FILE).unlink()
    assert run(source, target, service) == {"done": 2}
    assert len(service.tasks) == 2


def test_a_large_picture_is_uploaded_once_even_if_the_batch_dies_before_its_task(folders: Folders) -> None:
    source, target = folders
    source.write("large.png", b"x" * (INLINE_BYTES + 1))
    (source.root / "a.jpg").unlink()
    (source.root / "deep/b.PNG").unlink()
    service = Service(stop_after=1)
    with pytest.raises(Stopped):
        run(source, target, service)
    service.stop_after = None
    assert run(source, target, service) == {"done": 1}
    assert (service.asked["upload"], len(service.tasks)) == (1, 1)


def test_an_upload_of_yesterday_is_made_again(folders: Folders) -> None:
    source, target = folders
    source.write("large.png", b"x" * (INLINE_BYTES + 1))
    service = Service(stop_after=1)
    batch_of_one = LocalFolder(source.root / "only")
    batch_of_one.write("large.png", source.read("large.png"))
    with pytest.raises(Stopped):
        run(batch_of_one, target, service)
    service.stop_after = None
    document = json.loads(target.read(FILE))
    document["large.png"]["uploaded_at"] -= 24 * 3600
    target.write(FILE, json.dumps(document).encode())
    assert run(batch_of_one, target, service) == {"done": 1}
    assert service.asked["upload"] == 2


def test_a_task_that_was_forgotten_is_made_again(folders: Folders) -> None:
    source, target = folders
    target.write(FILE, b"{}")
    service = Service(lost={"old"})
    ledger = Ledger(target)
    batch = Batch(source, target, service, ledger, {"sync": "0"})  # type: ignore[arg-type]
    ended, _ = batch._task("a.jpg", Entry("mark", task_id="old"))
    assert ended.task_id in service.tasks


def test_failures_are_listed_and_tried_again_under_another_key(folders: Folders) -> None:
    source, target = folders
    source.write("bad.jpg", b"bad")
    source.write("refused.jpg", b"refused")
    service = Service()
    assert run(source, target, service) == {"done": 2, "failed": 2}
    rows = failures_in(target)
    assert [(row["picture"], row["state"]) for row in rows] == [("bad.jpg", "-7"), ("refused.jpg", "")]
    assert rows[0]["message"] == "the file cannot be decoded, or its picture is too large"
    assert rows[1]["message"] == "Invalid something"
    assert run(source, target, service) == {"done before": 2, "failed": 2}
    assert len(service.tasks) == 4
    source.write("bad.jpg", b"good now")
    (source.root / "refused.jpg").unlink()
    assert run(source, target, service) == {"done": 1, "done before": 2}
    assert failures_in(target) == []


class Denying(LocalFolder):
    """a.jpg is not readable."""

    def read(self, name: str) -> bytes:
        if name == "a.jpg":
            raise PermissionError(errno.EACCES, "Permission denied", name)
        return super().read(name)


def test_a_picture_that_cannot_be_read_fails_by_itself_and_is_tried_again(folders: Folders) -> None:
    source, target = folders
    service = Service()
    for _ in range(2):
        assert run(Denying(source.root), target, service).keys() >= {"failed"}
        assert failures_in(target) == [
            {
                "picture": "a.jpg",
                "state": "",
                "message": "cannot read the file: Permission denied",
                "task_id": "",
            }
        ]
    assert run(source, target, service) == {"done": 1, "done before": 1}


def test_why_a_picture_failed_is_what_its_last_attempt_came_to(folders: Folders) -> None:
    source, target = folders
    source.write("a.jpg", b"bad")
    run(source, target, Service())
    assert [(row["state"], bool(row["task_id"])) for row in failures_in(target)] == [("-7", True)]
    run(Denying(source.root), target, Service())
    assert [(row["state"], row["task_id"]) for row in failures_in(target)] == [("", "")]


def test_a_hopeless_service_ends_the_batch_and_what_was_done_is_kept(folders: Folders) -> None:
    source, target = folders

    class Closing(Service):
        def submit(self, fields: dict[str, str], picture: bytes | None, key: str) -> str:
            if self.asked["submit"]:
                raise Unrecoverable("the quota is used up")
            return super().submit(fields, picture, key)

    batch = Batch(source, target, Closing(), Ledger(target), {"sync": "0"})  # type: ignore[arg-type]
    with pytest.raises(Unrecoverable):
        batch.run(1, threading.Event(), lambda counts, total: None)
    assert run(source, target, Service()) == {"done": 1, "done before": 1}


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
