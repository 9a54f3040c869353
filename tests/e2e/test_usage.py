"""Usage over HTTP, and the operator's command line against the same local cloud."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from skimage import data

from cutline.tasks.callback import callback_secret
from devkit.clients import AidgeClient, Answer, JdClient, PicWish, encoded, plain_picture, send
from devkit.running import RunningCloud

SMALL = plain_picture(64, 48)


def ask(url: str, headers: dict[str, str] | None = None, **params: str) -> Answer:
    return send("GET", f"{url}/usage?{urlencode(params)}", headers=headers)


def test_an_account_made_by_the_command_calls_pays_reads_its_usage_and_rotates(
    cloud: RunningCloud, cutline: Callable[..., str]
) -> None:
    terms = ["--qps", "50", "--quota", "20", "--price", "jdc=0.002", "--price", "*=0.01"]
    created = json.loads(cutline("account", "create", "shop", *terms, "--json"))
    keys = {new["kind"]: (new["key"], new["secret"]) for new in created["credentials"]}
    jd, aidge = JdClient(cloud.url, *keys["jd"]), AidgeClient(cloud.url, *keys["aidge"])
    picwish = PicWish(cloud.url, keys["api-key"][0])
    assert [jd.cutout(SMALL).json["result"]["status"] for _ in range(2)] == [0, 0]
    assert jd.cutout(b"no picture").json["result"]["status"] == 12003
    assert picwish.create().json["data"]["state"] == 1
    assert aidge.post({}).json["success"] is False
    rows = {row["api"]: row for row in ask(cloud.url, {"X-API-KEY": picwish.key}).json["rows"]}
    counted = {api: (row["calls"], row["charge"], row["refused"]) for api, row in rows.items()}
    assert counted == {"jdc": (2, "0.004000", 1), "pw": (1, "0.010000", 0), "aid": (0, "0.000000", 1)}
    printed = list(csv.DictReader(io.StringIO(cutline("account", "usage", "shop", "--format", "csv"))))
    assert [{name: str(value) for name, value in rows[row["api"]].items()} for row in printed] == printed
    rotated = json.loads(cutline("account", "rotate", "shop", "--only", "jd", "--json"))["credentials"]
    assert JdClient(cloud.url, rotated[0]["key"], rotated[0]["secret"]).cutout(SMALL).json["result"]["status"] == 0
    assert "shop" in cutline("account", "list")


def test_every_kind_of_credential_reads_the_same_report(cloud: RunningCloud, accounts) -> None:
    accounts.create("reader", price_micros={"*": 7})
    jd = JdClient(cloud.url, "AK-reader", "SK-reader")
    assert jd.cutout(SMALL).json["result"]["status"] == 0
    answers = [
        ask(cloud.url, {"X-API-KEY": "key-reader"}),
        ask(cloud.url, {"ailabapi-api-key": "key-reader"}),
        send("GET", f"{cloud.url}/usage", headers=jd.headers("/usage", b"", method="GET")),
        ask(cloud.url, **AidgeClient(cloud.url, "APP-reader", "SK-reader").query()),  # type: ignore[arg-type]
    ]
    assert [answer.status for answer in answers] == [200] * 4
    assert [answer.json for answer in answers] == [answers[0].json] * 4
    assert answers[0].json["total"] == {"calls": 1, "charge": "0.000007", "refused": 0}


def test_asking_for_usage_costs_neither_rate_nor_quota(cloud: RunningCloud, accounts) -> None:
    accounts.create("frugal", qps=0.01, daily_quota=1)
    key = {"X-API-KEY": "key-frugal"}
    assert [ask(cloud.url, key).status for _ in range(4)] == [200] * 4
    assert PicWish(cloud.url, "key-frugal").create().json["data"]["state"] == 1
    assert PicWish(cloud.url, "key-frugal").create().status == 429
    assert [ask(cloud.url, key).json["total"] for _ in range(2)] == [
        {"calls": 1, "charge": "0.000000", "refused": 1}
    ] * 2


def test_a_wrong_key_is_401_in_the_same_words_whatever_is_wrong(cloud: RunningCloud, accounts) -> None:
    accounts.create("asleep", enabled=False)
    jd = JdClient(cloud.url)
    answers = [
        ask(cloud.url),
        ask(cloud.url, {"X-API-KEY": "guess"}),
        ask(cloud.url, {"ailabapi-api-key": ""}),
        ask(cloud.url, {"X-API-KEY": "key-asleep"}),
        ask(cloud.url, {"Authorization": "Bearer demo-key"}),
        send("GET", f"{cloud.url}/usage", headers=replace(jd, secret="guess").headers("/usage", b"", method="GET")),
        send("GET", f"{cloud.url}/usage", headers=replace(jd, access_key="X").headers("/usage", b"", method="GET")),
        ask(cloud.url, **AidgeClient(cloud.url, "1").query()),  # type: ignore[arg-type]
    ]
    expected = {"status": 401, "code": "unauthorized", "message": "A valid credential of the account is required"}
    assert [(answer.status, answer.json) for answer in answers] == [(401, expected)] * len(answers)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"from": "soon"}, "from must be a date such as 2026-01-31"),
        ({"from": "2026-02-01", "to": "2026-01-31"}, "from must not be after to"),
        ({"from": "2024-01-01", "to": "2026-01-31"}, "at most 400 days can be asked for at once"),
        ({"format": "xml"}, "format must be json or csv"),
    ],
)
def test_a_bad_parameter_is_400(cloud: RunningCloud, params: dict[str, str], message: str) -> None:
    answer = ask(cloud.url, {"X-API-KEY": "demo-key"}, **params)
    assert (answer.status, answer.json["message"]) == (400, message)


def test_csv_is_a_download(cloud: RunningCloud) -> None:
    answer = ask(cloud.url, {"X-API-KEY": "demo-key"}, format="csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.body.startswith(b"day,api,route,calls,charge,refused\r\n")


def test_another_method_is_404(cloud: RunningCloud) -> None:
    assert send("POST", f"{cloud.url}/usage", b"{}", {"X-API-KEY": "demo-key"}).status == 404


def test_selfies_remain_and_charge_are_what_the_report_says(cloud: RunningCloud, accounts) -> None:
    accounts.create("true", daily_quota=3, price_micros={"*": 900})
    accounts.create("free", daily_quota=3)
    portrait = encoded(data.astronaut()[:256, 128:384])
    jd = JdClient(cloud.url, "AK-true", "SK-true")
    reported = [jd.segment(picture).json for picture in (portrait, b"no picture", portrait, portrait, portrait)]
    assert [(body["charge"], body["remain"]) for body in reported] == [
        (True, 2),
        (False, 2),
        (True, 1),
        (True, 0),
        (False, 0),
    ]
    assert ask(cloud.url, {"X-API-KEY": "key-true"}).json["total"] == {"calls": 3, "charge": "0.002700", "refused": 2}
    free = JdClient(cloud.url, "AK-free", "SK-free").segment(portrait).json
    assert (free["charge"], free["remain"]) == (False, 2)


def test_the_operator_can_look_up_an_accounts_callback_key(cloud: RunningCloud, cutline: Callable[..., str]) -> None:
    secret = cloud.client("secretsmanager").get_secret_value(SecretId=cloud.resources["LinkSecret"])["SecretString"]
    printed = cutline("account", "callback-key", "demo")
    assert printed == callback_secret(secret.encode(), "demo") + "\n"
    assert len(printed) == 65
