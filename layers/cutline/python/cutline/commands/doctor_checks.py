"""The checks of `cutline doctor`: each says what a deployment would meet, and what to do about it.

A check takes the plan and AWS's clients, and yields findings. None changes anything.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cutline.commands.failure import CommandFailed
from cutline.commands.sam_project import MACHINES, built_for, network_problems

# The template's defaults of the parameters that are looked at.
DEFAULTS: Mapping[str, str] = {
    "Architecture": "arm64",
    "Model": "matte",
    "EndpointModel": "isnet",
    "SyncMemoryMb": "1769",
    "SyncConcurrency": "0",
    "WorkerConcurrency": "10",
    "DropConcurrency": "5",
    "ApiLogging": "set",
    "CertificateArn": "",
    "EndpointImage": "none",
    "BudgetUsd": "0",
    "GpuEndpoint": "none",
    "EndpointInstanceType": "ml.g4dn.xlarge",
    "EndpointMaxInstances": "2",
}
_RESERVING = 4  # functions with SyncConcurrency
_KEPT_BY_AWS = 100  # of the quota of concurrent executions, for functions that reserve nothing
_NEW_ACCOUNT_MB = 3008
_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
_SAM_STACK = "aws-sam-cli-managed-default"
# A stack in one of these takes no update.
_DEAD = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})


class Verdict(StrEnum):
    """Whether to deploy."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "FAILURE"


@dataclass(frozen=True)
class Finding:
    """A line for the operator: what was looked at, and what to do if it is not in order."""

    verdict: Verdict
    what: str
    text: str


@dataclass(frozen=True)
class Plan:
    """What is to be deployed, where; `said` are the parameters in samconfig.toml."""

    stack: str
    region: str
    root: Path
    said: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.said.get(name, DEFAULTS[name])

    def number(self, name: str) -> int:
        """A parameter that is a number. Raises CommandFailed."""
        try:
            return int(float(self[name]))
        except ValueError as error:
            raise CommandFailed(f"{name} must be a number, not {self[name]!r}") from error


Clients = Callable[[str], Any]
Check = Callable[[Plan, Clients], Iterator[Finding]]


def stack_name(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """The stack's name, by CloudFormation's rule. Names that are made from it are cut, or have room for it."""
    if _STACK_NAME.fullmatch(plan.stack):
        yield Finding(Verdict.OK, "stack name", f"{plan.stack}, {len(plan.stack)} of 128 characters")
    else:
        text = f"{plan.stack!r}: take a letter, then letters, digits and hyphens, 128 characters at most"
        yield Finding(Verdict.FAILURE, "stack name", text)


def layers(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """A layer for another processor fails at every function's first import."""
    wanted, built = MACHINES.get(plan["Architecture"], plan["Architecture"]), built_for(plan.root)
    if built == wanted:
        yield Finding(Verdict.OK, "layers", f"built for {built}, as Architecture={plan['Architecture']} needs")
    elif built == "nothing":
        yield Finding(
            Verdict.WARNING, "layers", f"nothing is built yet: make deploy does it, or MACHINE={wanted} sam build"
        )
    else:
        text = f"built for {built}, but Architecture={plan['Architecture']}: MACHINE={wanted} sam build, or make deploy"
        yield Finding(Verdict.FAILURE, "layers", text)


def networks(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """The template cannot list what models.toml has: an unknown network fails at every call."""
    if not (plan.root / "layers" / "model").is_dir():
        return  # not in the repository: `layers` warns
    chosen = {name: plan[name] for name in ("Model", "GpuEndpoint", "EndpointModel")}
    for name, problem in network_problems(plan.root, chosen).items():
        text = f"{name}={chosen[name]}"
        verdict = Verdict.FAILURE if problem else Verdict.OK
        yield Finding(verdict, "network", f"{text}: {problem}" if problem else text)


def partition(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """The credentials' partition is the region's; what the partitions lack."""
    arn = clients("sts").get_caller_identity()["Arn"]
    ours, regions = arn.split(":")[1], clients("sts").meta.partition
    if ours != regions:
        text = (
            f"the credentials are of {ours}, the region {plan.region} is in {regions}: change the region or the profile"
        )
        yield Finding(Verdict.FAILURE, "partition", text)
        return
    yield Finding(Verdict.OK, "partition", ours)
    if ours == "aws-cn":
        text = "China: API Gateway answers the public only after an ICP filing; see AWS China's guide"
        yield Finding(Verdict.WARNING, "partition", text)
    if ours == "aws-us-gov" and plan.number("BudgetUsd"):
        yield Finding(Verdict.FAILURE, "partition", "GovCloud has no budgets: BudgetUsd=0")
    yield from _elsewhere(plan, "CertificateArn", r"arn:[\w-]+:acm:([\w-]+):")


def stack(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """Whether the stack, its buckets and SAM's own bucket are in a state to deploy to."""
    for name in (plan.stack, _SAM_STACK):
        found = _stack(clients, name)
        state = found["StackStatus"] if found else ""
        if not found:
            made = "will be made" if name == plan.stack else "will be made by sam deploy (resolve_s3)"
            yield Finding(Verdict.OK, "stack", f"{name} {made}")
        elif state in _DEAD:
            text = f"{name} is in {state} and takes no update: aws cloudformation delete-stack --stack-name {name}"
            yield Finding(Verdict.FAILURE, "stack", text)
        elif state.endswith("_IN_PROGRESS"):
            yield Finding(Verdict.FAILURE, "stack", f"{name} is in {state}: wait until that has ended")
        elif state.endswith("ROLLBACK_FAILED"):
            text = f"{name} is in {state}: aws cloudformation continue-update-rollback --stack-name {name}"
            yield Finding(Verdict.FAILURE, "stack", text)
        else:
            yield Finding(Verdict.OK, "stack", f"{name} is in {state}")
            yield from _buckets(found, clients)


def _buckets(found: Mapping[str, Any], clients: Clients) -> Iterator[Finding]:
    for output in found.get("Outputs", []):
        if output["OutputKey"] not in ("InputBucket", "OutputBucket", "SourceBucket"):
            continue
        bucket = output["OutputValue"]
        try:
            clients("s3").head_bucket(Bucket=bucket)
            yield Finding(Verdict.OK, "bucket", bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
                raise
            text = f"{bucket} of stack {found['StackName']} is gone, and no update makes it again: make it by hand"
            yield Finding(Verdict.FAILURE, "bucket", text)


def lambda_quota(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """What may run at once in the region, and what the parameters reserve of it."""
    limits = clients("lambda").get_account_settings()["AccountLimit"]
    quota, free = int(limits["ConcurrentExecutions"]), int(limits["UnreservedConcurrentExecutions"])
    before = _stack(clients, plan.stack) or {}
    held = {item["ParameterKey"]: item["ParameterValue"] for item in before.get("Parameters", [])}
    free += _RESERVING * int(held.get("SyncConcurrency", 0))
    reserved = _RESERVING * plan.number("SyncConcurrency")
    raised = quota - free + reserved + _KEPT_BY_AWS
    if reserved and raised > quota:
        text = (
            f"SyncConcurrency={plan['SyncConcurrency']} reserves {reserved} of {free} that are free, and AWS keeps "
            f"{_KEPT_BY_AWS}: SyncConcurrency=0, or have the quota of {quota} raised to {raised}"
        )
        yield Finding(Verdict.FAILURE, "Lambda quota", text)
    elif quota < _KEPT_BY_AWS:
        background = plan.number("WorkerConcurrency") + plan.number("DropConcurrency")
        text = (
            f"{quota} functions at once, as in new accounts, and background work may take {background}: have it raised "
            "(Service Quotas, AWS Lambda, Concurrent executions)"
        )
        yield Finding(Verdict.WARNING, "Lambda quota", text)
    else:
        yield Finding(Verdict.OK, "Lambda quota", f"{quota} functions at once, {reserved} of them reserved")
    if plan.number("SyncMemoryMb") > _NEW_ACCOUNT_MB:
        text = f"SyncMemoryMb={plan['SyncMemoryMb']}, but new accounts get {_NEW_ACCOUNT_MB}: AWS Support raises that"
        yield Finding(Verdict.WARNING, "Lambda memory", text)


def gateway_logs(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """The region's one role for API Gateway's logs, which the stack sets or finds."""
    role = clients("apigateway").get_account().get("cloudwatchRoleArn", "")
    ours = f"/{plan.stack}-ApiLogRole-" in role
    if plan["ApiLogging"] == "keep" and not role:
        text = "API Gateway has no role to write logs with in this region: ApiLogging=set"
        yield Finding(Verdict.FAILURE, "API logs", text)
    elif plan["ApiLogging"] == "set" and role and not ours:
        text = f"the deployment replaces {role}, which other APIs of the region use: ApiLogging=keep leaves it"
        yield Finding(Verdict.WARNING, "API logs", text)
    else:
        yield Finding(Verdict.OK, "API logs", role or "the stack sets the region's role")


def gpu_quota(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """SageMaker's quota for the endpoint's instances is 0 in many accounts."""
    if plan["GpuEndpoint"] == "none":
        return
    wanted = f"{plan['EndpointInstanceType']} for endpoint usage"
    found = None
    for page in clients("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker"):
        found = next((item["Value"] for item in page["Quotas"] if item["QuotaName"] == wanted), found)
    most = plan.number("EndpointMaxInstances")
    ask = f"have it raised (Service Quotas, Amazon SageMaker, {wanted!r})"
    if found is None:
        text = (
            f"{plan.region} names no quota {wanted!r}: is there such an instance? Choose another EndpointInstanceType"
        )
        yield Finding(Verdict.FAILURE, "GPU quota", text)
    elif found < 1:
        yield Finding(Verdict.FAILURE, "GPU quota", f"no {plan['EndpointInstanceType']}: {ask}, or GpuEndpoint=none")
    elif found < most:
        text = f"{found:.0f} {plan['EndpointInstanceType']}, but EndpointMaxInstances={most}: {ask}"
        yield Finding(Verdict.WARNING, "GPU quota", text)
    else:
        yield Finding(Verdict.OK, "GPU quota", f"{found:.0f} {plan['EndpointInstanceType']}")
    yield from _elsewhere(plan, "EndpointImage", r"\d+\.dkr\.ecr\.([\w-]+)\.")


# In the order of their lines. Those at home need no AWS.
AT_HOME: tuple[Check, ...] = (stack_name, layers, networks)
AT_AWS: tuple[Check, ...] = (partition, stack, lambda_quota, gateway_logs, gpu_quota)


def run(check: Check, plan: Plan, clients: Clients) -> Iterator[Finding]:
    """The check's findings; what AWS does not answer is a warning: a deployment may be allowed what this is not."""
    try:
        yield from check(plan, clients)
    except (BotoCoreError, ClientError) as error:
        yield Finding(Verdict.WARNING, check.__name__.replace("_", " "), f"cannot be told: {error}")


def _elsewhere(plan: Plan, name: str, pattern: str) -> Iterator[Finding]:
    """What a parameter names has to be in the stack's own region."""
    found = re.match(pattern, plan[name])
    if found and found[1] != plan.region:
        yield Finding(Verdict.FAILURE, name, f"is in {found[1]}: make one in {plan.region}")


def _stack(clients: Clients, name: str) -> Mapping[str, Any] | None:
    """The stack as CloudFormation describes it, or None where there is none."""
    try:
        (found,) = clients("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return None
    return dict(found)
