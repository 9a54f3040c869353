"""A file as the background of a batch: uploaded once for all pictures, and part of what a result was made with."""

from dataclasses import replace

import pytest

from cutline.batch.client import Refused, Stopped
from cutline.batch.progress_file import Ledger
from tests.support.batch_service import Folders, Service, failures_in, run


def test_it_is_uploaded_once_for_all_pictures_and_named_to_the_service(folders: Folders) -> None:
    source, target = folders
    service = Service()
    assert run(source, target, service, b"oak table") == {"done": 2}
    assert list(service.uploads.values()) == [b"oak table"]
    assert [fields["background"] for fields in service.fields] == ["upload:0"] * 2
    assert run(source, target, service, b"oak table") == {"done before": 2}


def test_another_file_is_new_work_and_so_is_none(folders: Folders) -> None:
    source, target = folders
    service = Service()
    run(source, target, service, b"oak table")
    assert run(source, target, service, b"marble") == {"done": 2}
    assert list(service.uploads.values()) == [b"oak table", b"marble"]
    assert run(source, target, service) == {"done": 2}
    assert "background" not in service.fields[-1]
    assert len(service.tasks) == 6


@pytest.mark.parametrize("calls", range(6))
def test_an_interrupted_batch_goes_on_with_its_upload_and_its_tasks(folders: Folders, calls: int) -> None:
    source, target = folders
    service = Service(stop_after=calls)
    with pytest.raises(Stopped):
        run(source, target, service, b"oak table")
    service.stop_after = None
    assert run(source, target, service, b"oak table").total() == 2
    assert len(service.tasks) == 2
    assert len(service.uploads) == 1


def test_an_upload_of_yesterday_is_made_again(folders: Folders) -> None:
    source, target = folders
    service = Service()
    run(source, target, service, b"oak table")
    ledger = Ledger(target)
    entry = ledger.get("/background")
    assert entry is not None
    ledger.put("/background", replace(entry, uploaded_at=entry.uploaded_at - 21 * 3600), at_once=True)
    source.write("new.jpg", b"new")
    assert run(source, target, service, b"oak table") == {"done": 1, "done before": 2}
    assert service.fields[-1]["background"] == "upload:1"


def test_a_refused_upload_fails_every_picture_and_charges_none(folders: Folders) -> None:
    source, target = folders

    class Full(Service):
        def upload(self, picture: bytes) -> str:
            raise Refused("the upload failed with HTTP status 403")

    service = Full()
    assert run(source, target, service, b"oak table") == {"failed": 2}
    assert service.asked["submit"] == 0
    assert {row["message"] for row in failures_in(target)} == {"the upload failed with HTTP status 403"}
