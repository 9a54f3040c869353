"""`cutline doctor` on what a release needs next to what runs, on a key of the operator's own, and on leftovers."""

import json
from typing import Any

import pytest

from cutline.commands.doctor_checks import Check, Plan, Verdict, run
from cutline.commands.leftovers import leftovers
from cutline.commands.release_checks import customers_key, earlier_stacks, rollout, second_fleet
from devkit.running import ROOT
from tests.support.stubbed_aws import REGION, Aws

OK, WARNING, FAILURE = Verdict
KEY = f"arn:aws:kms:{REGION}:111122223333:key/1"


def verdicts(check: Check, aws: Aws, given: dict[str, str], release: dict[str, Any] | None = None) -> list[Verdict]:
    return [item.verdict for item in run(check, Plan("cutline", aws.region, ROOT, given, release or {}), aws)]


@pytest.mark.parametrize(
    ("release", "given", "quota", "wanted"),
    [
        ({}, {}, 0, []),
        ({"canary": "Canary10Percent10Minutes"}, {}, 0, []),
        ({"canary": "Canary10Percent10Minutes"}, {"PermissionsBoundary": "arn:x"}, 0, [WARNING]),
        ({"provisioned": {"CutoutFunction": 5}}, {}, 110, [OK]),
        ({"provisioned": {"CutoutFunction": 5}}, {}, 109, [FAILURE]),
        ({"provisioned": {"CutoutFunction": 5}}, {"SyncConcurrency": "10"}, 1000, [OK]),
        ({"provisioned": {"CutoutFunction": 5}}, {"SyncConcurrency": "9"}, 1000, [FAILURE, OK]),
    ],
)
def test_two_versions_of_a_release_have_provisioned_sandboxes_at_once(
    aws: Aws, release: dict[str, Any], given: dict[str, str], quota: int, wanted: list[Verdict]
) -> None:
    if quota:
        limits = {"ConcurrentExecutions": quota, "UnreservedConcurrentExecutions": quota}
        aws.says("lambda", "get_account_settings", {"AccountLimit": limits})
    assert verdicts(rollout, aws, given, release) == wanted


@pytest.mark.parametrize(("region", "wanted"), [("cn-north-1", [FAILURE]), ("us-gov-west-1", [FAILURE]), (REGION, [])])
def test_a_snapshot_is_refused_where_there_are_none(region: str, wanted: list[Verdict]) -> None:
    assert verdicts(rollout, Aws(region), {}, {"snapstart": True}) == wanted


@pytest.mark.parametrize(
    ("held", "quota", "wanted"),
    [
        ({}, 0, []),
        ({"GpuEndpoint": "none"}, 0, []),
        # Another type is another endpoint, with a quota of its own.
        ({"GpuEndpoint": "async", "EndpointInstanceType": "ml.g5.xlarge"}, 0, []),
        ({"GpuEndpoint": "async"}, 4, [OK]),
        ({"GpuEndpoint": "async"}, 3, [WARNING]),
    ],
)
def test_an_endpoints_update_needs_a_second_fleet(
    aws: Aws, held: dict[str, str], quota: int, wanted: list[Verdict]
) -> None:
    before = {"EndpointInstanceType": "ml.g4dn.xlarge", "EndpointMaxInstances": "2", **held}
    parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in before.items()]
    aws.has("cutline", Parameters=parameters if held else [])
    if quota:
        item = {"QuotaName": "ml.g4dn.xlarge for endpoint usage", "Value": float(quota)}
        aws.says("service-quotas", "list_service_quotas", {"Quotas": [item]})
    assert verdicts(second_fleet, aws, {"GpuEndpoint": "async"}) == wanted


ROOT_MAY = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*"}
LOGS_MAY = {
    "Effect": "Allow",
    "Principal": {"Service": f"logs.{REGION}.amazonaws.com"},
    "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
}


@pytest.mark.parametrize(
    ("key", "statements", "wanted"),
    [
        ({}, [ROOT_MAY, LOGS_MAY], [OK]),
        ({}, [ROOT_MAY], [FAILURE]),
        ({}, [LOGS_MAY], [FAILURE]),
        ({}, [ROOT_MAY, {**LOGS_MAY, "Action": "kms:Decrypt"}], [FAILURE]),
        ({}, [ROOT_MAY, {**LOGS_MAY, "Principal": {"Service": "logs.us-east-1.amazonaws.com"}}], [FAILURE]),
        ({"KeyState": "PendingDeletion"}, [], [FAILURE]),
        ({"KeyUsage": "SIGN_VERIFY", "KeySpec": "RSA_2048"}, [], [FAILURE]),
    ],
)
def test_a_key_of_the_operators_own_has_to_let_in_who_uses_it(
    aws: Aws, key: dict[str, str], statements: list[dict[str, Any]], wanted: list[Verdict]
) -> None:
    state = {"KeyId": "1", "KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT", **key}
    aws.says("kms", "describe_key", {"KeyMetadata": state})
    if statements:
        aws.says("kms", "get_key_policy", {"Policy": json.dumps({"Statement": statements})})
    assert verdicts(customers_key, aws, {"KmsKeyArn": KEY}) == wanted


def test_a_key_of_another_region_is_refused_before_it_is_asked_for(aws: Aws) -> None:
    assert verdicts(customers_key, aws, {"KmsKeyArn": KEY.replace(REGION, "us-east-1")}) == [FAILURE]
    assert verdicts(customers_key, aws, {}) == []


def summary(logical: str, kind: str, name: str, status: str = "DELETE_SKIPPED") -> dict[str, str]:
    return {
        "LogicalResourceId": logical,
        "ResourceType": kind,
        "PhysicalResourceId": name,
        "ResourceStatus": status,
        "LastUpdatedTimestamp": "2026-11-22T00:00:00Z",
    }


def failed_before(aws: Aws, *resources: dict[str, str]) -> None:
    """A stack of this name and one of another were rolled back."""
    ended = {"StackStatus": "ROLLBACK_COMPLETE", "CreationTime": "2026-11-22T00:00:00Z"}
    names = [{"StackName": name, "StackId": f"arn:{name}", **ended} for name in ("other", "cutline")]
    aws.says("cloudformation", "list_stacks", {"StackSummaries": names})
    aws.says("cloudformation", "list_stack_resources", {"StackResourceSummaries": list(resources)})


def test_what_a_failed_first_deployment_left_is_listed(aws: Aws) -> None:
    failed_before(
        aws,
        summary("AccountsKey", "AWS::KMS::Key", "k"),
        summary("AccountsTable", "AWS::DynamoDB::Table", "t"),
        summary("ApiLogRole", "AWS::IAM::Role", "r"),
        summary("OutputBucket", "AWS::S3::Bucket", "b"),
        summary("TasksTable", "AWS::DynamoDB::Table", "gone", "DELETE_COMPLETE"),
        summary("ApiAccount", "AWS::ApiGateway::Account", "a"),
    )
    aws.says("kms", "describe_key", {"KeyMetadata": {"KeyId": "k", "KeyState": "Enabled"}})
    aws.says("dynamodb", "describe_table", {})
    role = {"Path": "/", "RoleName": "r", "RoleId": "AROA0123456789012", "Arn": "arn:aws:iam::1:role/r"}
    aws.says("iam", "get_role", {"Role": {**role, "CreateDate": "2026-11-22T00:00:00Z"}})
    aws.says("s3", "head_bucket", {})
    (finding,) = run(earlier_stacks, Plan("cutline", REGION, ROOT), aws)
    assert finding.verdict is WARNING
    for name in ("AccountsKey k", "AccountsTable t", "ApiLogRole r", "OutputBucket b"):
        assert name in finding.text
    assert "gone" not in finding.text and "ApiAccount" not in finding.text


def test_what_was_deleted_since_is_not(aws: Aws) -> None:
    failed_before(
        aws,
        summary("AccountsTable", "AWS::DynamoDB::Table", "t"),
        summary("AccountsKey", "AWS::KMS::Key", "k"),
        summary("OutputBucket", "AWS::S3::Bucket", "b"),
    )
    aws.refuses("dynamodb", "describe_table", "ResourceNotFoundException")
    aws.says("kms", "describe_key", {"KeyMetadata": {"KeyId": "k", "KeyState": "PendingDeletion"}})
    aws.refuses("s3", "head_bucket", "404")
    assert leftovers(aws, "cutline") == []
