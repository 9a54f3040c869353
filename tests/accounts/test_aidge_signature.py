"""Aidge's v2 and classic signatures: contracts.md 4.1."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from cutline.accounts.aidge_signature import is_signed_by, parse_signature
from cutline.contracts import aidge, wire
from cutline.contracts.wire import Request, Source
from cutline.errors import AccessRefused, Reason
from tests.support.signed_calls import NOW, aidge_query, request

PATH = "/ai/image/cut/out"
CLASSIC_SIGN = "51A64152DEBAD391D1BB73609E54D06C34B1C3906E7E31ABBF481605AA773BCA"
CLASSIC = {"app_key": "512345", "sign_method": "sha256", "timestamp": "1704164645000", "sign": CLASSIC_SIGN}


def call(query: tuple[tuple[str, str], ...], **changes: object) -> Request:
    return replace(request(method="GET", path=PATH, query=query), **changes)  # type: ignore[arg-type]


def form(fields: dict[str, str], query: tuple[tuple[str, str], ...] = ()) -> Request:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return request(path=PATH, query=query, headers=headers, body=urlencode(fields).encode())


def verifies(signed: Request, secret: str = "demo-secret") -> bool:
    return is_signed_by(signed, parse_signature(signed), secret)


def reason_of(refused: Request) -> Reason:
    with pytest.raises(AccessRefused) as refusal:
        parse_signature(refused)
    return refusal.value.reason


@pytest.mark.parametrize(
    ("secret", "sign"),
    [
        ("demo-secret", "40349F8E265ACF735D543F34A40380D2E50D84399B91AA9047B2CBA648655186"),
        ("S4etzZ73nF08vOXVhk3wZjIaLSHw0123", "1495C71C212FAF41625F4E932A500B4A11047BE50DA8D9680E0106C774FBDE0A"),
    ],
)
def test_the_worked_v2_signatures_are_accepted_in_either_case(secret: str, sign: str) -> None:
    assert verifies(call(aidge_query(sign=sign)), secret)
    assert verifies(call(aidge_query(sign=sign.lower())), secret)


def test_the_worked_classic_signature_is_accepted_from_the_query_and_from_a_form() -> None:
    assert verifies(call(tuple(CLASSIC.items())))
    assert verifies(form(CLASSIC))


@pytest.mark.parametrize("path", [PATH, f"/rest{PATH}", f"{PATH}/"])
def test_a_classic_signature_names_the_api_at_every_path(path: str) -> None:
    assert verifies(call(tuple(CLASSIC.items()), path=path))


def test_a_classic_signature_covers_every_parameter() -> None:
    assert not verifies(call((*CLASSIC.items(), ("imageUrl", "http://a/b"))))
    assert not verifies(call(tuple({**CLASSIC, "app_key": "512346"}.items())))


@pytest.mark.parametrize("version", ["", "v1", "V2", "v3"])
def test_only_v2_skips_the_parameters(version: str) -> None:
    assert not verifies(call(aidge_query(sign_ver=version)))


def test_a_wrong_secret_or_one_changed_digit_is_refused() -> None:
    sign = dict(aidge_query())["sign"]
    assert not verifies(call(aidge_query()), "demo-secreT")
    assert not verifies(call(aidge_query(sign=("1" if sign[0] == "0" else "0") + sign[1:])))
    assert not verifies(call(aidge_query(sign=sign[:-1])))
    assert not verifies(call(aidge_query(sign="ß" * 64)))


def test_a_v2_signature_is_bound_to_its_timestamp() -> None:
    assert not verifies(call(aidge_query(timestamp="1704164645001")))


@pytest.mark.parametrize(
    ("name", "reason"),
    [("app_key", Reason.KEY_MISSING), ("timestamp", Reason.DATE_MISSING), ("sign", Reason.SIGNATURE_MISSING)],
)
def test_a_missing_or_blank_parameter_is_refused_by_name(name: str, reason: Reason) -> None:
    fields = dict(aidge_query())
    assert reason_of(call(tuple({**fields, name: ""}.items()))) is reason
    del fields[name]
    assert reason_of(call(tuple(fields.items()))) is reason


@pytest.mark.parametrize(
    "timestamp",
    ["1704164645", "170416464500", "17041646450000", "abc", "-704164645000", "1704164645.00", "\u0661" * 13],
)
def test_a_timestamp_that_is_not_in_milliseconds_is_malformed(timestamp: str) -> None:
    assert reason_of(call(aidge_query(timestamp=timestamp))) is Reason.DATE_MALFORMED


@pytest.mark.parametrize("offset_s", [-900, 900])
def test_a_quarter_of_an_hour_is_still_good_and_not_a_second_more(offset_s: int) -> None:
    signed = call(aidge_query())
    assert verifies(replace(signed, received_at=NOW + offset_s))
    beyond = NOW + offset_s + (1 if offset_s > 0 else -1)
    assert reason_of(replace(signed, received_at=beyond)) is Reason.DATE_SKEWED


def test_credentials_in_a_json_body_are_not_looked_for() -> None:
    body = b'{"app_key": "512345"}'
    assert reason_of(request(path=PATH, headers={"content-type": "application/json"}, body=body)) is Reason.KEY_MISSING


def test_an_unreadable_form_has_no_key() -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert reason_of(request(path=PATH, headers=headers, body=b"\xff=1")) is Reason.KEY_MISSING


def test_signature_and_contract_read_a_form_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 4.4 MiB of escapes each reading takes .4 s of CPU, before the call is counted."""
    bodies: list[str] = []

    def counting(body: str, **options: Any) -> list[tuple[str, str]]:
        bodies.append(body)
        return parse_qsl(body, **options)

    monkeypatch.setattr(wire, "parse_qsl", counting)
    signed = form({**CLASSIC, "imageUrl": "https://example.com/a.jpg"})
    assert ("imageUrl", "https://example.com/a.jpg") in parse_signature(signed).parameters
    assert aidge.parse(signed).source == Source(url="https://example.com/a.jpg")
    assert len(bodies) == 1


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"timestamp": "1"}'),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="app_key"\r\n\r\nx\r\n--b--'),
        ("text/plain", b'{"sign_method": "md5"}'),
    ],
)
def test_a_body_that_a_classic_signature_does_not_cover_says_nothing_anew(content_type: str, body: bytes) -> None:
    """A signed imageBase64 in the query was replaced by an unsigned one in the body."""
    post = request(path=PATH, query=tuple(CLASSIC.items()), headers={"content-type": content_type}, body=body)
    assert not verifies(post)
    assert verifies(replace(post, body=b'{"another": "1"}', headers={"content-type": "application/json"}))
    assert verifies(replace(post, body=b"no JSON", headers={"content-type": "application/json"}))
    assert verifies(replace(post, query=aidge_query(), headers={"content-type": content_type}))
