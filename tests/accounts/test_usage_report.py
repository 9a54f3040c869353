"""The usage report: its rows from the meter, and access to it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Metrics
from botocore.exceptions import ClientError

from cutline.accounts.account import Account
from cutline.accounts.identity import Authenticator
from cutline.accounts.usage_report import read_usage
from cutline.contracts.usage import UsageRow
from cutline.contracts.wire import Request, Response
from cutline.serving.native import UsageService
from tests.support.bank import Bank
from tests.support.signed_calls import NOW, JdCall, aidge_query, request

ACCOUNT = Account("shop", qps=1000, price_micros={"*": 1000})
DAY_S = 86400
FIRST, LAST = date(2024, 1, 2), date(2024, 1, 4)


def serve(bank: Bank, account: Account, api: str, now: float = NOW, times: int = 1) -> None:
    for index in range(times):
        bank.meter.settle(bank.meter.reserve(account, f"{api}-{now}-{index}", now + index / 100), api)


def test_a_day_has_a_row_per_api_with_calls_charges_and_refusals(bank: Bank) -> None:
    serve(bank, ACCOUNT, "jdc", times=3)
    bank.meter.release(bank.meter.reserve(ACCOUNT, "failed", NOW + 1), "jdc")
    bank.meter.refuse(ACCOUNT, "aid", NOW)
    assert read_usage(bank.meters, "shop", FIRST, FIRST) == [
        UsageRow("2024-01-02", "aid", 0, 0, 1),
        UsageRow("2024-01-02", "jdc", 3, 3000, 1),
    ]


def test_a_changed_price_does_not_change_earlier_charges(bank: Bank) -> None:
    serve(bank, ACCOUNT, "jdc")
    serve(bank, replace(ACCOUNT, price_micros={"*": 5000}), "jdc", NOW + 60)
    assert read_usage(bank.meters, "shop", FIRST, FIRST) == [UsageRow("2024-01-02", "jdc", 2, 6000, 0)]


def test_both_ends_of_the_period_are_included_and_nothing_beyond(bank: Bank) -> None:
    for days in range(-1, 4):
        serve(bank, ACCOUNT, "jdc", NOW + days * DAY_S)
    days = [row.day for row in read_usage(bank.meters, "shop", FIRST, LAST)]  # type: ignore[assignment]
    assert days == ["2024-01-02", "2024-01-03", "2024-01-04"]


def test_accounts_whose_names_begin_alike_are_not_confused(bank: Bank) -> None:
    serve(bank, ACCOUNT, "jdc")
    serve(bank, Account("shop-2", qps=10), "aid")
    assert [row.api for row in read_usage(bank.meters, "shop", FIRST, LAST)] == ["jdc"]
    assert read_usage(bank.meters, "sho", FIRST, LAST) == []


def test_a_long_period_is_read_to_its_end(bank: Bank) -> None:
    class SmallPages:
        def query(self, **question: Any) -> Any:
            return bank.meters.query(Limit=1, **question)

    for days in range(3):
        serve(bank, ACCOUNT, "jdc", NOW + days * DAY_S)
    assert len(read_usage(SmallPages(), "shop", FIRST, LAST)) == 3


def test_a_call_that_died_is_refused_by_no_api_in_particular(bank: Bank) -> None:
    account = replace(ACCOUNT, daily_quota=1)
    bank.meter.reserve(account, "dead", NOW)
    serve(bank, account, "jdc", NOW + 61)
    assert read_usage(bank.meters, "shop", FIRST, FIRST) == [
        UsageRow("2024-01-02", "jdc", 1, 1000, 0),
        UsageRow("2024-01-02", "lapsed", 0, 0, 1),
    ]


def ask(bank: Bank, call: Request) -> Response:
    service = UsageService(
        authenticator=Authenticator(bank.store),
        meters=bank.meters,
        logger=Logger(service="test"),
        metrics=Metrics(namespace="test", service="test"),
    )
    return service.handle(call)


def question(headers: Mapping[str, str] | None = None, query: tuple[tuple[str, str], ...] = ()) -> Request:
    return request(method="GET", path="/usage", headers=headers, query=query)


def signed_question(**changes: Any) -> Request:
    """A JD call signs its method, so the helper's POST stays one here."""
    return JdCall(path="/usage", signed_path="/usage", body=b"", **changes).send()


RIGHT = {
    "X-API-KEY": question({"x-api-key": "demo-key"}),
    "JD": signed_question(),
    "Aidge": question(query=aidge_query()),
}
WRONG = {
    "none": question(),
    "X-API-KEY": question({"x-api-key": "guess"}),
    "ailabapi-api-key": question({"ailabapi-api-key": "guess"}),
    "JD, unknown key": signed_question(access_key="UNKNOWN"),
    "JD, wrong secret": signed_question(secret="guess"),
    "JD, old": signed_question(date="20240102T020405Z"),
    "Aidge, unknown key": question(query=aidge_query(app_key="1")),
    "Aidge, wrong secret": question(query=aidge_query(secret="guess")),
    "Aidge, old": question(query=aidge_query(now=NOW - 1000)),
}


@pytest.mark.parametrize("call", RIGHT.values(), ids=RIGHT)
def test_each_credential_shows_the_account_and_costs_it_nothing(bank: Bank, call: Request) -> None:
    bank.open(ACCOUNT)
    serve(bank, ACCOUNT, "jdc")
    before = bank.meters.scan()["Items"]
    for _ in range(3):
        body = json.loads(ask(bank, call).body)
        assert (body["account"], body["total"]) == ("shop", {"calls": 1, "charge": "0.001000", "refused": 0})
    assert bank.meters.scan()["Items"] == before


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_all_wrong_credentials_get_the_same_answer(bank: Bank, call: Request) -> None:
    bank.open(ACCOUNT)
    answer = ask(bank, call)
    assert answer == ask(bank, question())
    assert answer.status == 401


@pytest.mark.parametrize("call", RIGHT.values(), ids=RIGHT)
def test_a_disabled_account_sees_nothing(bank: Bank, call: Request) -> None:
    bank.open(replace(ACCOUNT, enabled=False))
    assert ask(bank, call) == ask(bank, question())


def test_an_account_that_may_use_one_api_may_read_its_usage_all_the_same(bank: Bank) -> None:
    bank.open(replace(ACCOUNT, apis=frozenset({"jdc"})))
    assert ask(bank, RIGHT["X-API-KEY"]).status == 200


def test_a_bad_parameter_is_answered_only_to_a_known_key(bank: Bank) -> None:
    bank.open(ACCOUNT)
    bad = (("from", "x"),)
    assert ask(bank, question({"x-api-key": "demo-key"}, bad)).status == 400
    assert ask(bank, question({"x-api-key": "guess"}, bad)).status == 401


def test_a_table_that_cannot_be_read_is_a_fault_of_ours(bank: Bank) -> None:
    bank.open(ACCOUNT)
    bank.meters.delete()
    assert ask(bank, RIGHT["X-API-KEY"]).status == 500


def test_a_throttled_table_is_answered_as_overloaded(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    bank.open(ACCOUNT)

    def throttled(**arguments: object) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException"}}, "Query")

    monkeypatch.setattr(bank.meters, "query", throttled)
    assert ask(bank, RIGHT["X-API-KEY"]).status == 503
