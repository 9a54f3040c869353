"""Deletes the stack: `python -m tools.destroy`. With --data also what the stack leaves on purpose.

Left without --data: the results bucket, the accounts and meter tables, the key that the accounts' secrets are encrypted
with, and the role of API Gateway's logs. With --data they go, and so does what earlier stacks of this name have left,
such as a first deployment that failed. The HMAC secrets in every backup of the accounts table are lost for good once
the key goes.
"""

import argparse
import sys
from collections.abc import Iterable
from typing import Any

import boto3
from botocore.exceptions import ClientError

from cutline.commands.leftovers import Leftover, leftovers

_KEY_DAYS = 7
_RETAINED = ("OutputBucket", "AccountsTable", "MeterTable", "AccountsKey", "ApiLogRole")


def main() -> int:
    """0 if the stack is gone, 1 if its name was not typed."""
    parser = argparse.ArgumentParser(prog="python -m tools.destroy", description=__doc__)
    parser.add_argument("--stack", default="cutline")
    parser.add_argument("--data", action="store_true", help="results, accounts, charges and key, too")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args()
    there = resources_of(options.stack)
    kept = [item for item in there if item.logical in _RETAINED]
    kept += [item for item in leftovers(boto3.client, options.stack) if item not in kept]
    if there:
        print(f"Goes: stack {options.stack} with all functions, logs and pictures that were not yet worked")
    print(f"{'Goes' if options.data else 'Stays'}: {', '.join(item.name for item in kept) or 'nothing'}")
    if not options.yes and input("Type the stack's name: ") != options.stack:
        return 1
    if there:
        delete_stack(options.stack, there)
    if options.data:
        delete_data(kept)
    return 0


def resources_of(stack: str) -> list[Leftover]:
    """The stack's resources, also after a first deployment that failed; none where there is no such stack."""
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    try:
        found = [item for page in pages for item in page["StackResourceSummaries"]]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return []
    return [
        Leftover(item["LogicalResourceId"], item["ResourceType"], item["PhysicalResourceId"])
        for item in found
        if item.get("PhysicalResourceId") and item["ResourceStatus"] != "DELETE_COMPLETE"
    ]


def delete_stack(stack: str, there: Iterable[Leftover]) -> None:
    """A bucket that holds something cannot be deleted, so the input bucket is emptied first."""
    for item in there:
        if item.logical == "InputBucket":
            empty(item.name)
    cloudformation = boto3.client("cloudformation")
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack)


def delete_data(kept: Iterable[Leftover]) -> None:
    """What CloudFormation retains."""
    for item in kept:
        match item.kind:
            case "AWS::S3::Bucket":
                empty(item.name)
                boto3.client("s3").delete_bucket(Bucket=item.name)
            case "AWS::DynamoDB::Table":
                delete_table(item.name)
            case "AWS::KMS::Key":
                boto3.client("kms").schedule_key_deletion(KeyId=item.name, PendingWindowInDays=_KEY_DAYS)
            case "AWS::IAM::Role":
                delete_log_role(item.name)


def delete_table(name: str) -> None:
    """Deletes a protected table."""
    dynamodb = boto3.client("dynamodb")
    dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    dynamodb.delete_table(TableName=name)


def delete_log_role(name: str) -> None:
    """Deletes the role of API Gateway's logs, unless another API of the region writes its logs by it."""
    gateway, iam = boto3.client("apigateway"), boto3.client("iam")
    if gateway.get_account().get("cloudwatchRoleArn", "").endswith(f"/{name}"):
        if gateway.get_rest_apis(limit=1)["items"]:
            print(f"Stays: {name}, with which the region's other APIs write their logs")
            return
        gateway.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": ""}])
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=name)


def empty(bucket: str) -> None:
    """Deletes every object."""
    s3: Any = boto3.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        keys = [{"Key": item["Key"]} for item in page.get("Contents", [])]
        if keys:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})


if __name__ == "__main__":
    sys.exit(main())
