"""An AWS account in memory: the two tables and the KMS key of the template."""

import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from cutline.accounts.account import AccountStore
from cutline.accounts.meter import Meter
from cutline.adapters.kms import KmsCipher
from tests.support.bank import Bank, make_table


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
