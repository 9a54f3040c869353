"""A stack in memory: the tables and buckets that tasks live in, and a state machine that only remembers."""

import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from cutline.accounts.meter import Meter
from cutline.adapters.input_files import InputFiles
from cutline.adapters.link_secret import LinkSecret
from cutline.adapters.result_store import ResultStore
from cutline.tasks.store import TaskStore
from tests.support.bank import make_table
from tests.support.task_stack import NOW, Machine, Stack


@pytest.fixture(scope="module")
def aws() -> Iterator[tuple[Any, Any]]:
    """DynamoDB and S3 in memory; one of each per module, because making the clients is what takes the time."""
    with mock_aws():
        yield boto3.resource("dynamodb", region_name="us-east-1"), boto3.client("s3", region_name="us-east-1")


@pytest.fixture
def stack(aws: tuple[Any, Any]) -> Stack:
    dynamodb, s3 = aws
    name = uuid.uuid4().hex
    for bucket in (f"in-{name}", f"out-{name}"):
        s3.create_bucket(Bucket=bucket)
    meters = make_table(dynamodb, f"meters-{name}", "pk", "sk")
    return Stack(
        meters,
        s3,
        f"out-{name}",
        TaskStore(make_table(dynamodb, f"tasks-{name}", "pk"), lambda: NOW),
        InputFiles(s3, f"in-{name}"),
        ResultStore(s3, f"out-{name}", lambda: LinkSecret.parse("link secret")),
        Meter(meters),
        Machine(),
    )
