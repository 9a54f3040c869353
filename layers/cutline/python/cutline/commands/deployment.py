"""The tables and keys of a deployment: from options, the environment, or the stack's outputs."""

import argparse
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from cutline.accounts.registry import Registry
from cutline.adapters.kms import KmsCipher
from cutline.adapters.link_secret import LinkSecret
from cutline.commands.arguments import check_address
from cutline.commands.failure import CommandFailed

DEFAULT_STACK = "cutline"
_ENDPOINT = "AWS_ENDPOINT_URL"
# By setting: its option, its environment variable and the stack's output.
SETTINGS = {
    "accounts_table": ("--accounts-table", "ACCOUNTS_TABLE", "AccountsTable"),
    "meter_table": ("--meter-table", "METER_TABLE", "MeterTable"),
    "key": ("--key", "ACCOUNTS_KEY", "AccountsKey"),
    "link_secret": ("--link-secret", "LINK_SECRET", "LinkSecret"),
    "results_keys": ("--results-keys", "RESULTS_KEYS", "ResultsKeys"),
    "matte_queue": ("--matte-queue", "MATTE_QUEUE", "MatteQueue"),
    "health_function": ("--health-function", "HEALTH_FUNCTION", "HealthFunction"),
    "smoke_key": ("--smoke-key", "SMOKE_KEY", "SmokeKey"),
}
_LATELY = timedelta(minutes=15)
# Beyond the health function's time-out; a second try would find no more.
_INVOKE = Config(connect_timeout=5, read_timeout=70, retries={"total_max_attempts": 1})
_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 3})


def deployment_options() -> argparse.ArgumentParser:
    """Return the options of every command on a deployment, as a parent parser."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group(
        "deployment",
        "AWS credentials and region are found as by the AWS CLI. Tables and keys default to the stack's outputs.",
    )
    group.add_argument("--stack", help=f"CloudFormation stack (default: CUTLINE_STACK, else {DEFAULT_STACK})")
    group.add_argument("--endpoint-url", help="endpoint of AWS or a substitute (default: AWS_ENDPOINT_URL)")
    group.add_argument("--region", help="AWS region (default: AWS_REGION, AWS_DEFAULT_REGION or the profile's)")
    group.add_argument("--profile", help="profile of the AWS configuration (default: AWS_PROFILE)")
    for name, (option, variable, output) in SETTINGS.items():
        group.add_argument(
            option, dest=name, metavar="NAME", help=f"(default: {variable}, else the stack's output {output})"
        )
    return parser


class Deployment:
    """The stores of one deployment, looked up on first use."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        for option, url in (("--endpoint-url", arguments.endpoint_url), (_ENDPOINT, os.environ.get(_ENDPOINT))):
            if url:
                check_address(option, url)
        region = arguments.region or os.environ.get("AWS_REGION")
        self._session = boto3.Session(profile_name=arguments.profile, region_name=region)

    @cached_property
    def registry(self) -> Registry:
        """Return accounts and credentials. Raises CommandFailed."""
        cipher = KmsCipher(self._client("kms"), self._setting("key"))
        return Registry(self._table(self._setting("accounts_table")), cipher)

    @cached_property
    def meters(self) -> Any:
        """Return the table of the usage counters. Raises CommandFailed."""
        return self._table(self._setting("meter_table"))

    def link_secret(self) -> LinkSecret:
        """Return the keys of result links and callbacks. Raises CommandFailed."""
        answer = self._client("secretsmanager").get_secret_value(SecretId=self._setting("link_secret"))
        return LinkSecret.parse(answer["SecretString"])

    def store_link_secret(self, secret: LinkSecret) -> None:
        """Replace the keys of result links and callbacks. Raises CommandFailed."""
        name = self._setting("link_secret")
        self._client("secretsmanager").put_secret_value(SecretId=name, SecretString=secret.to_text())

    def change_results_keys(self, change: Callable[[str], tuple[str, int]]) -> int:
        """Replace the text of the secret of the results' keys; return what `change` adds. Raises CommandFailed."""
        secrets, name = self._client("secretsmanager"), self._setting("results_keys")
        text, added = change(str(secrets.get_secret_value(SecretId=name)["SecretString"]))
        secrets.put_secret_value(SecretId=name, SecretString=text)
        return added

    @cached_property
    def smoke_key(self) -> Callable[[str], None]:
        """Return what replaces the text of the secret of the smoke's key. Raises CommandFailed."""
        secrets, name = self._client("secretsmanager"), self._setting("smoke_key")
        return lambda text: secrets.put_secret_value(SecretId=name, SecretString=text)

    def health(self) -> dict[str, Any]:
        """Return what the health function says. Raises CommandFailed."""
        answer = self._client("lambda", _INVOKE).invoke(FunctionName=self._setting("health_function"))
        found: Any = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise CommandFailed(f"the health function failed: {found.get('errorType')}; its log says more")
        return dict(found)

    def oldest_task_s(self) -> float | None:
        """Return how long the oldest task waits for a worker, or None where CloudWatch has not said lately."""
        now, queue = datetime.now(UTC), self._setting("matte_queue").rpartition("/")[2]
        points = self._client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SQS",
            MetricName="ApproximateAgeOfOldestMessage",
            Dimensions=[{"Name": "QueueName", "Value": queue}],
            StartTime=now - _LATELY,
            EndTime=now,
            Period=300,
            Statistics=["Maximum"],
        )["Datapoints"]
        return max(points, key=lambda point: point["Timestamp"])["Maximum"] if points else None

    def _setting(self, name: str) -> str:
        option, variable, output = SETTINGS[name]
        value = getattr(self._arguments, name)
        if not value and not self._arguments.stack:  # --stack takes precedence over the environment
            value = os.environ.get(variable)
        value = value or self._outputs.get(output)
        if not value:
            raise CommandFailed(f"stack {self._stack} has no output {output}; set {option} or {variable}")
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

    def _client(self, service: str, config: Config = _CONFIG) -> Any:
        return self._session.client(service, endpoint_url=self._arguments.endpoint_url, config=config)
