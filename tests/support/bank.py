"""An AWS account in memory: the two tables and the KMS key of the template."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws

from cutline.accounts.account import Account, AccountStore
from cutline.accounts.gate import Gate
from cutline.accounts.meter import Meter, Reservation
from cutline.adapters.kms import KmsCipher
from cutline.contracts.wire import Contract, Request, Scheme


@dataclass(frozen=True)
class Bank:
    """Accounts and meter, with the tables behind them open to inspection."""

    accounts: Any
    meters: Any
    kms: Any
    cipher: KmsCipher
    store: AccountStore
    meter: Meter

    def gate(self, *, lenient: bool = False) -> Gate:
        return Gate(self.store, self.meter, self.meters, lenient_body_hash=lenient)

    def admit(self, contract: Contract, request: Request, *, lenient: bool = False) -> Reservation:
        """Through the gate: authenticated and reserved."""
        gate = self.gate(lenient=lenient)
        return gate.reserve(gate.authenticate(contract, request), contract)

    def open(self, account: Account) -> None:
        """Creates the account with one credential of each scheme."""
        self.store.put_account(account)
        self.store.put_credential(Scheme.JD, "DEMOAK", account.account_id, "DEMOSK")
        self.store.put_credential(Scheme.AIDGE, "512345", account.account_id, "demo-secret")
        self.store.put_credential(Scheme.API_KEY, "demo-key", account.account_id)

    def day(self, account: Account, day: str) -> dict[str, Any]:
        """The meter's item of an account and day."""
        item: dict[str, Any] = self.meters.get_item(Key={"pk": f"ACCOUNT#{account.account_id}", "sk": f"DAY#{day}"})
        return item.get("Item", {})

    def taken(self, account: Account) -> int:
        """The places of the account's quota that are used up, over all items of its days."""
        items = self.meters.scan()["Items"]
        mine = (f"ACCOUNT#{account.account_id}", f"ACCOUNT#{account.account_id}#")
        return sum(
            int(item.get("taken", 0)) for item in items if item["pk"] == mine[0] or item["pk"].startswith(mine[1])
        )


def make_table(dynamodb: Any, name: str, *keys: str) -> Any:
    return dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)],
    )


@pytest.fixture(scope="module")
def aws() -> Iterator[tuple[Any, Any, str]]:
    """DynamoDB, KMS and a key's id, in memory; one of each per module, because making them is what takes the time."""
    with mock_aws():
        kms = boto3.client("kms", region_name="us-east-1")
        yield boto3.resource("dynamodb", region_name="us-east-1"), kms, kms.create_key()["KeyMetadata"]["KeyId"]


@pytest.fixture
def bank(aws: tuple[Any, Any, str]) -> Bank:
    dynamodb, kms, key_id = aws
    name = uuid.uuid4().hex
    accounts, meters = (
        make_table(dynamodb, f"accounts-{name}", "pk"),
        make_table(dynamodb, f"meters-{name}", "pk", "sk"),
    )
    cipher = KmsCipher(kms, key_id)
    return Bank(accounts, meters, kms, cipher, AccountStore(accounts, cipher), Meter(meters))
