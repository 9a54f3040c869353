"""A batch against a service that remembers what it was asked, refuses, stumbles and forgets."""

import errno
import io
import json
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cutline.batch.client import Stopped, Unrecoverable
from cutline.batch.finishing import by_profile
from cutline.batch.folders import LocalFolder
from cutline.batch.progress_file import FILE, Entry, Ledger
from cutline.batch.report import FILE as REPORT
from cutline.batch.report import ReportLine, read_report
from cutline.batch.run import FAILURES, INLINE_BYTES, Batch
from cutline.pipeline.outputs.profiles import read_profiles
from tests.support.batch_service import Folders, Service, failures_in, run


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
