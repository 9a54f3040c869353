"""Authentication and admission: credentials, accounts, nonces, and the secrets behind them."""

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aws_lambda_powertools import Logger, Metrics
from botocore.exceptions import ClientError

from cutline.accounts import account as account_module
from cutline.accounts import aidge_signature, jd_signature, meter
from cutline.accounts.account import Account, AccountStore, credential_key
from cutline.accounts.gate import NONCE_KEEP_S, Gate
from cutline.accounts.meter import day_of
from cutline.contracts import aidge, jd_matting
from cutline.contracts.uploads import Ticket
from cutline.contracts.wire import Contract, Request, Scheme
from cutline.errors import AccessRefused, Reason
from cutline.serving.native import UploadService
from tests.support.bank import Bank
from tests.support.signed_calls import NOW, JdCall, aidge_query, request

ACCOUNT = Account("shop", qps=100, daily_quota=10, price_micros={"*": 1000, "aid": 2000})


class PicWish:
    """As much of an API with a plain key as the gate reads."""

    NAME = "pw"
    SCHEME = Scheme.API_KEY


def aidge_call(**changes: Any) -> Request:
    return request(method="GET", path="/ai/image/cut/out", query=aidge_query(**changes))


def reason_of(bank: Bank, contract: Any, call: Request) -> Reason:
    with pytest.raises(AccessRefused) as refusal:
        bank.admit(contract, call)
    return refusal.value.reason


@pytest.fixture(autouse=True)
def shop(bank: Bank) -> None:
    bank.open(ACCOUNT)


@pytest.mark.parametrize(
    ("contract", "call"),
    [(jd_matting, JdCall().send()), (aidge, aidge_call()), (PicWish, request(headers={"x-api-key": " demo-key "}))],
    ids=["JD", "Aidge", "key"],
)
def test_every_scheme_leads_to_the_same_account(bank: Bank, contract: Contract, call: Request) -> None:
    reservation = bank.admit(contract, call)
    assert (reservation.account, reservation.remaining) == (ACCOUNT, 9)


@pytest.mark.parametrize(
    ("contract", "call", "reason"),
    [
        (jd_matting, JdCall(access_key="UNKNOWN").send(), Reason.KEY_UNKNOWN),
        (jd_matting, JdCall(access_key="x" * 5000).send(), Reason.KEY_UNKNOWN),
        (jd_matting, JdCall(access_key="DEMOAK\u00e9").send(), Reason.KEY_UNKNOWN),
        (jd_matting, JdCall(secret="guess").send(), Reason.SIGNATURE_WRONG),
        (jd_matting, request(), Reason.KEY_MISSING),
        (aidge, aidge_call(app_key="1"), Reason.KEY_UNKNOWN),
        (aidge, aidge_call(app_key="9" * 5000), Reason.KEY_UNKNOWN),
        (aidge, aidge_call(secret="guess"), Reason.SIGNATURE_WRONG),
        (PicWish, request(), Reason.KEY_MISSING),
        (PicWish, request(headers={"x-api-key": " "}), Reason.KEY_MISSING),
        (PicWish, request(headers={"x-api-key": "guess"}), Reason.KEY_UNKNOWN),
        (PicWish, request(headers={"x-api-key": "k" * 9000}), Reason.KEY_UNKNOWN),
    ],
)
def test_an_unknown_caller_is_refused_by_reason(bank: Bank, contract: Contract, call: Request, reason: Reason) -> None:
    assert reason_of(bank, contract, call) is reason


@pytest.mark.parametrize(("contract", "call"), [(jd_matting, JdCall()), (aidge, None)], ids=["JD", "Aidge"])
def test_a_disabled_account_is_named_only_after_proof_of_its_key(
    bank: Bank, contract: Contract, call: JdCall | None
) -> None:
    bank.store.put_account(replace(ACCOUNT, enabled=False))
    right = call.send() if call else aidge_call()
    wrong = replace(call, secret="guess").send() if call else aidge_call(secret="guess")
    assert reason_of(bank, contract, wrong) is Reason.SIGNATURE_WRONG
    assert reason_of(bank, contract, right) is Reason.ACCOUNT_DISABLED


def test_a_disabled_credential_closes_one_way_in_and_leaves_the_others(bank: Bank) -> None:
    bank.accounts.update_item(
        Key={"pk": credential_key(Scheme.JD, "DEMOAK")},
        UpdateExpression="SET enabled = :no",
        ExpressionAttributeValues={":no": False},
    )
    assert reason_of(bank, jd_matting, JdCall().send()) is Reason.ACCOUNT_DISABLED
    assert bank.admit(aidge, aidge_call()).account == ACCOUNT


def test_an_account_may_be_limited_to_some_apis(bank: Bank) -> None:
    bank.store.put_account(replace(ACCOUNT, apis=frozenset({"aid"})))
    assert reason_of(bank, jd_matting, JdCall().send()) is Reason.API_NOT_ALLOWED
    assert bank.admit(aidge, aidge_call()).account.apis == {"aid"}


def test_a_credential_whose_account_is_gone_is_unknown(bank: Bank) -> None:
    bank.accounts.delete_item(Key={"pk": "ACCOUNT#shop"})
    assert reason_of(bank, jd_matting, JdCall().send()) is Reason.KEY_UNKNOWN


def test_a_replayed_nonce_is_refused_and_takes_no_quota(bank: Bank) -> None:
    bank.admit(jd_matting, JdCall().send())
    assert reason_of(bank, jd_matting, JdCall().send()) is Reason.NONCE_REPLAYED
    assert reason_of(bank, jd_matting, JdCall(body=b"another").send()) is Reason.NONCE_REPLAYED
    another = replace(JdCall(nonce="nonce-2").send(), request_id="request-2")
    assert bank.admit(jd_matting, another).remaining == 8


def test_an_unsigned_nonce_cannot_be_changed_to_replay_a_call(bank: Bank) -> None:
    call = JdCall(unsigned=("x-jdcloud-date", "x-jdcloud-nonce")).send()
    bank.admit(jd_matting, call)
    again = replace(call, headers={**call.headers, "x-jdcloud-nonce": "fresh"})
    shouted = again.headers["authorization"].rpartition("=")
    upper = replace(again, headers={**again.headers, "authorization": f"{shouted[0]}={shouted[2].upper()}"})
    assert reason_of(bank, jd_matting, again) is Reason.NONCE_REPLAYED
    assert reason_of(bank, jd_matting, upper) is Reason.NONCE_REPLAYED


def test_a_forged_call_does_not_burn_a_nonce(bank: Bank) -> None:
    assert reason_of(bank, jd_matting, JdCall(secret="guess").send()) is Reason.SIGNATURE_WRONG
    assert bank.admit(jd_matting, JdCall().send()).account == ACCOUNT


def test_a_nonce_is_remembered_for_longer_than_its_signature_lives(bank: Bank) -> None:
    bank.admit(jd_matting, JdCall().send())
    item = bank.meters.get_item(Key={"pk": "NONCE#DEMOAK", "sk": "nonce-1"})["Item"]
    assert item["expires_at"] == int(NOW) + NONCE_KEEP_S
    assert NONCE_KEEP_S > 2 * 300


def test_a_nonce_that_expired_but_was_not_yet_deleted_may_be_used_again(bank: Bank) -> None:
    bank.meters.put_item(Item={"pk": "NONCE#DEMOAK", "sk": "nonce-1", "expires_at": int(NOW) - 1})
    assert bank.admit(jd_matting, JdCall().send()).account == ACCOUNT


def test_an_endless_nonce_is_no_fault_of_the_table(bank: Bank) -> None:
    assert bank.admit(jd_matting, JdCall(nonce="n" * 9000).send()).account == ACCOUNT


def test_the_lenient_gate_takes_what_the_strict_one_refuses(bank: Bank) -> None:
    call = JdCall(signed_body=b"").send()
    assert reason_of(bank, jd_matting, call) is Reason.SIGNATURE_WRONG
    assert bank.admit(jd_matting, call, lenient=True).account == ACCOUNT


def test_calls_that_name_one_request_id_are_calls_of_their_own(bank: Bank) -> None:
    """API Gateway lets a caller choose it, by the header x-amzn-RequestId."""
    call = aidge_call()
    assert bank.admit(aidge, call).call_id != bank.admit(aidge, call).call_id
    assert bank.day(ACCOUNT, day_of(time.time()))["taken"] == 2


def test_an_account_reads_back_as_it_was_written(bank: Bank) -> None:
    account = Account("full", False, 0.25, 7, frozenset({"jdc", "aid"}), {"*": 3})
    bank.open(account)
    found = bank.store.find(Scheme.API_KEY, "demo-key")
    assert found is not None
    assert (found.account, found.enabled, found.secret) == (account, True, "")


def test_a_change_is_seen_when_the_cache_is_old_enough(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("cutline.accounts.account.time.monotonic", lambda: clock[0])
    assert bank.store.find(Scheme.API_KEY, "later") is None
    bank.store.put_credential(Scheme.API_KEY, "later", "shop")
    clock[0] += account_module.CACHE_S - 0.01
    assert bank.store.find(Scheme.API_KEY, "later") is None
    clock[0] += 0.02
    assert bank.store.find(Scheme.API_KEY, "later") is not None


def test_a_flood_of_unknown_keys_does_not_grow_the_cache(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_module, "_CACHE_ENTRIES", 20)
    for index in range(100):
        bank.store.find(Scheme.API_KEY, f"guess-{index}")
    assert len(bank.store._cache) <= 21


def test_api_keys_are_stored_hashed_and_hmac_secrets_encrypted(bank: Bank) -> None:
    stored = repr(bank.accounts.scan()["Items"])
    assert "demo-key" not in stored
    assert "DEMOSK" not in stored
    assert "demo-secret" not in stored


def test_a_ciphertext_moved_to_another_credential_does_not_decrypt(bank: Bank) -> None:
    stolen = bank.accounts.get_item(Key={"pk": credential_key(Scheme.AIDGE, "512345")})["Item"]["secret"]
    bank.accounts.update_item(
        Key={"pk": credential_key(Scheme.JD, "DEMOAK")},
        UpdateExpression="SET secret = :stolen",
        ExpressionAttributeValues={":stolen": stolen},
    )
    with pytest.raises(ClientError):
        AccountStore(bank.accounts, bank.cipher).find(Scheme.JD, "DEMOAK")


def test_kms_sees_the_credential_as_encryption_context(bank: Bank) -> None:
    item = bank.accounts.get_item(Key={"pk": credential_key(Scheme.JD, "DEMOAK")})["Item"]
    blob = bytes(item["secret"])
    answer = bank.kms.decrypt(CiphertextBlob=blob, EncryptionContext={"credential": "CRED#jd#DEMOAK"})
    assert answer["Plaintext"] == b"DEMOSK"
    with pytest.raises(ClientError):
        bank.kms.decrypt(CiphertextBlob=blob)


@pytest.mark.parametrize(
    "account", [replace(ACCOUNT, daily_quota=0), replace(ACCOUNT, qps=0.001)], ids=["quota", "rate"]
)
def test_refusals_by_rate_or_quota_are_counted_for_the_api_and_take_nothing(bank: Bank, account: Account) -> None:
    bank.store.put_account(account)
    outcomes = []
    for index in range(3):
        call = replace(aidge_call(), request_id=f"request-{index}")
        try:
            outcomes.append(bank.admit(aidge, call))
        except AccessRefused:
            continue
    item = bank.day(ACCOUNT, day_of(time.time()))
    assert (item["refused_aid"], item.get("taken", 0)) == (3 - len(outcomes), len(outcomes))
    assert item["expires_at"] > NOW


def test_an_unknown_key_is_verified_like_a_known_one(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    for module, call, contract in (
        (jd_signature, JdCall(access_key="UNKNOWN").send(), jd_matting),
        (aidge_signature, aidge_call(app_key="1"), aidge),
    ):

        def verify(request: Request, claim: Any, secret: str, **options: bool) -> bool:
            checked.append(secret)
            return True

        monkeypatch.setattr(module, "is_signed_by", verify)
        assert reason_of(bank, contract, call) is Reason.KEY_UNKNOWN
    assert len(checked) == 2
    assert all(checked)


@pytest.mark.parametrize("nonce", ["order  17", "order\t17", " order 17 "])
def test_white_space_makes_no_new_nonce(bank: Bank, nonce: str) -> None:
    """One signature was served four times: the reading that collapses blanks verifies every spelling."""
    bank.admit(jd_matting, JdCall(nonce="order 17").send())
    assert reason_of(bank, jd_matting, JdCall(nonce=nonce).send()) is Reason.NONCE_REPLAYED


def test_a_nonce_whose_write_came_twice_is_still_the_first(bank: Bank) -> None:
    class Repeating:
        """Writes everything twice, as a client does that heard no answer."""

        def put_item(self, **write: Any) -> Any:
            bank.meters.put_item(**write)
            return bank.meters.put_item(**write)

    gate = Gate(bank.store, bank.meter, Repeating())
    assert gate.authenticate(jd_matting, JdCall().send()) == ACCOUNT
    assert reason_of(bank, jd_matting, JdCall().send()) is Reason.NONCE_REPLAYED


def test_a_secret_is_decrypted_once_until_its_ciphertext_changes(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, decrypted = [1000.0], []
    monkeypatch.setattr("cutline.accounts.account.time.monotonic", lambda: clock[0])

    class Counting:
        def decrypt(self, ciphertext: bytes, context: Any) -> str:
            decrypted.append(ciphertext)
            return bank.cipher.decrypt(ciphertext, context)

    store = AccountStore(bank.accounts, cast(Any, Counting()))
    for _ in range(3):
        found = store.find(Scheme.JD, "DEMOAK")
        assert found is not None
        assert found.secret == "DEMOSK"
        clock[0] += account_module.CACHE_S + 1
    assert len(decrypted) == 1
    bank.store.put_credential(Scheme.JD, "DEMOAK", "shop", "NEWSK")
    found = store.find(Scheme.JD, "DEMOAK")
    assert found is not None
    assert (found.secret, len(decrypted)) == ("NEWSK", 2)


def test_upload_tickets_have_a_rate_of_their_own(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """50 tickets a second were 50 times 15 MiB. The clock stands still: 4 calls per second come back with time."""
    now = time.time()
    monkeypatch.setattr(meter, "time", SimpleNamespace(time=lambda: now))
    bank.store.put_account(replace(ACCOUNT, qps=0.01))
    tickets: Any = type("Tickets", (), {"issue": lambda *_: Ticket("https://s3", {}, "u/shop/1", 1)})()
    service = UploadService(
        gate=bank.gate(),
        tickets=tickets,
        logger=Logger(service="test"),
        metrics=Metrics(namespace="test", service="test"),
    )
    call = request(path="/uploads", headers={"x-api-key": "demo-key"})
    answers = [service.handle(call) for _ in range(6)]
    assert [answer.status for answer in answers] == [200] * 4 + [429] * 2
    assert answers[5].headers["Retry-After"] == "1"
    assert bank.day(ACCOUNT, day_of(now)) == {}
