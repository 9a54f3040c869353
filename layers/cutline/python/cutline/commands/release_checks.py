"""The checks of `cutline doctor` on what a release needs next to what runs, and on what earlier ones have left."""

import fnmatch
import json
from collections.abc import Iterator
from typing import Any

from cutline.commands.doctor_checks import Check, Clients, Finding, Plan, Verdict, held_parameters, other_region
from cutline.commands.leftovers import leftovers

_UNRESERVED_MIN = 100
# Partitions without SnapStart.
_NO_SNAPSTART = ("cn-", "us-gov-")
# What CloudWatch Logs does with a key (its guide, "Encrypt log data using AWS KMS").
_LOGS_USE = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey")


def rollout(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """Check the gradual release: while two versions run, both have provisioned sandboxes."""
    wanted: dict[str, int] = dict(plan.rollout.get("provisioned", {}))
    if plan.rollout.get("snapstart") and plan.region.startswith(_NO_SNAPSTART):
        yield Finding(Verdict.FAILURE, "rollout", f"{plan.region} has no SnapStart: leave snapstart out")
    if plan.rollout.get("canary") and plan["PermissionsBoundary"]:
        text = "the release's role for CodeDeploy, which SAM makes, gets no PermissionsBoundary"
        yield Finding(Verdict.WARNING, "rollout", text)
    if not wanted:
        return
    reserved = plan.number("SyncConcurrency")
    for name, count in wanted.items():
        if 0 < reserved < 2 * count:
            text = f"{name}: a release provisions {2 * count} for a while, of SyncConcurrency={reserved}"
            yield Finding(Verdict.FAILURE, "rollout", text)
    quota = int(clients("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"])
    needed = 2 * sum(wanted.values()) + _UNRESERVED_MIN
    text = f"provisioned sandboxes, twice during a release, and {_UNRESERVED_MIN} for the rest: {needed} of {quota}"
    fits = reserved > 0 or needed <= quota
    yield Finding(
        Verdict.OK if fits else Verdict.FAILURE,
        "rollout",
        text if fits else f"{text}. Request more (Service Quotas, AWS Lambda, Concurrent executions)",
    )


def second_fleet(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """Check that an update of the endpoint finds instances: it starts a second fleet before the first one goes."""
    held = held_parameters(clients, plan.stack)
    same_type = held.get("EndpointInstanceType") == plan["EndpointInstanceType"]
    if "none" in (plan["GpuEndpoint"], held.get("GpuEndpoint", "none")) or not same_type:
        return
    needed = plan.number("EndpointMaxInstances") + int(held.get("EndpointMaxInstances", 0))
    wanted = f"{plan['EndpointInstanceType']} for endpoint usage"
    pages = clients("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    quota = next((item["Value"] for page in pages for item in page["Quotas"] if item["QuotaName"] == wanted), 0)
    if quota < needed:
        text = (
            f"an update that changes the endpoint runs a second fleet next to the first, {needed} instances at most, "
            f"of {quota:.0f}: deploy while few run, or request more (Service Quotas, Amazon SageMaker, {wanted!r})"
        )
        yield Finding(Verdict.WARNING, "GPU update", text)
    else:
        yield Finding(Verdict.OK, "GPU update", f"{needed} of {quota:.0f} {plan['EndpointInstanceType']} at most")


def customers_key(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """Check KmsKeyArn: a wrong key fails the deployment, or every call after it."""
    arn = plan["KmsKeyArn"]
    if not arn:
        return
    wrong_region = list(other_region(plan, "KmsKeyArn", r"arn:[\w-]+:kms:([\w-]+):"))
    if wrong_region:
        yield from wrong_region
        return
    key = clients("kms").describe_key(KeyId=arn)["KeyMetadata"]
    state = (key["KeyState"], key["KeyUsage"], key.get("KeySpec", "SYMMETRIC_DEFAULT"))
    if state != ("Enabled", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"):
        text = f"{arn} is {', '.join(state)}, but must be an enabled symmetric key for encryption"
        yield Finding(Verdict.FAILURE, "KMS key", text)
        return
    policy = json.loads(clients("kms").get_key_policy(KeyId=arn, PolicyName="default")["Policy"])
    logs, account = f"logs.{plan.region}.", f":{arn.split(':')[4]}:root"
    lacking = [action for action in _LOGS_USE if not _allows(policy, logs, action)]
    if lacking:
        text = f"its policy does not let {logs}amazonaws.com {', '.join(lacking)}: docs/operate.md has the statement"
        yield Finding(Verdict.FAILURE, "KMS key", text)
    elif not _allows(policy, account, "kms:Decrypt"):
        text = "its policy leaves nothing to IAM, by which the functions are let: add the account's root to it"
        yield Finding(Verdict.FAILURE, "KMS key", text)
    else:
        yield Finding(Verdict.OK, "KMS key", arn)


def _allows(policy: Any, principal: str, action: str) -> bool:
    """Whether a statement of a key's policy allows the action to a principal of which `principal` is a part."""
    for statement in policy["Statement"]:
        named = json.dumps(statement.get("Principal", {}))
        actions = statement.get("Action", [])
        patterns = [actions] if isinstance(actions, str) else actions
        fits = any(fnmatch.fnmatchcase(action, pattern) for pattern in patterns)
        if statement["Effect"] == "Allow" and principal in named and fits:
            return True
    return False


def earlier_stacks(plan: Plan, clients: Clients) -> Iterator[Finding]:
    """List what deleted or failed stacks of this name have left; a new stack neither needs nor finds it."""
    found = leftovers(clients, plan.stack)
    if found:
        names = ", ".join(f"{item.logical} {item.name}" for item in found)
        text = (
            f"earlier stacks named {plan.stack} left {names}. AccountsTableName, MeterTableName and AccountsKeyArn "
            f'take them over; make destroy DESTROY="--stack {plan.stack} --data" deletes them'
        )
        yield Finding(Verdict.WARNING, "left over", text)


RELEASE_CHECKS: tuple[Check, ...] = (rollout, second_fleet, customers_key, earlier_stacks)
