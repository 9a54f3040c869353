"""What deleted and failed stacks of one name have left in the AWS account, on purpose or not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

Clients = Callable[[str], Any]
# CloudFormation lists the resources of a deleted stack for ninety days, by the stack's id.
_ENDED = ("DELETE_COMPLETE", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
_KEPT = "DELETE_SKIPPED"
_KEY_GONE = frozenset({"PendingDeletion", "PendingReplicaDeletion"})


@dataclass(frozen=True)
class Leftover:
    """A resource that the template retains: its logical id, type and physical name."""

    logical: str
    kind: str
    name: str


def leftovers(clients: Clients, stack: str) -> list[Leftover]:
    """Return what is still there of the ended stacks with this name."""
    found = {
        Leftover(item["LogicalResourceId"], item["ResourceType"], item["PhysicalResourceId"])
        for stack_id in _ended_stacks(clients, stack)
        for item in _resources(clients, stack_id)
        if item["ResourceStatus"] == _KEPT and item.get("PhysicalResourceId")
    }
    there = (item for item in found if _THERE.get(item.kind, _unknown)(clients, item.name))
    return sorted(there, key=lambda item: (item.logical, item.name))


def _ended_stacks(clients: Clients, stack: str) -> Iterator[str]:
    pages = clients("cloudformation").get_paginator("list_stacks").paginate(StackStatusFilter=list(_ENDED))
    yield from (item["StackId"] for page in pages for item in page["StackSummaries"] if item["StackName"] == stack)


def _resources(clients: Clients, stack_id: str) -> Iterator[dict[str, Any]]:
    for page in clients("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack_id):
        yield from page["StackResourceSummaries"]


def _exists(act: Callable[[], object], *absent: str) -> bool:
    try:
        act()
    except ClientError as error:
        if error.response["Error"]["Code"] in absent:
            return False
        raise
    return True


def _bucket(clients: Clients, name: str) -> bool:
    return _exists(lambda: clients("s3").head_bucket(Bucket=name), "404", "NoSuchBucket")


def _table(clients: Clients, name: str) -> bool:
    return _exists(lambda: clients("dynamodb").describe_table(TableName=name), "ResourceNotFoundException")


def _role(clients: Clients, name: str) -> bool:
    return _exists(lambda: clients("iam").get_role(RoleName=name), "NoSuchEntity")


def _key(clients: Clients, name: str) -> bool:
    return clients("kms").describe_key(KeyId=name)["KeyMetadata"]["KeyState"] not in _KEY_GONE


def _unknown(clients: Clients, name: str) -> bool:
    """API Gateway's account settings, which are no resource of their own."""
    return False


_THERE: dict[str, Callable[[Clients, str], bool]] = {
    "AWS::S3::Bucket": _bucket,
    "AWS::DynamoDB::Table": _table,
    "AWS::IAM::Role": _role,
    "AWS::KMS::Key": _key,
}
