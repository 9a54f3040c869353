"""The operator's command line against an account in memory; tests/e2e/test_usage.py has it against the local cloud."""

import csv
import io
import json
import time
from typing import Any

import pytest

from cutline.accounts.account import Account, AccountStore
from cutline.accounts.meter import Meter
from cutline.accounts.registry import Registry
from cutline.commands import main
from cutline.contracts.wire import Scheme
from tests.support.bank import Bank


@pytest.fixture(autouse=True)
def deployment(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("ACCOUNTS_TABLE", bank.accounts.name)
    monkeypatch.setenv("METER_TABLE", bank.meters.name)
    monkeypatch.setenv("ACCOUNTS_KEY", bank.cipher._key_id)


@pytest.fixture
def cutline(capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command that has to succeed; returns its output."""

    def run(*arguments: str) -> str:
        status = main(["account", *arguments])
        output = capsys.readouterr()
        assert (status, output.err) == (0, "")
        return output.out

    return run


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command that is to fail, and its line on stderr."""

    def run(*arguments: str) -> str:
        assert main(["account", *arguments]) == 1
        output = capsys.readouterr()
        assert output.out == ""
        return output.err

    return run


def keys_of(printed: str) -> dict[str, tuple[str, str]]:
    return {new["kind"]: (new["key"], new["secret"]) for new in json.loads(printed)["credentials"]}


def found(bank: Bank, scheme: Scheme, key: str) -> Any:
    """The credential as a function with an empty cache reads it."""
    return AccountStore(bank.accounts, bank.cipher).find(scheme, key)


def test_create_prints_credentials_that_lead_to_the_account(bank: Bank, cutline: Any) -> None:
    terms = [
        "--qps",
        "2.5",
        "--quota",
        "1000",
        "--price",
        "*=0.002",
        "--price",
        "aid=1.25",
        "--api",
        "jdc",
        "--api",
        "aid",
    ]
    issued = keys_of(cutline("create", "shop", *terms, "--json"))
    account = Account("shop", True, 2.5, 1000, frozenset({"jdc", "aid"}), {"*": 2000, "aid": 1_250_000})
    for scheme, kind in (
        (Scheme.JD, "jd"), (Scheme.AIDGE, "aidge"), (Scheme.API_KEY, "api-key"), (Scheme.AILAB, "api-key")
    ):  # fmt: skip
        key, secret = issued[kind]
        credential = found(bank, scheme, key)
        assert (credential.account, credential.enabled, credential.secret) == (account, True, secret or "")
    assert issued["api-key"][1] is None


def test_new_accounts_have_picwishs_default_rate_and_no_other_bound(bank: Bank, cutline: Any) -> None:
    key = keys_of(cutline("create", "plain", "--json"))["jd"][0]
    assert found(bank, Scheme.JD, key).account == Account("plain", True, 2.0, None, None, {})


def test_no_two_accounts_share_a_key(cutline: Any) -> None:
    issued = [keys_of(cutline("create", name, "--json")) for name in ("one", "two")]
    values = [value for keys in issued for pair in keys.values() for value in pair if value]
    assert len(set(values)) == len(values) == 10


def test_secrets_are_printed_once_and_never_again(cutline: Any) -> None:
    printed = cutline("create", "shop")
    secret_lines = [line.split()[-1] for line in printed.splitlines() if "secret" in line or "X-API-KEY" in line]
    assert len(secret_lines) == 3
    later = cutline("show", "shop") + cutline("list") + cutline("show", "shop", "--json") + cutline("list", "--json")
    assert not [secret for secret in secret_lines if secret in later]
    assert f"...{secret_lines[-1][-6:]}" in later


def test_an_account_is_created_once(cutline: Any, refusal: Any) -> None:
    issued = keys_of(cutline("create", "shop", "--qps", "9", "--json"))
    assert "exists" in refusal("create", "shop")
    shown = json.loads(cutline("show", "shop", "--json"))
    assert shown["qps"] == 9
    assert [item["key"] for item in shown["credentials"] if item["kind"] == "jd"] == [issued["jd"][0]]


def test_list_shows_every_account_by_name(bank: Bank, cutline: Any) -> None:
    for index in range(3):
        bank.store.put_account(Account(f"shop-{2 - index}", price_micros={"*": 5}))
    listed = json.loads(cutline("list", "--json"))
    assert [item["account"] for item in listed] == ["shop-0", "shop-1", "shop-2"]
    header, *lines = cutline("list").splitlines()
    assert header.split() == ["account", "enabled", "qps", "quota", "apis", "prices", "retention"]
    assert lines[0].split() == ["shop-0", "yes", "2", "-", "-", "*=0.000005", "on"]


def test_a_long_table_is_read_to_its_end(bank: Bank, cutline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(7):
        bank.store.put_account(Account(f"shop-{index}"))
    scan = type(bank.accounts.meta.client)._make_api_call

    def in_small_pages(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        limited = {**parameters, "Limit": 2} if operation == "Scan" else parameters
        return scan(client, operation, limited)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", in_small_pages)
    assert len(json.loads(cutline("list", "--json"))) == 7


def test_set_changes_what_it_names_and_nothing_else(bank: Bank, cutline: Any) -> None:
    cutline("create", "shop", "--qps", "5", "--quota", "10", "--price", "jdc=0.5", "--api", "jdc")
    cutline("disable", "shop")
    document = json.loads(cutline("set", "shop", "--quota", "0", "--price", "aid=1", "--json"))
    assert document == {
        "account": "shop", "enabled": False, "qps": 5.0, "quota": 0, "apis": ["jdc"],
        "prices": {"aid": "1.000000", "jdc": "0.500000"}, "retention": "on",
    }  # fmt: skip
    document = json.loads(cutline("set", "shop", "--quota", "none", "--api", "all", "--qps", "0.5", "--json"))
    assert (document["quota"], document["apis"], document["qps"]) == (None, None, 0.5)


def test_set_does_not_undo_what_another_operator_does_meanwhile(
    bank: Bank, cutline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`set` read the account, `disable` wrote, and `set` wrote all of it back: enabled again."""
    cutline("create", "shop", "--quota", "10")
    find = Registry.find

    def slow(registry: Registry, account_id: str) -> Any:
        account = find(registry, account_id)
        registry.enable_account(account_id, False)
        return account

    monkeypatch.setattr(Registry, "find", slow)
    cutline("set", "shop", "--qps", "7", "--quota", "none")
    account = bank.store.account("shop")
    assert account is not None
    assert (account.enabled, account.qps, account.daily_quota) == (False, 7, None)


def test_retention_is_switched_off_and_on_again(bank: Bank, cutline: Any) -> None:
    key = keys_of(cutline("create", "shop", "--retention", "off", "--json"))["jd"][0]
    assert found(bank, Scheme.JD, key).account.retains is False
    cutline("set", "shop", "--qps", "7")
    assert "retention  off" in cutline("show", "shop").splitlines()
    assert json.loads(cutline("set", "shop", "--retention", "on", "--json"))["retention"] == "on"
    assert found(bank, Scheme.JD, key).account.retains is True


def test_rotate_replaces_every_credential(bank: Bank, cutline: Any) -> None:
    old = keys_of(cutline("create", "shop", "--json"))
    new = keys_of(cutline("rotate", "shop", "--json"))
    for scheme, kind in (
        (Scheme.JD, "jd"),
        (Scheme.AIDGE, "aidge"),
        (Scheme.API_KEY, "api-key"),
        (Scheme.AILAB, "api-key"),
    ):
        assert found(bank, scheme, old[kind][0]) is None
        assert found(bank, scheme, new[kind][0]).secret == (new[kind][1] or "")


def test_rotate_one_kind_with_an_overlap(bank: Bank, cutline: Any) -> None:
    old = keys_of(cutline("create", "shop", "--json"))
    new = keys_of(cutline("rotate", "shop", "--only", "jd", "--keep-old", "--json"))
    assert set(new) == {"jd"}
    assert found(bank, Scheme.JD, old["jd"][0]) and found(bank, Scheme.JD, new["jd"][0])
    last = keys_of(cutline("rotate", "shop", "--only", "jd", "--json"))
    assert [bool(found(bank, Scheme.JD, keys["jd"][0])) for keys in (old, new, last)] == [False, False, True]
    assert found(bank, Scheme.AIDGE, old["aidge"][0])


def test_rotate_issues_only_the_kinds_that_the_account_uses(bank: Bank, cutline: Any) -> None:
    bank.store.put_account(Account("shop"))
    bank.store.put_credential(Scheme.API_KEY, "an-api-key", "shop")
    assert set(keys_of(cutline("rotate", "shop", "--json"))) == {"api-key"}


@pytest.mark.parametrize("whole", [True, False], ids=["account", "credential"])
def test_disable_and_enable(bank: Bank, cutline: Any, whole: bool) -> None:
    keys = keys_of(cutline("create", "shop", "--json"))
    api_key = keys["api-key"][0]
    target = [] if whole else ["--credential", f"...{api_key[-6:]}"]
    for action, enabled in (("disable", False), ("enable", True)):
        assert "within 30 seconds" in cutline(action, "shop", *target)
        for scheme in (Scheme.API_KEY, Scheme.AILAB):
            credential = found(bank, scheme, api_key)
            assert (credential.enabled and credential.account.enabled) is enabled
        assert found(bank, Scheme.JD, keys["jd"][0]).enabled is True


def test_an_unknown_account_is_one_line_of_error(cutline: Any, refusal: Any) -> None:
    cutline("create", "shop")
    for action in ("show", "set", "rotate", "disable", "enable", "usage"):
        assert refusal(action, "missing") == "cutline: account missing not found\n"
    assert "has no credential X" in refusal("disable", "shop", "--credential", "X")
    assert "does not exist" in refusal("list", "--stack", "nowhere")
    assert "at most 400 days" in refusal("usage", "shop", "--from", "2024-01-01", "--to", "2026-01-01")


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "Shop"], ["create", "a b"], ["create", "x" * 64], ["create", "*service*"],
        ["create", "shop", "--qps", "0"], ["create", "shop", "--qps", "nan"], ["create", "shop", "--qps", "fast"],
        ["create", "shop", "--quota", "-1"], ["create", "shop", "--quota", "many"],
        ["create", "shop", "--price", "jdc"], ["create", "shop", "--price", "xyz=1"],
        ["create", "shop", "--price", "jdc=-1"], ["create", "shop", "--price", "jdc=0.0000001"],
        ["create", "shop", "--api", "xyz"], ["rotate", "shop", "--only", "password"], ["destroy", "shop"], [],
    ],
)  # fmt: skip
def test_arguments_that_make_no_sense_are_2_and_change_nothing(
    bank: Bank, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["account", *arguments])
    assert ended.value.code == 2
    assert "usage: cutline account" in capsys.readouterr().err
    assert bank.accounts.scan()["Items"] == []


def test_usage_is_a_table_csv_or_json(bank: Bank, cutline: Any) -> None:
    cutline("create", "shop", "--price", "jdc=0.002", "--price", "aid=0.01", "--qps", "100")
    account = Account("shop", qps=100, price_micros={"jdc": 2000, "aid": 10_000})
    meter, now = Meter(bank.meters), time.time()
    for call_id, api in (("c1", "jdc"), ("c2", "jdc"), ("c3", "aid")):
        meter.settle(meter.reserve(account, call_id, now), api)
    meter.release(meter.reserve(account, "c4", now), "aid")
    meter.refuse(account, "pw", now)
    report = json.loads(cutline("usage", "shop", "--format", "json"))
    counted = {row["api"]: (row["route"], row["calls"], row["charge"], row["refused"]) for row in report["rows"]}
    assert counted == {
        "aid": ("/ai/image/cut/out", 1, "0.010000", 1),
        "jdc": ("/api/cutout", 2, "0.004000", 0),
        "pw": ("/api/tasks/visual/segmentation", 0, "0.000000", 1),
    }
    assert report["total"] == {"calls": 3, "charge": "0.014000", "refused": 2}
    lines = list(csv.DictReader(io.StringIO(cutline("usage", "shop", "--format", "csv"))))
    assert [(line["api"], line["charge"]) for line in lines] == [(api, row[2]) for api, row in sorted(counted.items())]
    table = cutline("usage", "shop").splitlines()
    assert table[0].split() == ["day", "api", "route", "calls", "charge", "refused"]
    assert table[-1].split() == ["total", "3", "0.014000", "2"]
