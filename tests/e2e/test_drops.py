"""Pictures dropped into the input bucket: S3, queue, intake and flow, up to the file that comes out."""

from collections.abc import Iterator

import pytest

from devkit.accounts import Accounts
from devkit.clients import PicWish, follow, open_picture, plain_picture
from devkit.meters import meter_of
from devkit.patience import until
from devkit.running import RunningCloud
from tests.support.drops import PICTURE, Drops


@pytest.fixture(scope="module")
def drops(cloud: RunningCloud) -> Iterator[Drops]:
    dropped = Drops(cloud, cloud.client("s3"))
    yield dropped
    attributes = ["ApproximateNumberOfMessages"]
    dead = cloud.client("sqs").get_queue_attributes(
        QueueUrl=cloud.resources["IntakeDeadLetters"], AttributeNames=attributes
    )
    assert dead["Attributes"] == {"ApproximateNumberOfMessages": "0"}


def test_a_dropped_picture_comes_out_under_its_name(drops: Drops, cloud: RunningCloud, accounts: Accounts) -> None:
    accounts.create("dropper", price_micros={"pw": 3000}, daily_quota=9)
    key = "in/dropper/object/summer 2026/a+b ü.png"
    drops.put(key, output_type="1", crop="1")
    assert drops.wait(key, 2) == [f"{key}-mask.png", f"{key}.png"]
    result = drops.get(f"{key}.png")
    assert open_picture(result["Body"].read()).mode == "RGBA"
    task_id = result["Metadata"]["task-id"]
    shown = PicWish(cloud.url, "key-dropper").poll(task_id)
    assert (shown["state"], shown["type"], shown["output_type"]) == (1, "object", 1)
    assert open_picture(follow(shown["image"]).body).mode == "RGBA"
    meter = until(lambda: (found := meter_of(cloud, "dropper")).get("calls_pw") and found)
    assert (int(meter["taken"]), int(meter["charged_micros"])) == (1, 3000)  # type: ignore[index]


def test_pictures_that_differ_by_their_ending_have_separate_results(drops: Drops, accounts: Accounts) -> None:
    accounts.create("twins")
    drops.put("in/twins/auto/x.jpg", format="jpg", bg_color="00ff00")
    drops.put("in/twins/auto/x.png")
    assert drops.wait("in/twins/", 2) == ["in/twins/auto/x.jpg.jpg", "in/twins/auto/x.png.png"]
    corner = open_picture(drops.get("in/twins/auto/x.jpg.jpg")["Body"].read()).getpixel((0, 0))
    assert corner[1] > 200 > corner[0]  # type: ignore[index]


def test_events_that_come_twice_late_or_out_of_order_make_one_task_each(
    drops: Drops, cloud: RunningCloud, accounts: Accounts
) -> None:
    accounts.create("echo", price_micros={"pw": 7}, daily_quota=9)
    key = "in/echo/auto/x.png"
    etag = drops.put(key)
    for _ in range(3):
        drops.tell(key, etag)
    drops.tell(key, "an older picture's")
    (result,) = drops.wait(key)
    task_id = drops.get(result)["Metadata"]["task-id"]
    meter = until(lambda: (found := meter_of(cloud, "echo")).get("calls_pw") and found)
    drops.tell(key, etag)
    drops.settle()
    assert drops.get(result)["Metadata"]["task-id"] == task_id
    meter = meter_of(cloud, "echo")
    assert (int(meter["taken"]), int(meter["calls_pw"]), int(meter["charged_micros"])) == (1, 1, 7)
    replaced = drops.put(key, plain_picture(80, 100))
    assert replaced != etag
    until(lambda: drops.get(result)["Metadata"]["task-id"] != task_id)
    until(lambda: int(meter_of(cloud, "echo")["calls_pw"]) == 2)
    assert open_picture(drops.get(result)["Body"].read()).size == (80, 100)


@pytest.mark.parametrize(
    ("key", "data", "metadata", "reason"),
    [
        ("in/strict/auto/text.jpg", b"no picture", {}, "image_type"),
        ("in/strict/auto/empty.jpg", b"", {}, "image_empty"),
        ("in/strict/auto/short.png", PICTURE[:200], {}, "image_corrupt"),
        ("in/strict/auto/wide.png", plain_picture(4097, 20), {}, "resolution_too_high"),
        ("in/strict/auto/huge.png", PICTURE.ljust(15 * 1024 * 1024 + 1, b"\0"), {}, "url_too_large"),
        ("in/strict/auto/folder/", b"", {}, "parameter_invalid"),
        ("in/strict/cat/x.png", PICTURE, {}, "parameter_invalid"),
        ("in/strict/auto/x.png", PICTURE, {"output_type": "5"}, "parameter_invalid"),
        ("in/missing/auto/x.png", PICTURE, {}, "key_unknown"),
        ("in/shut/auto/x.png", PICTURE, {}, "account_disabled"),
        ("in/aidge-only/auto/x.png", PICTURE, {}, "api_not_allowed"),
        ("in/spent/auto/x.png", PICTURE, {}, "quota_exceeded"),
    ],
)
def test_a_drop_that_comes_to_nothing_says_why(
    drops: Drops, cloud: RunningCloud, accounts: Accounts, key: str, data: bytes, metadata: dict[str, str], reason: str
) -> None:
    accounts.create("strict", price_micros={"pw": 5})
    accounts.create("shut", enabled=False)
    accounts.create("aidge-only", apis=frozenset({"aid"}))
    accounts.create("spent", daily_quota=0)
    drops.put(key, data, **metadata)
    document = drops.reported(key)
    assert document["reason"] == reason
    bad_file = -5 if reason == "url_too_large" else -7
    assert document["state"] == (bad_file if reason.startswith(("image", "resolution", "url")) else -1)
    assert document["message"]
    assert int(meter_of(cloud, "strict").get("charged_micros", 0)) == 0


def test_results_are_no_drops(drops: Drops, accounts: Accounts) -> None:
    accounts.create("loop")
    drops.put("in/loop/auto/x.png")
    drops.wait("in/loop/")
    bucket = drops.cloud.resources["OutputBucket"]
    drops.s3.put_object(Bucket=bucket, Key="in/loop/auto/y.png", Body=PICTURE)
    drops.put("in/loop/auto/z.png")
    drops.wait("in/loop/auto/z.png.png")
    drops.settle()
    assert drops.results("in/loop/") == ["in/loop/auto/x.png.png", "in/loop/auto/y.png", "in/loop/auto/z.png.png"]
