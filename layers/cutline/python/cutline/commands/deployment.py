"""Where a deployment keeps its accounts: said in options, in the environment, or by the stack's outputs."""

import argparse
import os
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from cutline.accounts.registry import Registry
from cutline.adapters.kms import KmsCipher
from cutline.commands.failure import CommandFailed

DEFAULT_STACK = "cutline"
# Per setting: its option, its environment variable and the stack's output.
SETTINGS = {
    "accounts_table": ("--accounts-table", "ACCOUNTS_TABLE", "AccountsTable"),
    "meter_table": ("--meter-table", "METER_TABLE", "MeterTable"),
    "key": ("--key", "ACCOUNTS_KEY", "AccountsKey"),
    "link_secret": ("--link-secret", "LINK_SECRET", "LinkSecret"),
}
_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 3})


def deployment_options() -> argparse.ArgumentParser:
    """The options that every command against a deployment takes, as a parent parser."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group(
        "deployment",
        "Credentials and region come from AWS's usual places. Tables and key are those of the stack, unless named.",
    )
    group.add_argument("--stack", help=f"name of the CloudFormation stack (CUTLINE_STACK, else {DEFAULT_STACK})")
    group.add_argument("--endpoint-url", help="address of AWS or what stands for it (AWS_ENDPOINT_URL)")
    group.add_argument("--region", help="AWS region (AWS_REGION, AWS_DEFAULT_REGION or the profile's)")
    group.add_argument("--profile", help="profile of the AWS configuration (AWS_PROFILE)")
    for name, (option, variable, output) in SETTINGS.items():
        group.add_argument(option, dest=name, metavar="NAME", help=f"{variable}, else the stack's {output}")
    return parser


class Deployment:
    """The stores of one deployment, found when they are first needed."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        region = arguments.region or os.environ.get("AWS_REGION")
        self._session = boto3.Session(profile_name=arguments.profile, region_name=region)

    @cached_property
    def registry(self) -> Registry:
        """Accounts and credentials. Raises CommandFailed."""
        cipher = KmsCipher(self._client("kms"), self._setting("key"))
        return Registry(self._table(self._setting("accounts_table")), cipher)

    @cached_property
    def meters(self) -> Any:
        """The table of the usage counters. Raises CommandFailed."""
        return self._table(self._setting("meter_table"))

    def link_secret(self) -> bytes:
        """The key that the accounts' callback keys are made from. Raises CommandFailed."""
        answer = self._client("secretsmanager").get_secret_value(SecretId=self._setting("link_secret"))
        return str(answer["SecretString"]).encode()

    def _setting(self, name: str) -> str:
        option, variable, output = SETTINGS[name]
        value = getattr(self._arguments, name)
        if not value and not self._arguments.stack:  # what is named in an option counts for more than the environment
            value = os.environ.get(variable)
        value = value or self._outputs.get(output)
        if not value:
            raise CommandFailed(f"stack {self._stack} has no output {output}; name it with {option} or {variable}")
        return str(value)

    @property
    def _stack(self) -> str:
        return self._arguments.stack or os.environ.get("CUTLINE_STACK") or DEFAULT_STACK

    @cached_property
    def _outputs(self) -> dict[str, str]:
        (stack,) = self._client("cloudformation").describe_stacks(StackName=self._stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def _table(self, name: str) -> Any:
        return self._session.resource("dynamodb", endpoint_url=self._arguments.endpoint_url, config=_CONFIG).Table(name)

    def _client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self._arguments.endpoint_url, config=_CONFIG)
