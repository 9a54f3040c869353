"""The deployer's policy against the schemas of the template's resource types."""

import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

from devkit.running import ROOT
from tests.support.template import whole_template
from tools.deployer_policy import UNUSED, policies

KINDS = sorted({item["Type"] for item in whole_template().plain["Resources"].values()})
# A named resource by service, as CloudFormation makes one for the stack `cutline`.
MADE = {
    "dynamodb": "arn:aws:dynamodb:eu-central-1:111122223333:table/cutline-MeterTable-1ABC",
    "iam": "arn:aws:iam::111122223333:role/cutline-CutoutFunctionRole-1ABC",
    "s3": "arn:aws:s3:::cutline-outputbucket-1abc",
    "sqs": "arn:aws:sqs:eu-central-1:111122223333:cutline-MatteQueue-1ABC",
    "sns": "arn:aws:sns:eu-central-1:111122223333:cutline-AlarmTopic-1ABC",
}


@pytest.fixture(scope="module")
def statements() -> list[dict[str, Any]]:
    return [item for document in policies(KINDS, "cutline") for item in document["Statement"]]


def permitted(statements: list[dict[str, Any]], action: str, resource: str) -> bool:
    return any(
        action in item["Action"] and any(fnmatchcase(resource, place) for place in item["Resource"])
        for item in statements
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_resource_of_the_template_can_be_made_changed_and_deleted(
    statements: list[dict[str, Any]], kind: str
) -> None:
    """By its own service's actions in the schema, read here anew, and whatever it asks of IAM and KMS."""
    handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema.get("handlers", {})
    asked = {
        action
        for name in ("create", "read", "update", "delete")
        for action in handlers.get(name, {}).get("permissions", [])
    }
    own = {action for action in asked if action.partition(":")[0] in SERVICES[kind.split("::")[1]]}
    assert own - UNUSED
    for action in own - UNUSED:
        assert permitted(statements, action, MADE.get(action.partition(":")[0], "anything")), action


SERVICES = {
    "ApiGateway": ("apigateway", "iam"),
    "ApplicationAutoScaling": ("application-autoscaling", "cloudwatch", "iam"),
    "Budgets": ("budgets",),
    "CloudFront": ("cloudfront",),
    "CloudWatch": ("cloudwatch",),
    "DynamoDB": ("dynamodb", "kms", "iam"),
    "Events": ("events",),
    "IAM": ("iam",),
    "KMS": ("kms",),
    "Lambda": ("lambda", "iam", "kms"),
    "Logs": ("logs",),
    "Route53": ("route53",),
    "S3": ("s3", "iam"),
    "SNS": ("sns", "iam"),
    "SQS": ("sqs",),
    "SageMaker": ("sagemaker", "iam", "kms"),
    "Scheduler": ("scheduler", "iam"),
    "SecretsManager": ("secretsmanager",),
    "StepFunctions": ("states", "iam", "kms"),
    "WAFv2": ("wafv2", "apigateway"),
}


def test_each_fits_into_a_managed_policy_and_all_onto_one_role() -> None:
    found = policies([*KINDS, "AWS::CodeDeploy::DeploymentGroup"], "s" * 128)
    assert max(len(json.dumps(document, separators=(",", ":"))) for document in found) <= 6144
    assert len(found) <= 10
    assert "codedeploy:CreateDeployment" in json.dumps(found)


def test_it_names_what_belongs_to_the_stack_and_no_wildcard_of_actions(statements: list[dict[str, Any]]) -> None:
    assert not [action for item in statements for action in item["Action"] if "*" in action]
    for action, resource in {
        "iam:CreateRole": "arn:aws:iam::111122223333:role/admin",
        "iam:PassRole": "arn:aws:iam::111122223333:role/admin",
        "dynamodb:DeleteTable": "arn:aws:dynamodb:eu-central-1:111122223333:table/orders",
        "s3:DeleteBucket": "arn:aws:s3:::photos",
        "cloudformation:DeleteStack": "arn:aws:cloudformation:eu-central-1:111122223333:stack/other/1",
        "dynamodb:Scan": MADE["dynamodb"],
    }.items():
        assert not permitted(statements, action, resource), action


# By what cutline doctor calls: the permission, and a resource that it asks about.
STACK = "arn:aws:cloudformation:eu-central-1:111122223333:stack/cutline/1"
READ = {
    "cloudformation.describe_stacks": ("cloudformation:DescribeStacks", STACK),
    "cloudformation.list_stacks": ("cloudformation:ListStacks", "anything"),
    "cloudformation.list_stack_resources": ("cloudformation:ListStackResources", STACK),
    "s3.head_bucket": ("s3:ListBucket", MADE["s3"]),
    "lambda.get_account_settings": ("lambda:GetAccountSettings", "anything"),
    "apigateway.get_account": ("apigateway:GET", "arn:aws:apigateway:eu-central-1::/account"),
    "service-quotas.list_service_quotas": ("servicequotas:ListServiceQuotas", "anything"),
    "dynamodb.describe_table": ("dynamodb:DescribeTable", MADE["dynamodb"]),
    "iam.get_role": ("iam:GetRole", MADE["iam"]),
    "kms.describe_key": ("kms:DescribeKey", "arn:aws:kms:eu-central-1:111122223333:key/1"),
    "kms.get_key_policy": ("kms:GetKeyPolicy", "arn:aws:kms:eu-central-1:111122223333:key/1"),
}


def test_it_lets_doctor_read_all_that_it_asks(statements: list[dict[str, Any]]) -> None:
    folder = ROOT / "layers/cutline/python/cutline/commands"
    text = "".join((folder / f"{name}.py").read_text("utf-8") for name in DOCTOR)
    called = {
        f"{service}.{listed or method}"
        for service, method, listed in re.findall(r'clients\("([\w-]+)"\)\.(\w+)\((?:"(\w+)"\))?', text)
    }
    assert called - {"sts.get_caller_identity"} == READ.keys(), "GetCallerIdentity needs no permission"
    for action, resource in READ.values():
        assert permitted(statements, action, resource), action


DOCTOR = ("doctor", "doctor_checks", "release_checks", "leftovers")


def test_what_the_parameters_leave_out_needs_no_permission() -> None:
    few = json.dumps(policies(["AWS::DynamoDB::Table"], "cutline"))
    assert "sagemaker:" not in few and "dynamodb:CreateTable" in few
