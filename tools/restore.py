"""Restores accounts and meter as they were: `python -m tools.restore --stack cutline --at 2026-11-24T10:00:00Z`.

DynamoDB restores into new tables and does not touch those in use. The new ones get what a restore does not bring along:
point-in-time recovery, protection and expiry. The parameters that are printed at the end let the stack use them;
deploying the parameters' defaults goes back.
"""

import argparse
import sys
import time
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import ClientError

# A restore takes from minutes to hours, whatever the table's size.
_WAIT = {"Delay": 20, "MaxAttempts": 1080}
_PARAMETERS = {"AccountsTable": "AccountsTableName", "MeterTable": "MeterTableName"}


def main(argv: list[str] | None = None) -> int:
    """0 when the tables are there; 1 where AWS refuses, such as a time outside of the last 35 days."""
    parser = argparse.ArgumentParser(prog="python -m tools.restore", description=__doc__)
    parser.add_argument("--stack", default="cutline")
    parser.add_argument("--at", type=datetime.fromisoformat, help="a time with its zone; default: the latest possible")
    parser.add_argument("--only", choices=tuple(_PARAMETERS), help="default: both")
    for name in _PARAMETERS:
        parser.add_argument(f"--{name.lower()}", dest=name, metavar="NAME", help="default: the stack's output")
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    parser.add_argument("--suffix", default=stamp, help="ends the new tables' names (default: the time, %(default)s)")
    options = parser.parse_args(argv)
    if options.at is not None and options.at.tzinfo is None:
        parser.error("--at needs a zone: 2026-11-24T10:00:00Z")
    wanted = [options.only] if options.only else list(_PARAMETERS)
    named = {name: getattr(options, name) for name in wanted}
    try:
        sources = named if all(named.values()) else outputs_of(options.stack) | {k: v for k, v in named.items() if v}
        restored = {name: restore(sources[name], f"{sources[name]}-{options.suffix}", options.at) for name in wanted}
    except ClientError as error:
        print(error, file=sys.stderr)
        return 1
    print("Set these in parameter_overrides of samconfig.toml, then run make deploy:")
    print(*(f'  "{_PARAMETERS[name]}={table}",' for name, table in restored.items()), sep="\n")
    return 0


def outputs_of(stack: str) -> dict[str, str]:
    """The stack's outputs. Raises ClientError without a stack."""
    (found,) = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def restore(source: str, target: str, at: datetime | None) -> str:
    """Restore one table and return the new one's name. Raises ClientError."""
    dynamodb = boto3.client("dynamodb")
    when: dict[str, Any] = {"UseLatestRestorableTime": True} if at is None else {"RestoreDateTime": at.astimezone(UTC)}
    dynamodb.restore_table_to_point_in_time(SourceTableName=source, TargetTableName=target, **when)
    print(f"Restoring {source} to {target} ...", flush=True)
    dynamodb.get_waiter("table_exists").wait(TableName=target, WaiterConfig=_WAIT)
    expiry = dynamodb.describe_time_to_live(TableName=source)["TimeToLiveDescription"]
    if expiry.get("AttributeName"):
        wanted = {"AttributeName": expiry["AttributeName"], "Enabled": True}
        dynamodb.update_time_to_live(TableName=target, TimeToLiveSpecification=wanted)
    dynamodb.update_continuous_backups(
        TableName=target, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    dynamodb.update_table(TableName=target, DeletionProtectionEnabled=True)
    return target


if __name__ == "__main__":
    sys.exit(main())
