"""The IAM policies of the person who deploys: `python -m tools.deployer_policy`, as JSON.

They are made of the template: each of its resource types is made, read, changed and deleted by the actions that the
type's published schema names (the schemas that cfn-lint has). What belongs to the stack is named by it where the
service lets names be predicted. samconfig.toml's options decide which types there are.

A managed policy holds 6,144 characters, so there are several; a role can carry ten.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cutline.commands.sam_project import SamConfig, read_samconfig
from tools.conditions import settled

ROOT = Path(__file__).resolve().parents[1]
_MAX_CHARS = 6144
# Services that a schema names for features which the template has no use of.
_UNUSED_SERVICES = frozenset(
    {
        *("amplify", "apprunner", "appsync", "bedrock-agentcore", "billing", "cognito-idp", "ec2", "firehose"),
        *("elasticfilesystem", "elasticloadbalancing", "kinesis", "payments", "s3files"),
    }
)
# Actions for the same reason (imported and replicated tables), and names that are no actions.
UNUSED = frozenset(
    {
        *(f"dynamodb:{name}Item" for name in ("BatchWrite", "Delete", "Get", "Put", "Update")),
        *("dynamodb:Query", "dynamodb:Scan", "dynamodb:ImportTable", "dynamodb:DescribeImport"),
        *("logs:CreateLogStream", "logs:PutLogEvents", "logs:PutBearerTokenAuthentication"),
        *("s3:REST.PUT.OBJECT", "s3:GetObjectMetadata", "s3:ListTagsForResource", "s3:DeleteBucketCors"),
        *("s3:DeleteBucketEncryption", "s3:DeleteBucketLifecycle", "s3:GetBucketAbac", "s3:PutBucketAbac"),
    }
)
# SAM's transform makes these of a gradual release.
_ROLLOUT_TYPES = (
    "AWS::Lambda::Alias",
    "AWS::Lambda::Version",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
)
_ROLLOUT_ACTIONS = ("codedeploy:CreateDeployment", "codedeploy:GetDeployment", "codedeploy:GetDeploymentConfig")
# What sam deploy does itself.
_STACKS = (
    *("CreateChangeSet", "CreateStack", "DeleteChangeSet", "DeleteStack", "DescribeChangeSet", "DescribeStackEvents"),
    *("DescribeStacks", "ExecuteChangeSet", "GetTemplate", "ListStackResources", "TagResource", "UpdateStack"),
)
_UPLOADS = (
    *("CreateBucket", "GetBucketLocation", "GetBucketPolicy", "GetEncryptionConfiguration", "GetObject", "ListBucket"),
    *("PutBucketPolicy", "PutBucketPublicAccessBlock", "PutBucketTagging", "PutBucketVersioning", "PutObject"),
    *("PutEncryptionConfiguration", "GetBucketVersioning", "PutLifecycleConfiguration"),
)
# What make doctor reads and a deployment need not.
_DOCTOR = ("kms:DescribeKey", "kms:GetKeyPolicy", "lambda:GetAccountSettings", "servicequotas:ListServiceQuotas")
# By service: where CloudFormation's generated names begin with the stack's, of which it may use only a part.
_NAME_CHARS = 20
_NAMED: Mapping[str, tuple[str, ...]] = {
    "dynamodb": ("arn:{partition}:dynamodb:*:*:table/{stack}*",),
    "iam": ("arn:{partition}:iam::*:role/{stack}*", "arn:{partition}:iam::*:policy/{stack}*"),
    "s3": ("arn:{partition}:s3:::{lower}*",),
    "sqs": ("arn:{partition}:sqs:*:*:{stack}*",),
    "sns": ("arn:{partition}:sns:*:*:{stack}*",),
}
# Actions of these services that no resource narrows, or another one than the stack's.
_ANYWHERE = frozenset({"iam:CreateServiceLinkedRole", "s3:GetObject", "s3:GetObjectVersion"})


def main() -> int:
    """Print the policies."""
    parser = argparse.ArgumentParser(prog="python -m tools.deployer_policy", description=__doc__)
    parser.add_argument("--config", type=Path, default=Path("samconfig.toml"))
    parser.add_argument("--partition", default="aws", help="aws-cn and aws-us-gov are others")
    options = parser.parse_args()
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    from localcloud.stack.template import load_template  # noqa: PLC0415 (slow, and asks for the region at once)

    config = read_samconfig(options.config) if options.config.exists() else SamConfig()
    plain = settled(load_template(ROOT / "template.yaml", {}).plain, config.parameters)
    kinds = {item["Type"] for item in plain["Resources"].values()} | set(_ROLLOUT_TYPES if config.rollout else ())
    print(json.dumps(policies(kinds, config.stack or "cutline", options.partition), indent=1))
    return 0


def policies(kinds: Iterable[str], stack: str, partition: str = "aws") -> list[dict[str, Any]]:
    """Policy documents, each within a managed policy's size, that let a person deploy resources of these types."""
    wanted = {action for kind in kinds for action in needed(kind)}
    if any(action.startswith("codedeploy:") for action in wanted):
        wanted |= set(_ROLLOUT_ACTIONS)
    names = {"partition": partition, "stack": stack[:_NAME_CHARS], "lower": stack[:_NAME_CHARS].lower()}
    statements = [*_of_sam(stack, partition), *_of_services(wanted, names)]
    documents: list[dict[str, Any]] = []
    for statement in statements:
        if not documents or _chars(documents[-1]) + _chars(statement) + 1 > _MAX_CHARS:
            documents.append({"Version": "2012-10-17", "Statement": []})
        documents[-1]["Statement"].append(statement)
    return documents


def needed(kind: str) -> set[str]:
    """The actions by which CloudFormation makes, reads, changes and deletes a resource of a type, by its schema."""
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER as SCHEMAS  # type: ignore[import-untyped]  # noqa: PLC0415

    handlers = SCHEMAS.get_resource_schema("us-east-1", kind).schema.get("handlers", {})
    found = {action for name in handlers if name != "list" for action in handlers[name].get("permissions", [])}
    return {action for action in found if action.partition(":")[0] not in _UNUSED_SERVICES} - UNUSED


def _of_services(wanted: set[str], names: Mapping[str, str]) -> list[dict[str, Any]]:
    statements = []
    for service in sorted({action.partition(":")[0] for action in wanted}):
        actions = sorted(action for action in wanted if action.startswith(f"{service}:"))
        named = [place.format_map(names) for place in _NAMED.get(service, ())]
        own = [action for action in actions if named and action not in _ANYWHERE]
        rest = [action for action in actions if action not in own]
        statements += [_statement(service, own, named)] if own else []
        statements += [_statement(f"{service}Anywhere" if own else service, rest, ["*"])] if rest else []
    return statements


def _of_sam(stack: str, partition: str) -> list[dict[str, Any]]:
    sam = "aws-sam-cli-managed-default"
    stacks = [f"arn:{partition}:cloudformation:*:*:stack/{name}/*" for name in (stack, sam)]
    buckets = [f"arn:{partition}:s3:::{sam}-{end}" for end in ("*", "*/*")]
    transform = f"arn:{partition}:cloudformation:*:aws:transform/Serverless-2016-10-31"
    return [
        _statement("Stacks", [f"cloudformation:{name}" for name in _STACKS], stacks),
        _statement("Transform", ["cloudformation:CreateChangeSet"], [transform]),
        _statement("Templates", ["cloudformation:GetTemplateSummary", "cloudformation:ListStacks"], ["*"]),
        _statement("Uploads", [f"s3:{name}" for name in _UPLOADS], buckets),
        _statement("Doctor", list(_DOCTOR), ["*"]),
    ]


def _statement(sid: str, actions: list[str], places: list[str]) -> dict[str, Any]:
    name = "".join(part.capitalize() if part.islower() else part for part in sid.split("-"))
    return {"Sid": name, "Effect": "Allow", "Action": actions, "Resource": places}


def _chars(document: Mapping[str, Any]) -> int:
    """As IAM counts them: without white space."""
    return len(json.dumps(document, separators=(",", ":")))


if __name__ == "__main__":
    sys.exit(main())
