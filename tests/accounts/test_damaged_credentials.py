"""Every header, parameter and part of a credential damaged: a refusal of the API's own, in time, never an error."""

import time
from dataclasses import replace
from typing import Any

import pytest

from cutline.accounts.account import Account
from cutline.accounts.identity import Authenticator
from cutline.contracts.apis import APIS
from cutline.contracts.wire import Request, Scheme
from cutline.errors import AccessRefused
from tests.support.bank import Bank
from tests.support.damaged import TEXTS
from tests.support.signed_calls import JdCall, aidge_query, request

JD = JdCall().send()
_PARTS = ("JDCLOUD2-HMAC-SHA256", "DEMOAK", "20240102", "cn-north-1", "cutout", "jdcloud2_request", "host;")
_OF_SCHEME = {contract.SCHEME: contract for contract in APIS.values()}


def damaged_calls(text: str) -> dict[str, tuple[Scheme, Request]]:
    """Return calls that hold the text in one place of their credential."""
    calls: dict[str, tuple[Scheme, Request]] = {}
    for name in JD.headers:
        calls[name] = (Scheme.JD, replace(JD, headers={**JD.headers, name: text}))
    for part in _PARTS:
        authorization = JD.headers["authorization"].replace(part, text, 1)
        calls[part] = (Scheme.JD, replace(JD, headers={**JD.headers, "authorization": authorization}))
    query = aidge_query()
    for name, _ in query:
        calls[name] = (Scheme.AIDGE, request(method="GET", query=tuple({**dict(query), name: text}.items())))
    for scheme in Scheme:
        if scheme not in (Scheme.JD, Scheme.AIDGE):
            calls[scheme.name] = (scheme, request(headers={scheme.value: text}))
            calls[f"{scheme.name} bearer"] = (scheme, request(headers={"authorization": f"Bearer {text}"}))
    return calls


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:12]))
def test_a_damaged_credential_is_refused(bank: Bank, text: str) -> None:
    bank.open(Account("shop", qps=100))
    authenticator: Any = Authenticator(bank.store)
    begun = time.process_time()
    for name, (scheme, call) in damaged_calls(text).items():
        try:
            authenticator.prove(scheme, call)
        except AccessRefused as error:
            answer = _OF_SCHEME[scheme].refuse(call, error)
            assert 200 <= answer.status < 500 and len(answer.body) < 4000, name
        else:
            # Only what no signature covers may differ from what was signed.
            assert name in ("partner_id", "sign_method", "x-jdcloud-nonce", "host"), (name, text[:20])
    assert time.process_time() - begun < 5
