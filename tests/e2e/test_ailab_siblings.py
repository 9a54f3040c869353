"""AILabTools' other routes over HTTP, row by row (contracts.md 6.3)."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from skimage import data

from cutline.contracts.ailabtools import CREDITS_ROUTE, CUTOUTS, HD_ROUTE, TASK_ROUTE
from devkit.accounts import Accounts
from devkit.clients import AiLab, Answer, encoded, follow, open_picture, plain_picture, send
from devkit.meters import meter_of
from devkit.patience import until
from devkit.running import RunningCloud
from tests.support.ailabtools import assert_refused

PERSON = encoded(data.astronaut()[:300, 60:380])
MODES = {"": "RGBA", "mask": "L", "whiteBK": "RGB", "crop": "RGBA"}
NO_TARGET = (422, "ERROR_NO_RECOGNITION_TARGET_DETECTED", "No recognition target detected in the image.")


def ailab(cloud: RunningCloud, path: str, key: str = "demo-key") -> AiLab:
    return AiLab(cloud.url, key, path)


def image_of(answer: Answer) -> Any:
    assert answer.status == 200, answer.body
    assert answer.json["error_code"] == 0
    return open_picture(follow(answer.json["data"]["image_url"]).body)


def ask(cloud: RunningCloud, task_id: str | None, key: str = "demo-key") -> Answer:
    query = "" if task_id is None else f"?task_id={task_id}"
    return send("GET", f"{cloud.url}{TASK_ROUTE}{query}", headers={"ailabapi-api-key": key})


def ended(cloud: RunningCloud, task_id: str, key: str = "demo-key") -> Any:
    """The task's body once it has ended."""

    def body() -> Any:
        found = ask(cloud, task_id, key).json
        return found if found["task_status"] >= 2 else None

    return until(body, "the task's end", every_s=0.3)


@pytest.mark.parametrize(
    ("path", "form"), [(path, form) for path, (_, forms) in CUTOUTS.items() for form in ("", *forms)]
)
def test_each_sibling_answers_in_each_form(cloud: RunningCloud, path: str, form: str) -> None:
    picture = image_of(ailab(cloud, path).cut(PERSON, **({"return_form": form} if form else {})))
    assert (picture.format, picture.mode) == ("PNG", MODES[form])
    if form != "crop":
        assert picture.size == (320, 300)
    else:
        assert picture.width * picture.height < 320 * 300
    if form == "whiteBK":
        assert picture.getpixel((2, 2)) == (255, 255, 255)
    if form == "mask":
        assert np.asarray(picture).mean() > 40


@pytest.mark.parametrize("path", CUTOUTS)
def test_a_bad_form_and_nothing_found_are_refused(cloud: RunningCloud, path: str) -> None:
    answer = ailab(cloud, path).cut(PERSON, return_form="x")
    assert answer.status == 400
    assert answer.json["error_code_str"] == "ERROR_INVALID_PARAMETER"
    nothing = encoded(np.zeros((60, 80, 4), np.uint8), "PNG")
    assert_refused(ailab(cloud, path).cut(nothing), *NO_TARGET)


def test_a_thing_is_no_person(cloud: RunningCloud) -> None:
    path = "/api/cutout/portrait/portrait-background-removal"
    assert_refused(ailab(cloud, path).cut(plain_picture(300, 240)), *NO_TARGET)


def test_the_background_task_is_done_and_charged_under_its_own_api(cloud: RunningCloud, accounts: Accounts) -> None:
    accounts.create("ail-hd", daily_quota=5, price_micros={"ail": 3000, "*": 7})
    client = ailab(cloud, HD_ROUTE, "key-ail-hd")
    started = client.cut(PERSON)
    assert started.status == 200
    task_id = started.json["task_id"]
    assert started.json["data"] == {"task_id": task_id}
    body = ended(cloud, task_id, "key-ail-hd")
    assert body["task_status"] == 2, body
    # The vendor's body is the vendor's; how sure the result is stands in a header.
    assert "confidence" not in body["data"]
    assert 0 < float(ask(cloud, task_id, "key-ail-hd").headers["x-cutline-confidence"]) <= 1
    assert open_picture(follow(body["data"]["image_url"]).body).size == (320, 300)
    assert meter_of(cloud, "ail-hd") == {"taken": 1, "calls_ail": 1, "charged_micros": 3000}
    (entry,) = send("GET", cloud.url + CREDITS_ROUTE, headers={"ailabapi-api-key": "key-ail-hd"}).json["data"]
    assert (entry["balance"], entry["total"]) == (4.0, 5.0)
    # Another account's task is unknown.
    assert ask(cloud, task_id).status == 404


def test_a_task_that_fails_says_so(cloud: RunningCloud) -> None:
    task_id = ailab(cloud, HD_ROUTE).cut(b"no picture").json["task_id"]
    body = ended(cloud, task_id)
    assert (body["task_status"], body["data"]) == (3, {"task_status": 3})


def test_questions_need_a_key_a_task_and_a_get(cloud: RunningCloud) -> None:
    no_user = (401, "ERROR_USER_NOT_EXISTS", "The user does not exist.")
    assert_refused(ask(cloud, "x", "wrong"), *no_user)
    assert_refused(send("GET", cloud.url + CREDITS_ROUTE, headers={"ailabapi-api-key": "wrong"}), *no_user)
    missing = (400, "MISSING_PARAMETERS", "Missing parameters.", "task_id is required")
    assert_refused(ask(cloud, None), *missing)
    gone = (404, "ERROR_AI_NOT_EXISTS", "AI does not exist or has been deactivated, please contact the platform.")
    assert_refused(ask(cloud, "7c0e5c1a-0d0b-4a42-9a0e-3b7b5c1f2d10"), *gone)
    assert_refused(send("POST", cloud.url + TASK_ROUTE + "?task_id=x", headers={"ailabapi-api-key": "demo-key"}), *gone)
    assert replace(AiLab(cloud.url), key="").cut(PERSON).status == 401
