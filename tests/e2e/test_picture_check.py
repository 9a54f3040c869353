"""The check over HTTP: verdicts, refusals, and what is charged (contracts.md 6.4)."""

import pytest

from devkit.accounts import Accounts
from devkit.clients import Answer, plain_picture, send
from devkit.meters import meter_of
from devkit.running import RunningCloud


def check(cloud: RunningCloud, body: bytes, query: str = "?profile=temu", key: str = "demo-key") -> Answer:
    return send("POST", f"{cloud.url}/check{query}", body, {"X-API-KEY": key} if key else {})


def test_a_picture_is_judged_and_charged_at_its_own_price(cloud: RunningCloud, accounts: Accounts) -> None:
    accounts.create("checking", price_micros={"chk": 500})
    answer = check(cloud, plain_picture(160, 120), key="key-checking")
    assert (answer.status, answer.json["profile"], answer.json["passed"]) == (200, "temu", False)
    verdicts = {verdict["rule"]: verdict for verdict in answer.json["verdicts"]}
    assert verdicts["longest_side"]["measured"] == "160"
    assert {"ground", "share", "format", "whole", "subjects", "borders", "transparency"} <= set(verdicts)
    assert meter_of(cloud, "checking") == {"taken": 1, "calls_chk": 1, "charged_micros": 500}


@pytest.mark.parametrize(
    ("body", "query", "key", "status"),
    [
        (plain_picture(80, 60), "?profile=temu", "", 401),
        (plain_picture(80, 60), "?profile=nowhere", "key-refused", 400),
        (plain_picture(80, 60), "", "key-refused", 400),
        (b"", "?profile=temu", "key-refused", 400),
        (b"junk", "?profile=temu", "key-refused", 415),
        (plain_picture(80, 60)[:60], "?profile=temu", "key-refused", 415),
    ],
)
def test_a_refusal_is_not_charged(
    cloud: RunningCloud, accounts: Accounts, body: bytes, query: str, key: str, status: int
) -> None:
    accounts.create("refused", price_micros={"*": 3000})
    answer = check(cloud, body, query, key)
    assert (answer.status, answer.json["status"]) == (status, status)
    assert meter_of(cloud, "refused").get("charged_micros", 0) == 0
