"""The checks of `cutline doctor`: each finding names a problem of a deployment and its fix.

A check takes the plan and a factory of AWS clients, and yields findings. None changes anything.
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

# The template's defaults of the parameters checked here.
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
    "ResultsCdn": "none",
    "ResultsKeyA": "",
    "ResultsKeyB": "",
    "LambdaQuota": "10",
    "EndpointInstanceType": "ml.g4dn.xlarge",
    "EndpointMaxInstances": "2",
    "KmsKeyArn": "",
    "PermissionsBoundary": "",
}
# Regions without a resource type, and the parameter that is off there: CloudFormation refuses a template that has it.
_NO_BUDGETS = (
    "af-south-1 ap-east-1 ap-east-2 ap-northeast-3 ap-south-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 "
    "ap-southeast-6 ap-southeast-7 ca-west-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 il-central-1 me-central-1 "
    "mx-central-1 us-gov-east-1 us-gov-west-1"
)
NOT_OFFERED: Mapping[str, tuple[str, str, frozenset[str]]] = {
    "AWS::Budgets::Budget": ("BudgetUsd", "0", frozenset(_NO_BUDGETS.split(" "))),
    "AWS::CloudFront::OriginAccessControl": (
        "ResultsCdn",
        "none",
        frozenset({"cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1"}),
    ),
    "AWS::SageMaker::Endpoint": ("GpuEndpoint", "none", frozenset({"me-central-1", "us-gov-east-1"})),
}
_RESERVING = 4  # functions with SyncConcurrency
_UNRESERVED_MIN = 100  # of the quota of concurrent executions, for functions without a reservation
_NEW_ACCOUNT_MB = 3008
_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
_SAM_STACK = "aws-sam-cli-managed-default"
# States in which a stack cannot be updated.
_NOT_UPDATABLE = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})


class Verdict(StrEnum):
    """How serious a finding is: a failure stops a deployment."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "FAILURE"


@dataclass(frozen=True)
class Finding:
    """A line for the operator: what was checked, and what to do about a problem."""

    verdict: Verdict
    what: str
    text: str


@dataclass(frozen=True)
class Plan:
    """The deployment to check; `parameters` and `rollout` are those in samconfig.toml."""

    stack: str
    region: str
    root: Path
    parameters: Mapping[str, str] = field(default_factory=dict)
    rollout: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.parameters.get(name, DEFAULTS[name])

    def number(self, name: str) -> int:
        """Return a parameter as a number. Raises CommandFailed."""
        try:
            return int(float(self[name]))
        except (ValueError, OverflowError) as error:
            raise CommandFailed(f"{name} must be a number, not {self[name]!r}") from error


Clients = Callable[[str], Any]
Check = Callable[[Plan, Clients], Iterator[Finding]]


def stack_name(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """Check the stack's name by CloudFormation's rule. Names derived from it are shortened, or long enough."""
    if _STACK_NAME.fullmatch(plan.stack):
        yield Finding(Verdict.OK, "stack name", f"{plan.stack}, {len(plan.stack)} of 128 characters")
    else:
        text = f"{plan.stack!r} is invalid: use a letter, then letters, digits and hyphens, at most 128 characters"
        yield Finding(Verdict.FAILURE, "stack name", text)


def layers(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """Check the architecture of the layers: a wrong one fails at every function's first import."""
    wanted, built = MACHINES.get(plan["Architecture"], plan["Architecture"]), built_for(plan.root)
    if built == wanted:
        yield Finding(Verdict.OK, "layers", f"built for {built}, as Architecture={plan['Architecture']} needs")
    elif built == "nothing":
        yield Finding(Verdict.WARNING, "layers", f"not built yet: run make deploy, or MACHINE={wanted} sam build")
    else:
        text = f"built for {built}, but Architecture={plan['Architecture']}: run MACHINE={wanted} sam build"
        yield Finding(Verdict.FAILURE, "layers", text)


def networks(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """Check the names of the networks, which the template cannot: an unknown one fails at every call."""
    if not (plan.root / "layers" / "model").is_dir():
        return  # outside the repository, where `layers` warns
    chosen = {name: plan[name] for name in ("Model", "GpuEndpoint", "EndpointModel")}
    for name, problem in network_problems(plan.root, chosen).items():
        text = f"{name}={chosen[name]}"
        verdict = Verdict.FAILURE if problem else Verdict.OK
        yield Finding(verdict, "network", f"{text}: {problem}" if problem else text)


def partition(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """Check that credentials and region are in one partition, and that it has the services needed."""
    arn = clients("sts").get_caller_identity()["Arn"]
    ours, regions = arn.split(":")[1], clients("sts").meta.partition
    if ours != regions:
        text = f"the credentials are for {ours}, but region {plan.region} is in {regions}: change one of them"
        yield Finding(Verdict.FAILURE, "partition", text)
        return
    yield Finding(Verdict.OK, "partition", ours)
    if ours == "aws-cn":
        text = "China: API Gateway serves the public only after an ICP filing; see AWS China's guide"
        yield Finding(Verdict.WARNING, "partition", text)
    yield from other_region(plan, "CertificateArn", r"arn:[\w-]+:acm:([\w-]+):")


def resource_types(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """What the region's CloudFormation does not know."""
    for kind, (parameter, off, regions) in NOT_OFFERED.items():
        if plan.region in regions and plan[parameter] != off:
            text = f"{kind} does not exist in {plan.region}: {parameter}={off}"
            yield Finding(Verdict.FAILURE, "resource types", text)
            return
    yield Finding(Verdict.OK, "resource types", f"{plan.region} has all that the parameters ask for")


def stack(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """Check that the stack, its buckets and SAM's own stack can be deployed to."""
    for name in (plan.stack, _SAM_STACK):
        found = _stack(clients, name)
        state = found["StackStatus"] if found else ""
        if not found:
            made = "will be created" if name == plan.stack else "will be created by sam deploy (resolve_s3)"
            yield Finding(Verdict.OK, "stack", f"{name} {made}")
        elif state in _NOT_UPDATABLE:
            command = f"aws cloudformation delete-stack --stack-name {name}"
            if name == plan.stack:
                command = f'make destroy DESTROY="--stack {name} --data"'
            yield Finding(Verdict.FAILURE, "stack", f"{name} is in {state} and cannot be updated: run {command}")
        elif state.endswith("_IN_PROGRESS"):
            yield Finding(Verdict.FAILURE, "stack", f"{name} is in {state}: wait until it has finished")
        elif state.endswith("ROLLBACK_FAILED"):
            text = f"{name} is in {state}: run aws cloudformation continue-update-rollback --stack-name {name}"
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
            text = f"{bucket} of stack {found['StackName']} is missing and no update restores it: create it by hand"
            yield Finding(Verdict.FAILURE, "bucket", text)


def lambda_quota(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """Check the region's quota of concurrent executions against what the parameters reserve."""
    limits = clients("lambda").get_account_settings()["AccountLimit"]
    quota, free = int(limits["ConcurrentExecutions"]), int(limits["UnreservedConcurrentExecutions"])
    held = held_parameters(clients, plan.stack)
    free += _RESERVING * int(held.get("SyncConcurrency", 0))
    reserved = _RESERVING * plan.number("SyncConcurrency")
    raised = quota - free + reserved + _UNRESERVED_MIN
    if reserved and raised > quota:
        text = (
            f"SyncConcurrency={plan['SyncConcurrency']} reserves {reserved} of {free} unreserved executions, of which "
            f"{_UNRESERVED_MIN} must stay: set SyncConcurrency=0, or request a quota of {raised} (now {quota})"
        )
        yield Finding(Verdict.FAILURE, "Lambda quota", text)
    elif quota < _UNRESERVED_MIN:
        background = plan.number("WorkerConcurrency") + plan.number("DropConcurrency")
        text = (
            f"{quota} concurrent executions, as in new accounts, and background work uses {background}: request more "
            "(Service Quotas, AWS Lambda, Concurrent executions)"
        )
        yield Finding(Verdict.WARNING, "Lambda quota", text)
    else:
        yield Finding(Verdict.OK, "Lambda quota", f"{quota} concurrent executions, {reserved} of them reserved")
    watched = plan.number("LambdaQuota")
    if watched != quota:
        when = "when no calls are refused yet" if watched < quota else "too late, or never"
        text = f"LambdaQuota={watched}, but the region's is {quota}: set it, or ConcurrencyAlarm rings {when}"
        yield Finding(Verdict.WARNING, "LambdaQuota", text)
    if plan.number("SyncMemoryMb") > _NEW_ACCOUNT_MB:
        text = (
            f"SyncMemoryMb={plan['SyncMemoryMb']}, but new accounts are limited to {_NEW_ACCOUNT_MB}: ask AWS Support"
        )
        yield Finding(Verdict.WARNING, "Lambda memory", text)


def gateway_logs(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """Check the region's role for API Gateway's logs, which all APIs of the account share."""
    role = clients("apigateway").get_account().get("cloudwatchRoleArn", "")
    ours = f"/{plan.stack}-ApiLogRole-" in role
    if plan["ApiLogging"] == "keep" and not role:
        text = "API Gateway has no role for writing logs in this region: set ApiLogging=set"
        yield Finding(Verdict.FAILURE, "API logs", text)
    elif plan["ApiLogging"] == "set" and role and not ours:
        text = f"the deployment replaces {role}, which other APIs of the region use: ApiLogging=keep keeps it"
        yield Finding(Verdict.WARNING, "API logs", text)
    else:
        yield Finding(Verdict.OK, "API logs", role or "the stack sets the region's role")


def gpu_quota(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """Check SageMaker's quota for the endpoint's instances: it is 0 in many accounts."""
    if plan["GpuEndpoint"] == "none":
        return
    wanted = f"{plan['EndpointInstanceType']} for endpoint usage"
    found = None
    for page in clients("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker"):
        found = next((item["Value"] for item in page["Quotas"] if item["QuotaName"] == wanted), found)
    maximum = plan.number("EndpointMaxInstances")
    ask = f"request more (Service Quotas, Amazon SageMaker, {wanted!r})"
    if found is None:
        text = f"no quota {wanted!r} in {plan.region}: choose another EndpointInstanceType"
        yield Finding(Verdict.FAILURE, "GPU quota", text)
    elif found < 1:
        yield Finding(
            Verdict.FAILURE, "GPU quota", f"no {plan['EndpointInstanceType']}: {ask}, or set GpuEndpoint=none"
        )
    elif found < maximum:
        text = f"{found:.0f} {plan['EndpointInstanceType']}, but EndpointMaxInstances={maximum}: {ask}"
        yield Finding(Verdict.WARNING, "GPU quota", text)
    else:
        yield Finding(Verdict.OK, "GPU quota", f"{found:.0f} {plan['EndpointInstanceType']}")
    yield from other_region(plan, "EndpointImage", r"\d+\.dkr\.ecr\.([\w-]+)\.")


def results_key(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """Check that CloudFront has a key for the results' links: without one they lead to functions as before."""
    if plan["ResultsCdn"] == "none":
        return
    if plan["ResultsKeyA"] or plan["ResultsKeyB"]:
        yield Finding(Verdict.OK, "results key", f"ResultsCdn={plan['ResultsCdn']} has a key")
    else:
        text = "ResultsCdn has no key and changes no link: run cutline results-key once the stack is there, and deploy"
        yield Finding(Verdict.WARNING, "results key", text)


# In the order of their lines. Local checks call no AWS.
LOCAL_CHECKS: tuple[Check, ...] = (stack_name, layers, networks, results_key)
AWS_CHECKS: tuple[Check, ...] = (partition, resource_types, stack, lambda_quota, gateway_logs, gpu_quota)


def run(check: Check, plan: Plan, clients: Clients) -> Iterator[Finding]:
    """Yield the check's findings; an error of AWS is a warning: the deployment's role may have more permissions."""
    try:
        yield from check(plan, clients)
    except (BotoCoreError, ClientError) as error:
        yield Finding(Verdict.WARNING, check.__name__.replace("_", " "), f"cannot be checked: {error}")


def other_region(plan: Plan, name: str, pattern: str) -> Iterator[Finding]:
    """Yield a failure if the resource that a parameter names is in another region than the stack."""
    found = re.match(pattern, plan[name])
    if found and found[1] != plan.region:
        yield Finding(Verdict.FAILURE, name, f"is in {found[1]}, but must be in {plan.region}")


def held_parameters(clients: Clients, name: str) -> dict[str, str]:
    """Return the parameters of the stack that runs, empty without one."""
    found = _stack(clients, name) or {}
    return {item["ParameterKey"]: item["ParameterValue"] for item in found.get("Parameters", [])}


def _stack(clients: Clients, name: str) -> Mapping[str, Any] | None:
    """Return the stack as CloudFormation describes it, or None if there is none."""
    try:
        (found,) = clients("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return None
    return dict(found)
