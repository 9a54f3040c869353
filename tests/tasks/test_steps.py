"""The steps of a task, run once, twice, out of turn and interrupted."""

import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError
from PIL import Image
from skimage import data

from cutline.accounts.meter import Meter
from cutline.contracts import picwish, task_record
from cutline.contracts.apis import TASK_APIS
from cutline.contracts.task_record import TaskContract
from cutline.errors import InputRefused, MattingError, Reason, ServiceFault
from cutline.pipeline.codecs.decode import decode_image
from cutline.pipeline.inference.model_config import read_entry
from cutline.pipeline.inference.network import Network
from cutline.pipeline.inference.prediction_file import KnownPredictions, encode_predictions
from cutline.pipeline.layout.framing import Framing
from cutline.pipeline.layout.framing_parser import read_region
from cutline.pipeline.options import CutOptions
from cutline.pipeline.outputs.files import make_files
from cutline.pipeline.outputs.metadata import ResultMetadata
from cutline.tasks.fail import reason_of
from cutline.tasks.matte import Matte
from cutline.tasks.predictors import CpuPredictor
from cutline.tasks.step import Step
from cutline.tasks.task import WorkOrder
from cutline.tasks.view import show_task
from devkit.clients import encoded, plain_picture
from tests.support.task_stack import NOW, Stack
from tests.support.task_steps import MODELS, PICTURE, fail, finish, matte, prepare

STEP = Step()


class Dying(Meter):
    """A meter whose table is away when a call is to be charged."""

    def settle(self, *args: Any) -> None:  # type: ignore[override]
        raise ClientError({"Error": {"Code": "InternalServerError"}}, "UpdateItem")


def run(stack: Stack, data: bytes = PICTURE, **options: Any) -> task_record.TaskRecord:
    """A task from accepted to done."""
    task_id = stack.task(data, **options).record.task_id
    assert prepare(stack).run(task_id, STEP)
    assert matte(stack).run(task_id, STEP)
    finish(stack).run(task_id, STEP)
    found = stack.tasks.find(task_id)
    assert found is not None
    return found.record


def test_a_task_is_done_stored_charged_and_leaves_no_work_files(stack: Stack) -> None:
    record = run(stack, output_type=task_record.BOTH, cut=CutOptions(want_mask=True))
    assert (record.state, record.processed_at, record.completed_at) == (task_record.DONE, NOW + 1, NOW + 5)
    assert set(record.keys) == {"image", "mask"}
    assert stack.objects(stack.output_bucket) == set(record.keys.values())
    assert stack.objects(stack.files.bucket) == set()
    counters = stack.day()
    assert (counters["taken"], counters["calls_pw"], counters["charged_micros"]) == (1, 1, 3000)
    assert not any(name.startswith("hold:") for name in counters)
    with Image.open(io.BytesIO(stack.results.get(record.keys["image"]))) as image:
        assert (image.mode, image.size) == ("RGBA", (480, 360))


def test_a_profile_and_a_framing_are_kept_with_the_result(stack: Stack) -> None:
    def made(cut: CutOptions) -> tuple[Image.Image, dict[str, str], ResultMetadata]:
        record = run(stack, cut=cut)
        answer = stack.results._s3.get_object(Bucket=stack.output_bucket, Key=record.keys["image"])
        assert record.metadata is not None
        return Image.open(io.BytesIO(answer["Body"].read())), answer["Metadata"], record.metadata

    image, stored, metadata = made(CutOptions(profile="amazon-main"))
    assert (image.format, image.size, image.getpixel((2, 2))) == ("JPEG", (1000, 1000), (255, 255, 255))
    assert (stored["profile"], stored["passed"]) == ("amazon-main", "yes")
    assert "share 0.9; ratio 1000:1000" in stored["verdicts"]
    assert float(stored["enlargement"]) > 1
    assert (metadata.passed, metadata.profile) == (True, "amazon-main")
    assert stored == {"task-id": stored["task-id"], **metadata.object_metadata}
    assert next(verdict.measured for verdict in metadata.verdicts if verdict.rule == "longest_side") == "1000"
    image, stored, metadata = made(CutOptions(crop=True, image_format="webp", framing=Framing(ratio=2.0)))
    assert (image.format, round(image.width / image.height, 1)) == ("WEBP", 2)
    assert 0 < float(stored["confidence"]) <= 1
    assert f"{metadata.confidence:.4f}" == stored["confidence"]
    assert "profile" not in stored


# Reduced to 25 megapixels, the first would have some pixels more and the second some fewer.
@pytest.mark.parametrize("framing", [Framing(least=(4500, 4500)), Framing(least=(4500, 4500), ratio=1.5)])
def test_a_frame_beyond_25_megapixels_is_refused_and_not_made(stack: Stack, framing: Framing) -> None:
    cut = CutOptions(framing=framing)
    with pytest.raises(InputRefused) as refused:
        run(stack, cut=cut)
    assert refused.value.reason is Reason.RESOLUTION_TOO_HIGH


def test_a_task_is_shown_with_its_confidence(stack: Stack) -> None:
    record = run(stack)
    response = show_task(picwish, record, stack.results, "https://shop.example")
    assert record.metadata is not None
    assert response.headers["X-Cutline-Confidence"] == f"{record.metadata.confidence:.4f}"
    assert json.loads(response.body)["data"]["confidence"] == round(record.metadata.confidence or 0, 4)
    failed = show_task(picwish, replace(record, state=-1, metadata=None), stack.results, "https://shop.example")
    assert "X-Cutline-Confidence" not in failed.headers


def _pictures() -> dict[str, bytes]:
    astronaut, cat = data.astronaut(), data.chelsea()
    large = np.asarray(Image.fromarray(astronaut).resize((3200, 3100), Image.Resampling.BICUBIC))
    fading = np.dstack([astronaut, np.tile(np.linspace(0, 255, 512).astype(np.uint8), (512, 1))])
    return {
        "small": PICTURE,
        "one pixel": encoded(cat[:1, :1]),
        "photograph": encoded(astronaut),
        "of 1 MP": encoded(np.asarray(Image.fromarray(cat).resize((1200, 900), Image.Resampling.BICUBIC))),
        "reduced once for edges and network": encoded(large),
        "small subject": encoded(np.pad(cat, ((500, 100), (300, 700), (0, 0)), mode="edge")),
        "tiled": encoded(np.tile(astronaut[:300], (1, 2, 1))),
        "tiled, large": encoded(np.tile(np.repeat(np.repeat(astronaut, 2, 0), 2, 1)[:900], (1, 2, 1))),
        "strip": encoded(np.tile(cat[:100], (1, 5, 1))),
        "with alpha": encoded(fading, "PNG"),
    }


PICTURES = _pictures()


@pytest.mark.parametrize(
    ("name", "model", "roi"),
    [
        *((name, "matte", None) for name in PICTURES),
        *((name, "fine", None) for name in ("of 1 MP", "small subject", "tiled")),
        *((name, "matte", read_region("20% 0% 75% 60%")) for name in ("photograph", "with alpha", "strip")),
    ],
)
def test_a_task_makes_exactly_the_files_of_a_synchronous_call(stack: Stack, name: str, model: str, roi: Any) -> None:
    picture, cut = PICTURES[name], CutOptions(roi=roi, want_mask=True)
    task = stack.task(picture, cut=cut, output_type=task_record.BOTH)
    replace(prepare(stack), entry=read_entry(MODELS, model)).run(task.record.task_id, STEP)
    Matte(stack.tasks, stack.files, CpuPredictor(MODELS, model, 1).predict).run(task.record.task_id, STEP)
    made = make_files(decode_image(picture, picwish.LIMITS), cut, Network.open(MODELS, model, 1), Step())
    try:
        finish(stack).run(task.record.task_id, STEP)
    except InputRefused as refused:
        assert (refused.reason, made.metadata.coverage) == (Reason.NO_SUBJECT, 0)
        return
    found = stack.tasks.find(task.record.task_id)
    assert found is not None
    record = found.record
    assert {name: stack.results.get(key) for name, key in record.keys.items()} == made.files
    assert record.metadata == made.metadata


def test_states_follow_the_steps(stack: Stack) -> None:
    task = stack.task(PICTURE)
    assert stack.state(task) == task_record.QUEUED
    prepare(stack).run(task.record.task_id, STEP)
    assert stack.state(task) == task_record.PREPARING
    assert stack.files.exists(task.view_key)  # what GET shows as state 3
    matte(stack).run(task.record.task_id, STEP)
    assert stack.state(task) == task_record.PROCESSING
    finish(stack).run(task.record.task_id, STEP)
    assert stack.state(task) == task_record.DONE


def test_every_step_may_run_twice(stack: Stack) -> None:
    task_id = stack.task(PICTURE, callback_url="https://shop.example/done").record.task_id
    for step in (prepare(stack), matte(stack)):
        assert [step.run(task_id, STEP), step.run(task_id, STEP)] == [True, True]
    assert [finish(stack).run(task_id, STEP), finish(stack).run(task_id, STEP)] == [True, True]
    assert len(stack.objects(stack.output_bucket)) == 1
    assert stack.day()["charged_micros"] == 3000


@pytest.mark.parametrize("ended", [task_record.DONE, -7])
def test_nothing_changes_a_task_that_has_ended(stack: Stack, ended: int) -> None:
    task = stack.task(PICTURE)
    task_id = task.record.task_id
    if ended == task_record.DONE:
        prepare(stack).run(task_id, STEP), matte(stack).run(task_id, STEP), finish(stack).run(task_id, STEP)
    else:
        fail(stack).run(task_id, Reason.IMAGE_CORRUPT, STEP)
    before = stack.day()
    assert prepare(stack).run(task_id, STEP) is False
    assert matte(stack).run(task_id, STEP) is False
    finish(stack).run(task_id, STEP)
    fail(stack).run(task_id, Reason.TIMED_OUT, STEP)
    assert stack.state(task) == ended
    assert stack.day() == before


def test_a_task_that_dies_after_its_end_was_written_is_charged_by_the_next_try(stack: Stack) -> None:
    task = stack.task(PICTURE)
    task_id = task.record.task_id
    prepare(stack).run(task_id, STEP), matte(stack).run(task_id, STEP)
    with pytest.raises(ClientError):
        finish(stack, Dying(stack.meters)).run(task_id, STEP)
    assert (stack.state(task), stack.day().get("charged_micros", 0)) == (task_record.DONE, 0)
    assert stack.noted_charges == []
    for _ in range(2):
        finish(stack).run(task_id, STEP)
    assert (stack.day()["charged_micros"], stack.noted_charges) == (3000, [3000])


def test_a_done_task_that_could_not_be_charged_is_charged_by_its_failing(stack: Stack) -> None:
    task = stack.task(PICTURE, callback_url="https://shop.example/done")
    task_id = task.record.task_id
    prepare(stack).run(task_id, STEP), matte(stack).run(task_id, STEP)
    with pytest.raises(ClientError):
        finish(stack, Dying(stack.meters)).run(task_id, STEP)
    for _ in range(2):
        assert fail(stack).run(task_id, Reason.INTERNAL, STEP) is True
    assert (stack.state(task), stack.day()["charged_micros"], stack.noted_charges) == (task_record.DONE, 3000, [3000])
    assert stack.objects(stack.files.bucket) == set()


def test_a_failed_task_costs_nothing_and_gives_its_quota_back(stack: Stack) -> None:
    task = stack.task(PICTURE, callback_url="https://shop.example/done")
    prepare(stack).run(task.record.task_id, STEP)
    assert fail(stack).run(task.record.task_id, Reason.STORE_FAILED, STEP) is True
    assert stack.state(task) == -2
    counters = stack.day()
    assert (counters["taken"], counters.get("charged_micros", 0), counters["refused_pw"]) == (0, 0, 1)
    assert stack.objects(stack.files.bucket) == set()
    assert fail(stack).run(task.record.task_id, Reason.TIMED_OUT, STEP) is True
    assert (stack.state(task), stack.day()) == (-2, counters)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no picture", Reason.IMAGE_TYPE),
        (PICTURE[: len(PICTURE) // 2], Reason.IMAGE_CORRUPT),
        (plain_picture(4097, 8), Reason.RESOLUTION_TOO_HIGH),
    ],
)
def test_a_picture_outside_the_contract_is_refused_by_preparing(stack: Stack, data: bytes, reason: Reason) -> None:
    task = stack.task(data)
    with pytest.raises(InputRefused) as refused:
        prepare(stack).run(task.record.task_id, STEP)
    assert refused.value.reason is reason


def test_an_address_that_must_not_be_fetched_is_refused_by_preparing(stack: Stack) -> None:
    task = stack.task(url="http://169.254.169.254/latest")
    with pytest.raises(InputRefused) as refused:
        prepare(stack).run(task.record.task_id, STEP)
    assert refused.value.reason is Reason.URL_UNREACHABLE


def test_no_account_has_more_sources_in_flight_than_calls(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five tasks a second from a server that dribbles for 10 s held 50 functions, within the rate of their account."""
    tasks = [stack.task(url="http://slow.example/1.png").record.task_id for _ in range(6)]
    reasons: list[Reason] = []

    def slow(*_: object) -> bytes:
        """While it is read, the next task is prepared."""
        at_once.append(stack.day()["under_way"])
        if tasks:
            with pytest.raises(MattingError) as failed:
                prepare(stack).run(tasks.pop(), STEP)
            reasons.append(failed.value.reason)
        raise InputRefused(Reason.URL_UNREACHABLE)

    at_once: list[int] = []
    monkeypatch.setattr("cutline.tasks.prepare.fetch", slow)
    with pytest.raises(InputRefused):
        prepare(stack).run(tasks.pop(), STEP)
    # The first call beyond the limit is refused; then those in flight fail, one after another.
    assert reasons == [Reason.RATE_EXCEEDED] + [Reason.URL_UNREACHABLE] * 3
    assert (at_once, stack.day()["under_way"]) == ([1, 2, 3, 4], 0)


def test_an_empty_matte_is_no_subject(stack: Stack) -> None:
    task_id = stack.task(PICTURE).record.task_id
    prepare(stack).run(task_id, STEP)
    nothing = np.zeros((320, 320), np.float32)
    maps = encode_predictions(KnownPredictions({"foreground": nothing, "person": nothing}, None))
    Matte(stack.tasks, stack.files, lambda view: maps).run(task_id, STEP)
    with pytest.raises(InputRefused) as refused:
        finish(stack).run(task_id, STEP)
    assert refused.value.reason is Reason.NO_SUBJECT
    assert stack.objects(stack.output_bucket) == set()


def test_a_result_too_large_for_base64_is_an_upload_that_failed(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picwish, "MAX_INLINE_BYTES", 750)
    task_id = stack.task(PICTURE, return_type=task_record.AS_BASE64).record.task_id
    prepare(stack).run(task_id, STEP), matte(stack).run(task_id, STEP)
    with pytest.raises(ServiceFault) as fault:
        finish(stack).run(task_id, STEP)
    assert (task_record.STATES[fault.value.reason], fault.value.retry) == (-2, False)


def test_a_missing_work_file_is_a_fault_that_another_try_may_heal(stack: Stack) -> None:
    task_id = stack.task().record.task_id
    with pytest.raises(ServiceFault) as fault:
        prepare(stack).run(task_id, STEP)
    assert fault.value.reason is Reason.INTERNAL


def test_an_unknown_task_is_no_work(stack: Stack) -> None:
    assert prepare(stack).run("unknown", STEP) is False
    assert matte(stack).run("unknown", STEP) is False
    assert finish(stack).run("unknown", STEP) is False
    assert fail(stack).run("unknown", Reason.INTERNAL, STEP) is False


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"Error": "StepRefused", "Cause": '{"errorMessage":"image_corrupt"}'}, Reason.IMAGE_CORRUPT),
        ({"Error": "StepFailed", "Cause": '{"errorMessage":"no_subject"}'}, Reason.NO_SUBJECT),
        ({"Error": "States.Timeout", "Cause": ""}, Reason.TIMED_OUT),
        ({"Error": "Sandbox.Timedout", "Cause": '{"errorMessage":"RequestId: 1 Task timed out"}'}, Reason.TIMED_OUT),
        ({"Error": "Lambda.Unknown", "Cause": "The cause could not be determined"}, Reason.MODEL_FAILED),
        ({"Error": "ClientError", "Cause": '{"errorMessage":"An error occurred: image_corrupt"}'}, Reason.MODEL_FAILED),
        ({"Error": "ClientError", "Cause": '{"errorMessage":"image_corrupt"}'}, Reason.MODEL_FAILED),
        ({"Error": "StepFailed", "Cause": "image_corrupt"}, Reason.MODEL_FAILED),
        ({"Error": "StepFailed", "Cause": '["no","object"]'}, Reason.MODEL_FAILED),
        ({}, Reason.MODEL_FAILED),
    ],
)
def test_only_a_steps_own_error_carries_a_reason(error: dict[str, str], reason: Reason) -> None:
    assert reason_of(error) is reason


def test_an_order_survives_its_storage() -> None:
    order = WorkOrder(
        CutOptions(background=(1, 2, 3), crop=True), "2024-01-02", "call", 5, "https://x", source_url="http://y"
    )
    assert WorkOrder.from_json(order.to_json()) == order
    plain = replace(order, cut=CutOptions())
    assert WorkOrder.from_json(plain.to_json()) == plain
    # Of a dropped picture: no request was made, so the service's own address is unknown.
    dropped = WorkOrder(CutOptions(), "2024-01-01", "id", 0, base_url="", source_key="in/a.jpg", result_key="in/a")
    assert WorkOrder.from_json(dropped.to_json()) == dropped


@pytest.mark.parametrize("contract", TASK_APIS.values(), ids=TASK_APIS)
@pytest.mark.parametrize("fails", [False, True])
def test_a_task_is_known_for_as_long_as_its_key_repeats_its_id(
    stack: Stack, contract: TaskContract, fails: bool
) -> None:
    """A repeated Idempotency-Key answers with the id for LINK_LIFETIME_S; the id must lead somewhere for as long."""
    task = stack.task(PICTURE, api=contract.NAME)
    if fails:
        fail(stack).run(task.record.task_id, Reason.MODEL_FAILED, STEP)
    else:
        for step in (prepare(stack), matte(stack), finish(stack)):
            step.run(task.record.task_id, STEP)
    lifetime_s = contract.LINK_LIFETIME_S
    shown = [
        stack.tasks.get(task.record.task_id, "shop", NOW + seconds, lifetime_s) is not None
        for seconds in (lifetime_s - 1, lifetime_s + 60)
    ]
    assert shown == [True, False]
