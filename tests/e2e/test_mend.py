"""Mends of results over HTTP: a new version under the same link, of calls, tasks and drops (contracts.md 6.5)."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage import data

from cutline import Cutter
from devkit.accounts import Accounts
from devkit.clients import Answer, PicWish, encoded, follow, open_picture, send
from devkit.meters import meter_of
from devkit.patience import until
from devkit.running import RunningCloud, running_cloud
from tests.support.drops import Drops

PHOTO = encoded(data.astronaut(), "PNG")
REMOVE = {"do": "remove", "radius": 0.03, "points": [[0.3, 0.1], [0.36, 0.12]]}
KEEP = {"do": "keep", "radius": 0.02, "points": [[0.9, 0.1], [0.92, 0.14]]}


def mend(link: str, *strokes: dict[str, Any], key: str = "", body: bytes = b"") -> Answer:
    headers = {"Content-Type": "application/json", **({"Idempotency-Key": key} if key else {})}
    return send("POST", f"{link}/mend", body or json.dumps({"strokes": strokes}).encode(), headers)


def pixels_of(link: str) -> np.ndarray[Any, Any]:
    return np.asarray(open_picture(follow(link).body))


def cut(cloud: RunningCloud, account: str = "", **fields: str) -> Any:
    """A finished task's data."""
    return PicWish(cloud.url, f"key-{account}" if account else "demo-key").create(PHOTO, **fields).json["data"]


def test_a_result_is_mended_under_its_link_as_the_library_mends_it(cloud: RunningCloud, accounts: Accounts) -> None:
    accounts.create("mender", price_micros={"*": 9, "mnd": 5})
    task = cut(cloud, "mender", output_type="1")
    before = pixels_of(task["image"])
    answers = [mend(task["image"], KEEP), mend(task["mask"], REMOVE)]
    assert [(answer.status, answer.json["version"]) for answer in answers] == [(200, 2), (200, 3)]
    assert answers[0].json["url"] == task["image"]
    cutter = Cutter()
    wanted = cutter.mend(PHOTO, cutter.mend(PHOTO, cutter.cut(PHOTO), [KEEP]), [REMOVE])
    after = pixels_of(task["image"])
    assert np.array_equal(after, np.asarray(open_picture(wanted.image)))
    assert np.array_equal(pixels_of(task["mask"]), after[..., 3])
    first, second = (pixels_of(f"{task['image']}?version={version}") for version in (1, 2))
    assert np.array_equal(first, before)
    # Far from the stroke nothing has changed.
    assert np.array_equal(second[200:], before[200:])
    assert not np.array_equal(second, before)
    assert [send("GET", f"{task['image']}?version={version}").status for version in ("3", "4", "0", "x")] == [
        302,
        404,
        404,
        404,
    ]
    shown = PicWish(cloud.url, "key-mender").query(task["task_id"]).json["data"]
    assert np.array_equal(pixels_of(shown["image"]), after)
    meter = meter_of(cloud, "mender")
    assert (meter["charged_micros"], meter["calls_mnd"]) == (9 + 2 * 5, 2)


def test_a_framed_result_is_mended_where_it_is_drawn_on(cloud: RunningCloud) -> None:
    """In shares of the result, not of the photograph."""
    task = cut(cloud, crop="1", margin="20%", format="jpg", bg_color="00ff00")
    before = pixels_of(task["image"]).astype(int)
    assert mend(task["image"], {"do": "remove", "box": [0.4, 0.5, 0.6, 0.7]}).status == 200
    after = pixels_of(task["image"]).astype(int)
    height, width = after.shape[:2]
    middle = after[round(0.55 * height) : round(0.65 * height), round(0.45 * width) : round(0.55 * width)]
    assert np.abs(middle - (0, 255, 0)).max() < 12
    assert before.shape == after.shape


def test_a_webp_and_a_variant_of_the_old_version_are_not_served_again(cloud: RunningCloud) -> None:
    link = cut(cloud)["image"]
    accept = {"Accept": "image/webp"}
    old = [send("GET", link, headers=accept).headers["location"], send("GET", f"{link}?w=100").headers["etag"]]
    assert mend(link, REMOVE).status == 200
    new = [send("GET", link, headers=accept).headers["location"], send("GET", f"{link}?w=100").headers["etag"]]
    assert old[0].partition("?")[0] != new[0].partition("?")[0]
    assert old[1] != new[1]


def test_a_repeated_key_gets_the_first_answer_and_two_at_once_are_both_kept(cloud: RunningCloud) -> None:
    link = cut(cloud)["image"]
    first, again = mend(link, REMOVE, key="once"), mend(link, REMOVE, key="once")
    assert (again.json, again.headers["idempotency-replayed"]) == (first.json, "true")
    assert mend(link, KEEP, key="once").json["code"] == "idempotency_mismatch"
    assert mend(link, {"do": "remove", "box": [0, 0, 1, 1]}, key="all").json["code"] == "no_subject"
    with ThreadPoolExecutor(2) as pool:
        others = ({**KEEP, "points": [[0.9, y]]} for y in (0.2, 0.5))
        answers = list(pool.map(lambda stroke: mend(link, stroke), others))
    assert sorted(answer.json["version"] for answer in answers) == [3, 4]
    alpha = pixels_of(link)[..., 3]
    assert [alpha[round(y * 512), 461] for y in (0.2, 0.5)] == [255, 255]


def test_a_drops_result_is_replaced(cloud: RunningCloud, accounts: Accounts) -> None:
    accounts.create("mending-dropper")
    drops, key = Drops(cloud, cloud.client("s3")), "in/mending-dropper/auto/ä+b.png"
    cloud.client("s3").put_object(
        Bucket=cloud.resources["InputBucket"], Key=key, Body=PHOTO, Metadata={"profile": "ebay"}
    )
    (result,) = drops.wait(key)
    before = drops.get(result)["Metadata"]
    client = PicWish(cloud.url, "key-mending-dropper")
    until(lambda: client.query(before["task-id"]).json["data"]["state"] == 1)
    shown = client.query(before["task-id"]).json["data"]
    assert mend(shown["image"], {"do": "remove", "box": [0, 0, 1, 0.6]}).json["version"] == 2
    mended = drops.get(result)
    assert mended["Body"].read() == follow(shown["image"]).body
    assert (mended["Metadata"]["version"], mended["Metadata"]["task-id"]) == ("2", before["task-id"])
    assert mended["Metadata"]["verdicts"] != before["verdicts"]
    measured = [client.query(before["task-id"]).json["data"]["verdicts"], shown["verdicts"]]
    assert measured[0] != measured[1]
    assert drops.wait(key) == [result]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_body"),
        (b"[" * 100_000, 400, "invalid_body"),
        (b"{}", 400, "invalid_body"),
        (b'{"strokes": []}', 400, "invalid_parameter"),
        (b'{"strokes": [{"do": "keep", "radius": NaN, "points": [[0, 0]]}]}', 400, "invalid_parameter"),
        (b'{"strokes": [{"do": "keep", "radius": 0.1, "points": [[1e999, 0]]}]}', 400, "invalid_parameter"),
        (b'{"strokes": [{"do": "keep", "radius": 0.1, "points": [[%s, 0]]}]}' % (b"9" * 400), 400, "invalid_parameter"),
        (b'{"strokes": [{"do": "keep", "\\ud800": 1}]}', 400, "invalid_parameter"),
        (b'{"strokes": [{"do": "remove", "box": [0, 0, 1, 1]}]}', 400, "no_subject"),
        (b" " * 262_145, 413, "too_large"),
    ],
)
def test_wrong_strokes_leave_the_result_and_cost_nothing(
    cloud: RunningCloud, accounts: Accounts, refused_link: str, body: bytes, status: int, code: str
) -> None:
    answer = mend(refused_link, body=body)
    assert (answer.status, answer.json["code"]) == (status, code)
    meter = meter_of(cloud, "mend-refused")
    assert ("calls_mnd" in meter, meter["charged_micros"], meter["taken"]) == (False, 0, 1)
    assert send("GET", f"{refused_link}?version=2").status == 404


@pytest.fixture(scope="module")
def refused_link(cloud: RunningCloud, accounts: Accounts) -> str:
    accounts.create("mend-refused", price_micros={"mnd": 7}, qps=100, daily_quota=1000)
    return str(cut(cloud, "mend-refused")["image"])


def test_only_a_link_that_lives_can_be_mended(cloud: RunningCloud, refused_link: str) -> None:
    forged = refused_link.replace("/r/", "/r/A")
    assert (mend(forged, REMOVE).status, mend(forged, REMOVE).json["code"]) == (404, "not_found")
    assert send("GET", f"{refused_link}/mend").status == 405
    assert send("OPTIONS", f"{refused_link}/mend").status == 204


def test_an_operator_can_turn_mending_off(tmp_path: Path) -> None:
    with running_cloud(tmp_path, "--parameter=Mending=no") as cloud:
        task = cut(cloud)
        refused = mend(task["image"], KEEP)
        assert (refused.status, refused.json["code"]) == (409, "not_mendable")
        assert (pixels_of(task["image"])[..., 3] > 0).any()
        stored = cloud.client("s3").list_objects_v2(Bucket=cloud.resources["OutputBucket"])["Contents"]
        assert len(stored) == 1, "the photograph is not kept"
