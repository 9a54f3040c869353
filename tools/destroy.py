"""Deletes the stack: `python -m tools.destroy`. With --data also what the stack leaves on purpose.

Left without --data: the results bucket, the accounts and meter tables, the key that the accounts' secrets are encrypted
with. With --data the HMAC secrets in every backup of the accounts table are lost for good once the key goes.
"""

import argparse
import sys
from typing import Any

import boto3

_KEY_DAYS = 7


def main() -> int:
    """0 if the stack is gone, 1 if its name was not typed."""
    parser = argparse.ArgumentParser(prog="python -m tools.destroy", description=__doc__)
    parser.add_argument("--stack", default="cutline")
    parser.add_argument("--data", action="store_true", help="results, accounts, charges and key, too")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args()
    outputs = outputs_of(options.stack)
    print(f"Goes: stack {options.stack} with all functions, logs and the pictures of {outputs['InputBucket']}")
    kept = [outputs[name] for name in ("OutputBucket", "AccountsTable", "MeterTable", "AccountsKey")]
    print(f"{'Goes' if options.data else 'Stays'}: {', '.join(kept)}")
    if not options.yes and input("Type the stack's name: ") != options.stack:
        return 1
    delete_stack(options.stack, outputs)
    if options.data:
        delete_data(outputs)
    return 0


def outputs_of(stack: str) -> dict[str, str]:
    """The stack's outputs by name."""
    (found,) = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


def delete_stack(stack: str, outputs: dict[str, str]) -> None:
    """A bucket that holds something cannot be deleted, so the input bucket is emptied first."""
    empty(outputs["InputBucket"])
    cloudformation = boto3.client("cloudformation")
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack)


def delete_data(outputs: dict[str, str]) -> None:
    """What CloudFormation retains."""
    empty(outputs["OutputBucket"])
    boto3.client("s3").delete_bucket(Bucket=outputs["OutputBucket"])
    dynamodb = boto3.client("dynamodb")
    for name in ("AccountsTable", "MeterTable"):
        dynamodb.update_table(TableName=outputs[name], DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=outputs[name])
        dynamodb.delete_table(TableName=outputs[name])
    boto3.client("kms").schedule_key_deletion(KeyId=outputs["AccountsKey"], PendingWindowInDays=_KEY_DAYS)


def empty(bucket: str) -> None:
    """Deletes every object."""
    s3: Any = boto3.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        keys = [{"Key": item["Key"]} for item in page.get("Contents", [])]
        if keys:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})


if __name__ == "__main__":
    sys.exit(main())
