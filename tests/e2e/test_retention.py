"""Accounts that retain nothing: results come inline, and afterwards the buckets and tables hold only the meter."""

import base64
import json
import re
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from skimage import data

from cutline.pipeline.options import GARMENTS
from devkit.accounts import Accounts
from devkit.clients import AidgeClient, AiLab, JdClient, PicWish, encoded, open_picture, plain_picture
from devkit.meters import meter_of
from devkit.running import RunningCloud
from tests.support.drops import Drops
from tests.support.keyed_calls import APIS, PICTURES
from tests.support.uploads import uploaded

PICTURE = plain_picture(120, 100)
PORTRAIT = encoded(data.astronaut()[:300, 60:380])
NAME = "forgetful"


@pytest.fixture(scope="module", autouse=True)
def account(accounts: Accounts) -> None:
    accounts.create(NAME, retains=False, price_micros={"*": 3000})


@pytest.fixture
def jd(cloud: RunningCloud) -> JdClient:
    return JdClient(cloud.url, f"AK-{NAME}", f"SK-{NAME}")


@pytest.fixture
def aidge(cloud: RunningCloud) -> AidgeClient:
    return AidgeClient(cloud.url, f"APP-{NAME}", f"SK-{NAME}")


@pytest.fixture
def picwish(cloud: RunningCloud) -> PicWish:
    return PicWish(cloud.url, f"key-{NAME}")


@pytest.fixture
def ailab(cloud: RunningCloud) -> AiLab:
    return AiLab(cloud.url, f"key-{NAME}")


def stored(cloud: RunningCloud, account: str) -> list[str]:
    """Every object and every record, of all buckets and tables, in whose key or body the account's name stands."""
    s3, dynamodb = cloud.client("s3"), cloud.client("dynamodb")
    found = []
    for bucket in (cloud.resources["InputBucket"], cloud.resources["OutputBucket"]):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            found += [item["Key"] for item in page.get("Contents", []) if f"/{account}/" in item["Key"]]
    for table in ("MeterTable", "TasksTable"):
        for page in dynamodb.get_paginator("scan").paginate(TableName=cloud.resources[table]):
            for item in page["Items"]:
                if account in json.dumps(item, default=str):
                    found.append(" ".join(item[name]["S"] for name in ("pk", "sk") if name in item))
    return sorted(found)


def assert_only_the_meter_is_left(cloud: RunningCloud) -> None:
    left = [name for name in stored(cloud, NAME) if not re.match(rf"ACCOUNT#{NAME}(#\w+)* DAY#", name)]
    # What keeps a signature from being used twice: the access key and a random number, gone after eleven minutes.
    assert [name for name in left if not name.startswith(f"NONCE#AK-{NAME} ")] == []


def opened(link: str, kind: str = "image/png") -> tuple[int, int]:
    """The size of the picture that the link itself is, read by the standard library as from any other address."""
    assert link.startswith(f"data:{kind};base64,")
    with urllib.request.urlopen(link) as answer:
        return open_picture(answer.read()).size


def test_what_is_looked_for_would_be_found(cloud: RunningCloud, accounts: Accounts) -> None:
    accounts.create("keeper")
    APIS["pw"](cloud.url, "keeper", PICTURES[1], "key")
    kept = stored(cloud, "keeper")
    assert [name.partition("/")[0] for name in kept if "/" in name] == ["m", "r"]
    assert len([name for name in kept if name.startswith("IDEMPOTENT#keeper ")]) == 1
    assert len([name for name in kept if "#" not in name and "/" not in name]) == 1, "the task's record"


def test_links_are_the_results_themselves(
    cloud: RunningCloud, jd: JdClient, aidge: AidgeClient, picwish: PicWish, ailab: AiLab
) -> None:
    assert opened(jd.cutout(PICTURE).json["result"]["cutout_image_url"]) == (120, 100)
    white = {"imageBase64": base64.b64encode(PICTURE).decode(), "backGroundType": "WHITE_BACKGROUND"}
    assert opened(aidge.post(white).json["data"]["imageUrl"], "image/jpeg") == (120, 100)
    task = picwish.create(PICTURE, output_type="1").json["data"]
    assert [opened(task[name]) for name in ("image", "mask")] == [(120, 100)] * 2
    union, classes = ailab.cut(PORTRAIT, cloth_class=",".join(GARMENTS)).json["data"]["elements"]
    assert opened(union["image_url"]) == (320, 300)
    assert [opened(link) for link in classes["class_url"].values() if link]
    assert_only_the_meter_is_left(cloud)


def test_what_is_inline_anyway_is_as_ever(cloud: RunningCloud, jd: JdClient, picwish: PicWish) -> None:
    portrait = jd.segment(PORTRAIT).json["result"]
    assert open_picture(base64.b64decode(portrait["image"])).size == (320, 300)
    encoded_task = picwish.create(PICTURE, return_type="2").json["data"]
    assert open_picture(base64.b64decode(encoded_task["image"])).size == (120, 100)
    assert open_picture(picwish.create(PICTURE, return_type="3").body).size == (120, 100)
    assert_only_the_meter_is_left(cloud)


def test_a_task_cannot_be_asked_for_later(cloud: RunningCloud, picwish: PicWish) -> None:
    done = picwish.create(PICTURE).json["data"]
    failed = picwish.create(None, image_url="http://127.0.0.1/a.jpg").json["data"]
    assert (done["state"], failed["state"]) == (1, -3)
    assert [picwish.query(task["task_id"]).status for task in (done, failed)] == [404, 404]
    assert_only_the_meter_is_left(cloud)


def test_background_tasks_are_refused_and_cost_nothing(cloud: RunningCloud, picwish: PicWish) -> None:
    before = meter_of(cloud, NAME)
    refused = picwish.create(PICTURE, sync="0")
    assert (refused.status, refused.json["status"]) == (400, 400)
    assert refused.json["message"] == "Invalid sync: this account keeps no results, so it has no background tasks"
    assert meter_of(cloud, NAME) == before
    assert_only_the_meter_is_left(cloud)


@pytest.mark.parametrize("api", APIS)
def test_a_repeated_key_is_a_call_of_its_own(cloud: RunningCloud, api: str) -> None:
    before = meter_of(cloud, NAME)["charged_micros"]
    first, again, other = (APIS[api](cloud.url, NAME, picture, "k") for picture in (*PICTURES[:1] * 2, PICTURES[1]))
    assert [answer.status for answer in (first, again)] == [200, 200]
    assert other.status in (200, 422), "no mismatch is reported, for nothing is known of the first call"
    assert not [answer for answer in (first, again, other) if "idempotency-replayed" in answer.headers]
    assert meter_of(cloud, NAME)["charged_micros"] - before in (2 * 3000, 3 * 3000)
    assert_only_the_meter_is_left(cloud)


def with_aidge(cloud: RunningCloud, source: str) -> Any:
    return AidgeClient(cloud.url, f"APP-{NAME}", f"SK-{NAME}").post({"imageUrl": source}).json


def with_picwish(cloud: RunningCloud, source: str) -> Any:
    return PicWish(cloud.url, f"key-{NAME}").create(None, image_url=source).json


def with_ailab(cloud: RunningCloud, source: str) -> Any:
    return AiLab(cloud.url, f"key-{NAME}").cut(None, image=source).json


@pytest.mark.parametrize(
    ("call", "served", "gone"),
    [
        (with_aidge, lambda said: said["resCode"] == 200, lambda said: said["resCode"] == 700),
        (with_picwish, lambda said: said["data"]["state"] == 1, lambda said: said["data"]["state"] == -3),
        (with_ailab, lambda said: said["error_code"] == 0, lambda said: said["error_code"] == 400),
    ],
    ids=["aid", "pw", "ail"],
)
def test_an_upload_is_gone_once_it_has_been_used(
    cloud: RunningCloud, call: Callable[[RunningCloud, str], Any], served: Any, gone: Any
) -> None:
    source = uploaded(cloud, PORTRAIT, {"X-API-KEY": f"key-{NAME}"})
    assert stored(cloud, NAME)[-1] == source.removeprefix("upload:")
    assert served(call(cloud, source))
    assert_only_the_meter_is_left(cloud)
    assert gone(call(cloud, source))
    for useless in (b"no picture", bytes(15 * 1024 * 1024)):
        named = uploaded(cloud, useless, {"X-API-KEY": f"key-{NAME}"})
        assert not served(call(cloud, named))
        assert_only_the_meter_is_left(cloud)


def test_drops_are_refused_and_nothing_comes_of_them(cloud: RunningCloud, accounts: Accounts) -> None:
    accounts.create("dropless", retains=False)
    drops, key = Drops(cloud, cloud.client("s3")), "in/dropless/auto/a.png"
    drops.put(key)
    reported = drops.reported(key)
    assert (reported["reason"], reported["message"]) == (
        "parameter_invalid", "this account keeps no pictures, so drops are not worked"
    )  # fmt: skip
    drops.settle()
    assert stored(cloud, "dropless") == [key, f"{key}.error.json"], "the owner's own file, and why it was not worked"


def test_the_operator_switches_it_by_the_command(cloud: RunningCloud, cutline: Callable[..., str]) -> None:
    cutline("account", "create", "switched", "--retention", "off")
    assert json.loads(cutline("account", "show", "switched", "--json"))["retention"] == "off"
    cutline("account", "set", "switched", "--retention", "on")
    assert json.loads(cutline("account", "show", "switched", "--json"))["retention"] == "on"
