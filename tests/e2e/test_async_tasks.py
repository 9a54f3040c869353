"""`sync=0` over HTTP: the state machine, the queue and the worker, in the local cloud (contracts.md 3.3 to 3.5)."""

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from skimage import data

from cutline.tasks.callback import callback_secret, signature
from devkit.accounts import Accounts, accounts_of
from devkit.clients import PicWish, encoded, follow, open_picture
from devkit.faulty import FaultyCloud
from devkit.listening import QuietHandler, listening
from devkit.meters import meter_of
from devkit.patience import WAIT_S, until
from devkit.running import RunningCloud
from tests.support.picwish import assert_request_error, submit, wait


def of_account(cloud: RunningCloud, accounts: Accounts, name: str, **options: Any) -> PicWish:
    accounts.create(name, **{"daily_quota": 10, "price_micros": {"*": 3000}, **options})
    return PicWish(cloud.url, f"key-{name}")


@pytest.fixture(scope="module", autouse=True)
def never_stored(faulty: FaultyCloud) -> Iterator[tuple[PicWish, str]]:
    """A task whose result S3 refuses: it is tried for half a minute, meanwhile."""
    picwish = of_account(faulty.running, accounts_of(faulty.running), "async-store")
    with faulty.fault("s3:PUT", error="AccessDenied", path="/r/async-store/"):
        yield picwish, submit(picwish)


def test_a_task_goes_through_its_states_and_is_charged_at_the_end(cloud: RunningCloud, accounts: Accounts) -> None:
    picwish = of_account(cloud, accounts, "async-one")
    pixels = data.astronaut()
    states, body = wait(picwish, submit(picwish, encoded(pixels, "PNG"), output_type="1", type="person"))
    order = [0, 2, 3, 4, 1]
    assert states == [state for state in order if state in states]
    assert states[-1] == 1
    assert body["created_at"] <= body["processed_at"] <= body["completed_at"]
    assert (body["type"], body["output_type"], body["return_type"]) == ("person", 1, 1)
    cutout = np.asarray(open_picture(follow(body["image"]).body))
    mask = np.asarray(open_picture(follow(body["mask"]).body))
    assert np.array_equal(mask, cutout[..., 3])
    opaque = mask == 255
    assert 0.3 < (mask > 128).mean() < 0.7
    assert np.array_equal(cutout[opaque][:, :3], pixels[opaque])
    assert meter_of(cloud, "async-one") == {"taken": 1, "calls_pw": 1, "charged_micros": 3000}


def test_base64_is_asked_for_and_jpeg_on_a_colour(cloud: RunningCloud, accounts: Accounts) -> None:
    picwish = of_account(cloud, accounts, "async-two")
    _, body = wait(picwish, submit(picwish, return_type="2", format="jpg", bg_color="00ff00"))
    picture = open_picture(base64.b64decode(body["image"]))
    assert (picture.format, picture.getpixel((1, 1))) == ("JPEG", pytest.approx((0, 255, 0), abs=8))


@pytest.mark.parametrize(
    ("image", "fields", "state"),
    [
        (b"no picture at all", {}, -7),
        (encoded(np.zeros((8, 4097, 3), np.uint8), "PNG"), {}, -7),
        (None, {"image_url": "http://127.0.0.1:9/private.png"}, -3),
        (encoded(np.full((64, 64, 4), 0, np.uint8), "PNG"), {}, -1),
    ],
)
def test_a_task_that_fails_says_so_and_costs_nothing(
    cloud: RunningCloud, accounts: Accounts, image: bytes | None, fields: dict[str, str], state: int
) -> None:
    name = f"async-failing{state}-{len(image or b'')}"
    picwish = of_account(cloud, accounts, name)
    states, body = wait(picwish, submit(picwish, image, **fields))
    assert states[-1] == state
    assert set(body) == {"created_at", "processed_at", "progress", "state", "task_id"}
    assert body["progress"] == 0
    assert _settled(cloud, name) == {"taken": 0, "charged_micros": 0}


def _settled(cloud: RunningCloud, account: str) -> dict[str, int]:
    """What the account has used; the reservation goes back a moment after the state is written."""
    until(lambda: not any(name.startswith("hold:") for name in meter_of(cloud, account)), "the reservation's end")
    found = meter_of(cloud, account)
    return {name: found.get(name, 0) for name in ("taken", "charged_micros")} | {
        name: value for name, value in found.items() if name.startswith("hold:")
    }


def test_raw_bytes_cannot_be_asked_for_later(cloud: RunningCloud) -> None:
    assert_request_error(PicWish(cloud.url).create(sync="0", return_type="3"), 400, "Invalid return type")


def test_the_quota_is_taken_while_the_task_is_in_flight(cloud: RunningCloud, accounts: Accounts) -> None:
    picwish = of_account(cloud, accounts, "async-quota", daily_quota=1)
    task_id = submit(picwish)
    assert_request_error(picwish.create(sync="0"), 429, "Too Many Requests")
    assert wait(picwish, task_id)[0][-1] == 1
    assert_request_error(picwish.create(sync="0"), 429, "Too Many Requests")


def test_another_accounts_task_is_unknown(cloud: RunningCloud, accounts: Accounts) -> None:
    task_id = submit(of_account(cloud, accounts, "async-mine"))
    assert_request_error(of_account(cloud, accounts, "async-rival").query(task_id), 404, "Not Found")


class _Shop(QuietHandler):
    """Takes callbacks; the first one is answered with a fault."""

    heard: list[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        self.heard.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(500 if len(self.heard) == 1 else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def shop() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    heard: list[tuple[dict[str, str], bytes]] = []
    with listening(type("Shop", (_Shop,), {"heard": heard})) as url:
        yield f"{url}/cutline", heard


def test_a_task_that_failed_is_reported_too(
    faulty: FaultyCloud, shop: tuple[str, list[tuple[dict[str, str], bytes]]]
) -> None:
    url, heard = shop
    heard.append(({}, b""))  # so that it takes what comes next
    picwish = of_account(faulty.running, accounts_of(faulty.running), "async-reported")
    _, shown = wait(picwish, submit(picwish, b"no picture", callback_url=url))
    until(lambda: len(heard) > 1, "the callback")
    assert json.loads(heard[1][1])["data"] == shown
    assert shown["state"] == -7


def test_a_callback_is_signed_and_tried_again(
    faulty: FaultyCloud, shop: tuple[str, list[tuple[dict[str, str], bytes]]]
) -> None:
    url, heard = shop
    picwish = of_account(faulty.running, accounts_of(faulty.running), "async-callback")
    task_id = submit(picwish, callback_url=url)
    _, shown = wait(picwish, task_id)
    until(lambda: len(heard) > 1, "the callback")
    assert len(heard) == 2
    headers, body = heard[1]
    assert json.loads(body) == {"status": 200, "message": "success", "data": shown}
    secret = faulty.running.client("secretsmanager").get_secret_value(SecretId=faulty.running.resources["LinkSecret"])[
        "SecretString"
    ]
    sent = headers["X-Cutline-Signature"]
    at = int(sent.removeprefix("t=").partition(",")[0])
    assert abs(at - time.time()) < WAIT_S
    assert sent == signature(callback_secret(secret.encode(), "async-callback"), body, at)


def test_a_dead_letter_without_a_waiting_task_is_taken_away(cloud: RunningCloud) -> None:
    sqs, queue = cloud.client("sqs"), cloud.resources["MatteDeadLetters"]
    sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"task_id": "gone", "token": "of-no-execution"}))
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def is_empty() -> bool:
        attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
        return not any(int(attributes[name]) for name in names)

    until(is_empty, "the empty queue", every_s=0.2)
    assert '"message":"undelivered"' in (cloud.log_dir / "UndeliveredFunction.log").read_text("utf-8")


def test_a_result_that_cannot_be_stored_is_state_minus_2(
    faulty: FaultyCloud, never_stored: tuple[PicWish, str]
) -> None:
    assert wait(*never_stored, every_s=0.5)[0][-1] == -2
    assert _settled(faulty.running, "async-store") == {"taken": 0, "charged_micros": 0}
