"""Deletes the stack: `python -m tools.destroy`. With --data also what the stack leaves on purpose.

Left without --data: the results bucket, the accounts and meter tables, the key that the accounts' secrets are encrypted
with. With --data the HMAC secrets in every backup of the accounts table are lost for good once the key goes.
"""

import argparse
import sys
from typing import Any

import boto3

_KEY_DAYS = 7
_RETAINED = ("OutputBucket", "AccountsTable", "MeterTable", "AccountsKey")


def main() -> int:
    """0 if the stack is gone, 1 if its name was not typed."""
    parser = argparse.ArgumentParser(prog="python -m tools.destroy", description=__doc__)
    parser.add_argument("--stack", default="cutline")
    parser.add_argument("--data", action="store_true", help="results, accounts, charges and key, too")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args()
    left = resources_of(options.stack)
    print(f"Goes: stack {options.stack} with all functions, logs and pictures that were not yet worked")
    kept = [left[name] for name in _RETAINED if name in left]
    print(f"{'Goes' if options.data else 'Stays'}: {', '.join(kept) or 'nothing'}")
    if not options.yes and input("Type the stack's name: ") != options.stack:
        return 1
    delete_stack(options.stack, left)
    if options.data:
        delete_data(left)
    return 0


def resources_of(stack: str) -> dict[str, str]:
    """Names of the stack's resources by logical id: also of a stack whose first deployment failed, without outputs."""
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    found = [item for page in pages for item in page["StackResourceSummaries"]]
    there = [item for item in found if item.get("PhysicalResourceId") and item["ResourceStatus"] != "DELETE_COMPLETE"]
    return {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in there}


def delete_stack(stack: str, left: dict[str, str]) -> None:
    """A bucket that holds something cannot be deleted, so the input bucket is emptied first."""
    if "InputBucket" in left:
        empty(left["InputBucket"])
    cloudformation = boto3.client("cloudformation")
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack)


def delete_data(left: dict[str, str]) -> None:
    """What CloudFormation retains, as far as the stack had made it."""
    if "OutputBucket" in left:
        empty(left["OutputBucket"])
        boto3.client("s3").delete_bucket(Bucket=left["OutputBucket"])
    dynamodb = boto3.client("dynamodb")
    for name in ("AccountsTable", "MeterTable"):
        if name in left:
            dynamodb.update_table(TableName=left[name], DeletionProtectionEnabled=False)
            dynamodb.get_waiter("table_exists").wait(TableName=left[name])
            dynamodb.delete_table(TableName=left[name])
    if "AccountsKey" in left:
        boto3.client("kms").schedule_key_deletion(KeyId=left["AccountsKey"], PendingWindowInDays=_KEY_DAYS)


def empty(bucket: str) -> None:
    """Deletes every object."""
    s3: Any = boto3.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        keys = [{"Key": item["Key"]} for item in page.get("Contents", [])]
        if keys:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})


if __name__ == "__main__":
    sys.exit(main())
