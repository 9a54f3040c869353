"""`Idempotency-Key` over HTTP on every API: one answer, one charge."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from skimage import data

from devkit.accounts import Accounts, accounts_of
from devkit.clients import encoded, send
from devkit.clients import multipart as form
from devkit.faulty import FaultyCloud
from devkit.meters import meter_of
from devkit.running import RunningCloud
from tests.support.keyed_calls import APIS, PICTURES, jd_cutout

MISMATCH: dict[str, tuple[int, dict[str, Any]]] = {
    "jdc": (409, {"code": 10061, "msg": "Idempotency-Key已用于其他请求", "result": None}),
    "jds": (409, {"code": "10061", "msg": "Idempotency-Key已用于其他请求", "charge": False}),
    "aid": (200, {"resCode": 700, "success": False}),
    "pw": (400, {"status": 400, "message": "this Idempotency-Key was used with another request"}),
    "ail": (400, {"error_code": 400, "error_code_str": "ERROR_INVALID_PARAMETER"}),
    "rem": (400, {"detail": "this Idempotency-Key was used with another request"}),
    "chk": (400, {"code": "idempotency_mismatch"}),
    "rbg": (
        400,
        {"errors": [{"title": "Idempotency-Key was used with another request", "code": "idempotency_mismatch"}]},
    ),
}


@pytest.mark.parametrize("api", APIS)
def test_a_repeated_call_is_answered_alike_and_charged_once(cloud: RunningCloud, accounts: Accounts, api: str) -> None:
    account = f"idempotent-{api}"
    accounts.create(account, daily_quota=10, price_micros={"*": 3000})
    call = partial(APIS[api], cloud.url, account)
    first, again = call(PICTURES[0], "order-1"), call(PICTURES[0], "order-1")
    assert first.status == again.status == 200
    assert first.body == again.body
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    for name in ("content-type", "x-cutline-confidence"):
        assert again.headers[name] == first.headers[name]
    assert 0 < float(first.headers["x-cutline-confidence"]) <= 1
    assert meter_of(cloud, account) == {"taken": 1, f"calls_{api}": 1, "charged_micros": 3000}

    status, expected = MISMATCH[api]
    refused = call(PICTURES[1], "order-1")
    assert refused.status == status
    assert "x-cutline-confidence" not in refused.headers
    assert {name: refused.json[name] for name in expected} == expected
    assert meter_of(cloud, account)["taken"] == 1

    other = call(PICTURES[0], "order-2")
    assert "idempotency-replayed" not in other.headers
    assert meter_of(cloud, account)["charged_micros"] == 6000


@pytest.mark.parametrize("api", ["jdc", "pw"])
def test_calls_at_once_do_the_work_once(cloud: RunningCloud, accounts: Accounts, api: str) -> None:
    account = f"at-once-{api}"
    accounts.create(account, daily_quota=10)
    with ThreadPoolExecutor(5) as pool:  # as many as an account may have in flight
        answers = list(pool.map(lambda _: APIS[api](cloud.url, account, PICTURES[0], "order-1"), range(5)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert ["idempotency-replayed" in answer.headers for answer in answers].count(False) == 1
    assert meter_of(cloud, account) == {"taken": 1, f"calls_{api}": 1, "charged_micros": 0}


@pytest.mark.parametrize("api", ["jds", "rem"])
def test_an_answer_too_large_for_the_table_is_repeated_byte_for_byte(
    cloud: RunningCloud, accounts: Accounts, api: str
) -> None:
    accounts.create(f"large-{api}", daily_quota=10)
    picture = encoded(data.astronaut(), "PNG")
    first, again = (APIS[api](cloud.url, f"large-{api}", picture, "k") for _ in range(2))
    assert len(first.body) > 256 * 1024
    assert again.headers["idempotency-replayed"] == "true"
    assert first.body == again.body


def test_a_failed_call_leaves_its_key_free(cloud: RunningCloud, accounts: Accounts) -> None:
    accounts.create("failing", daily_quota=10)
    assert jd_cutout(cloud.url, "failing", b"no picture", "k").json["result"]["status"] == 12003
    good = jd_cutout(cloud.url, "failing", PICTURES[1], "k")
    assert good.json["result"]["status"] == 0
    assert "idempotency-replayed" not in good.headers


def test_an_answer_that_could_not_be_charged_is_not_kept_either(faulty: FaultyCloud) -> None:
    accounts_of(faulty.running).create("unlucky", daily_quota=10, price_micros={"*": 3000})
    jd_cutout(faulty.url, "unlucky", PICTURES[1], "warm-up")
    before = meter_of(faulty.running, "unlucky")
    with faulty.fault("dynamodb:TransactWriteItems", error="InternalServerError"):
        lost = jd_cutout(faulty.url, "unlucky", PICTURES[1], "k")
    assert lost.json["code"] == 11010
    assert meter_of(faulty.running, "unlucky")["charged_micros"] == before["charged_micros"]
    for replayed in (False, True):
        found = jd_cutout(faulty.url, "unlucky", PICTURES[1], "k")
        assert ("idempotency-replayed" in found.headers) is replayed
        assert found.json["result"]["status"] == 0
        assert meter_of(faulty.running, "unlucky")["charged_micros"] == before["charged_micros"] + 3000


def test_an_answer_too_large_for_the_table_is_repeated_too(cloud: RunningCloud, accounts: Accounts) -> None:
    accounts.create("idempotent-large", daily_quota=10)
    body, kind = form({"return_type": "3"}, "image_file", encoded(data.astronaut(), "PNG"))
    headers = {"X-API-KEY": "key-idempotent-large", "Content-Type": kind, "Idempotency-Key": "large"}
    first, again = (send("POST", f"{cloud.url}/api/tasks/visual/segmentation", body, headers) for _ in range(2))
    assert (first.status, len(first.body) > 256 * 1024) == (200, True)
    assert (again.body, again.headers["idempotency-replayed"]) == (first.body, "true")
    assert meter_of(cloud, "idempotent-large")["taken"] == 1
