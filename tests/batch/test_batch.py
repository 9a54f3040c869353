"""A batch against a service that remembers what it was asked, refuses, stumbles and forgets."""

import csv
import hashlib
import io
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from cutline.batch.client import Hopeless, Refused, Stopped
from cutline.batch.folders import LocalFolder, S3Folder
from cutline.batch.ledger import FILE, Entry, Ledger
from cutline.batch.run import FAILURES, INLINE_BYTES, Batch


@dataclass
class Service:
    """Tasks in memory. One Idempotency-Key is one task, as with the true one; a bad picture is a failed task."""

    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    uploads: dict[str, bytes] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    stop_after: int | None = None

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

    def download(self, url: str) -> tuple[bytes, str]:
        self._count("download")
        return f"result of {url}".encode(), "image/png"

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
    }
    assert target.read("a.jpg.png").startswith(b"result of link/")
    assert failures_in(target) == []


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
    assert rows[0]["message"] == "the file is no picture that can be decoded, or too large a one"
    assert rows[1]["message"] == "Invalid something"
    assert run(source, target, service) == {"done before": 2, "failed": 2}
    assert len(service.tasks) == 4
    source.write("bad.jpg", b"good now")
    (source.root / "refused.jpg").unlink()
    assert run(source, target, service) == {"done": 1, "done before": 2}
    assert failures_in(target) == []


def test_a_hopeless_service_ends_the_batch_and_what_was_done_is_kept(folders: Folders) -> None:
    source, target = folders

    class Closing(Service):
        def submit(self, fields: dict[str, str], picture: bytes | None, key: str) -> str:
            if self.asked["submit"]:
                raise Hopeless("the quota is used up")
            return super().submit(fields, picture, key)

    batch = Batch(source, target, Closing(), Ledger(target), {"sync": "0"})  # type: ignore[arg-type]
    with pytest.raises(Hopeless):
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
