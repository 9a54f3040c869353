"""The usage report's own wire: which days, which credential, which words."""

import csv
import io
from datetime import date
from typing import Any

import pytest

from cutline.contracts import native, usage
from cutline.contracts.apis import APIS
from cutline.contracts.usage import UsageQuery, UsageRow
from cutline.contracts.wire import Request, Scheme
from cutline.errors import AccessRefused, InputRefused, Reason, ServiceFault
from tests.support.calls import call, json_of

# calls.call is received at this day.
TODAY = date(2023, 11, 14)
ROWS = [UsageRow("2023-11-13", "jdc", 3, 6_000, 1), UsageRow("2023-11-14", "lapsed", 0, 0, 2)]


def question(**params: str) -> Request:
    return call(method="GET", path="/usage", query=tuple((name.rstrip("_"), value) for name, value in params.items()))


@pytest.mark.parametrize(
    ("params", "first", "last"),
    [
        ({}, date(2023, 10, 16), TODAY),
        ({"from_": "2023-11-01"}, date(2023, 11, 1), TODAY),
        ({"to": "2023-03-01"}, date(2023, 1, 31), date(2023, 3, 1)),
        ({"from_": "2024-02-29", "to": "2024-02-29"}, date(2024, 2, 29), date(2024, 2, 29)),
        ({"from_": "2022-10-11", "to": "2023-11-14"}, date(2022, 10, 11), TODAY),
        ({"from_": "", "to": ""}, date(2023, 10, 16), TODAY),
    ],
)
def test_the_period_is_the_last_30_days_unless_said_otherwise(params: dict[str, str], first: date, last: date) -> None:
    query = usage.parse(question(**params))
    assert (query.first, query.last, query.form) == (first, last, "json")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"from_": "yesterday"}, "from must be a date such as 2026-01-31"),
        ({"from_": "20231101"}, "from must be a date such as 2026-01-31"),
        ({"from_": "2023-W01-1"}, "from must be a date such as 2026-01-31"),
        ({"to": "2023-02-30"}, "to must be a date such as 2026-01-31"),
        ({"to": "0000-01-01"}, "to must be a date such as 2026-01-31"),
        ({"to": "２０２３-01-01"}, "to must be a date such as 2026-01-31"),
        ({"to": "0001-01-05"}, "to is too early"),
        ({"from_": "2023-11-02", "to": "2023-11-01"}, "from must not be after to"),
        ({"from_": "2022-10-10", "to": "2023-11-14"}, "at most 400 days can be asked for at once"),
        ({"format": "xml"}, "format must be json or csv"),
    ],
)
def test_a_bad_parameter_is_400_and_named(params: dict[str, str], message: str) -> None:
    with pytest.raises(InputRefused) as refusal:
        usage.parse(question(**params))
    answer = usage.refuse(refusal.value)
    assert answer.status == 400
    assert json_of(answer) == {"status": 400, "code": "invalid_parameter", "message": message}


@pytest.mark.parametrize(
    ("headers", "query", "scheme"),
    [
        ({"x-api-key": "k"}, (), Scheme.API_KEY),
        ({"ailabapi-api-key": "k"}, (), Scheme.AILAB),
        ({"authorization": "JDCLOUD2-HMAC-SHA256 ..."}, (), Scheme.JD),
        ({}, (("app_key", "512345"),), Scheme.AIDGE),
    ],
)
def test_each_kind_of_credential_is_recognised(headers: dict[str, str], query: Any, scheme: Scheme) -> None:
    assert native.scheme_of(call(method="GET", headers=headers, query=query)) is scheme


@pytest.mark.parametrize(
    "reason",
    [
        Reason.KEY_MISSING, Reason.KEY_UNKNOWN, Reason.SIGNATURE_MISSING, Reason.SIGNATURE_WRONG, Reason.DATE_MISSING,
        Reason.DATE_MALFORMED, Reason.DATE_SKEWED, Reason.ACCOUNT_DISABLED,
    ],
)  # fmt: skip
def test_every_refused_credential_gets_the_same_answer(reason: Reason) -> None:
    answer = usage.refuse(AccessRefused(reason, "a detail that stays inside"))
    assert answer.status == 401
    assert json_of(answer) == {
        "status": 401,
        "code": "unauthorized",
        "message": "A valid credential of the account is required",
    }


def test_faults_of_the_service_are_500s_without_details() -> None:
    assert usage.refuse(ServiceFault(Reason.OVERLOADED)).status == 503
    assert usage.refuse(ServiceFault(Reason.INTERNAL, "secret")).status == 500
    assert b"secret" not in usage.refuse(ServiceFault(Reason.INTERNAL, "secret")).body


def test_a_report_in_json_has_rows_and_totals() -> None:
    answer = usage.render(UsageQuery(date(2023, 11, 13), TODAY), "shop", ROWS)
    assert json_of(answer) == {
        "account": "shop",
        "from": "2023-11-13",
        "to": "2023-11-14",
        "rows": [
            {"day": "2023-11-13", "api": "jdc", "route": "/api/cutout", "calls": 3, "charge": "0.006000", "refused": 1},
            {"day": "2023-11-14", "api": "lapsed", "route": "", "calls": 0, "charge": "0.000000", "refused": 2},
        ],
        "total": {"calls": 3, "charge": "0.006000", "refused": 3},
    }


def test_a_report_in_csv_is_a_file() -> None:
    answer = usage.render(UsageQuery(date(2023, 11, 13), TODAY, "csv"), "shop", ROWS)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="usage-2023-11-13-2023-11-14.csv"'
    assert answer.body.startswith(b"day,api,route,calls,charge,refused\r\n")
    lines = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
    assert lines == [{name: str(value) for name, value in row.cells().items()} for row in ROWS]


@pytest.mark.parametrize(
    ("micros", "text"), [(0, "0.000000"), (1, "0.000001"), (1_250_000, "1.250000"), (10**13 + 7, "10000000.000007")]
)
def test_an_amount_loses_nothing(micros: int, text: str) -> None:
    assert usage.amount(micros) == text


def test_a_row_tells_the_principal_route_of_its_api() -> None:
    for name, contract in APIS.items():
        assert UsageRow("2026-01-31", name).cells()["route"] == contract.ROUTES[0]
    assert UsageRow("2026-01-31", "lapsed").cells()["route"] == ""
