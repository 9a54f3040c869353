"""Background pictures of tasks: fetched and checked before the network runs, kept until the end, deleted then."""

import io

import numpy as np
import pytest
from PIL import Image

from cutline.contracts import task_record
from cutline.errors import InputRefused, Reason
from cutline.pipeline.finish.options import BackgroundPicture, Shadow
from cutline.pipeline.options import CutOptions
from cutline.tasks import prepare as preparing
from cutline.tasks.step import Step
from devkit.clients import encoded
from tests.support.task_stack import SHOP, Stack
from tests.support.task_steps import PICTURE, fail, finish, matte, prepare

RED = np.full((30, 30, 3), (255, 0, 0), np.uint8)
FILE = encoded(RED, "PNG")
UPLOAD = f"u/{SHOP.account_id}/{'0' * 32}"


@pytest.mark.parametrize("way", ["address", "upload", "file"])
def test_a_subject_stands_on_the_picture(stack: Stack, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    source = {"address": "https://shop.example/red.png", "upload": f"upload:{UPLOAD}", "file": ""}[way]
    monkeypatch.setattr(preparing, "fetch", lambda url, *_: {"https://shop.example/red.png": FILE}[url])
    stack.files.put(UPLOAD, FILE)
    task = stack.task(PICTURE, cut=CutOptions(background=BackgroundPicture(source), shadow=Shadow("auto")))
    task_id = task.record.task_id
    if way == "file":
        stack.files.put(task.backdrop_key, FILE)
    assert prepare(stack).run(task_id, Step())
    assert stack.files.get(task.backdrop_key) == FILE
    stack.files.delete(UPLOAD)  # what prepare has read stays
    assert matte(stack).run(task_id, Step())
    finish(stack).run(task_id, Step())
    found = stack.tasks.find(task_id)
    assert found is not None
    assert found.record.metadata is not None
    assert found.record.metadata.shadow in ("keep", "drop")
    with Image.open(io.BytesIO(stack.results.get(found.record.keys["image"]))) as image:
        assert image.mode == "RGB"
        assert image.getpixel((2, 2)) == (255, 0, 0)
    assert stack.objects(stack.files.bucket) == set()
    assert stack.day()["charged_micros"] == 3000


@pytest.mark.parametrize(
    ("source", "data"),
    [
        ("http://127.0.0.1/red.png", b""),
        ("upload:u/another/" + "0" * 32, b""),
        (f"upload:u/{SHOP.account_id}/" + "1" * 32, b""),
        (f"upload:{UPLOAD}", b"no picture"),
    ],
)
def test_one_that_cannot_be_fetched_or_read_is_refused_before_the_network_and_not_charged(
    stack: Stack, source: str, data: bytes
) -> None:
    if data:
        stack.files.put(UPLOAD, data)
    task_id = stack.task(PICTURE, cut=CutOptions(background=BackgroundPicture(source))).record.task_id
    with pytest.raises(InputRefused, check=lambda error: error.reason is Reason.BACKDROP_UNREACHABLE):
        prepare(stack).run(task_id, Step())
    fail(stack).run(task_id, Reason.BACKDROP_UNREACHABLE, Step())
    found = stack.tasks.find(task_id)
    assert found is not None
    assert found.record.state == task_record.STATES[Reason.BACKDROP_UNREACHABLE] == -3
    assert "charged_micros" not in stack.day()
