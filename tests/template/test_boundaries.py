"""What the stack's policies may allow at most, and how the API is reached."""

import re
from typing import Any

import pytest

from localcloud.aws.needs import Need
from localcloud.aws.roles import Grant
from localcloud.stack.template import LocalTemplate
from tests.support.template import allowing_statements, as_list, of_type, whole_template
from tools.conditions import settled

Resources = dict[str, dict[str, Any]]
BOUNDARY = "FunctionBoundary"
# Actions that AWS does not let a policy narrow to a resource (Service Authorization Reference).
UNNARROWABLE = {
    "ecr:GetAuthorizationToken",
    "cloudwatch:PutMetricData",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:GetSamplingStatisticSummaries",
}
OUTSIDE = {
    "logs:PutLogEvents": "arn:aws:logs:us-east-1:111122223333:log-group:other:log-stream:x",
    "logs:CreateLogGroup": "arn:aws:logs:us-east-1:111122223333:log-group:FunctionLogs:*",
    "dynamodb:GetItem": "arn:aws:dynamodb:us-east-1:111122223333:table/Payroll",
    "dynamodb:Scan": "arn:aws:dynamodb:us-east-1:111122223333:table/AccountsTable",
    "s3:GetObject": "arn:aws:s3:::elsewhere/x",
    "s3:ListBucket": "arn:aws:s3:::OutputBucket",
    "iam:PassRole": "arn:aws:iam::111122223333:role/admin",
    "lambda:InvokeFunction": "arn:aws:lambda:us-east-1:111122223333:function:f",
}


VIA = {"kms:ViaService": ("dynamodb.us-east-1.amazonaws.com",)}


def resolved(value: Any) -> str:
    """A resource as one ARN-like text: each resource of the stack under its logical id."""
    match value:
        case {"Fn::If": [_, own, _]}:
            return resolved(own)
        case {"Fn::GetAtt": [name, _]} | {"Ref": name}:
            return f"<{name}>"
        case {"Fn::Sub": text}:
            return re.sub(r"\$\{([\w:]+)(\.Arn)?\}", r"<\1>", text)
    return str(value)


def bounds(resources: Resources) -> list[Grant]:
    return [
        Grant(item["Sid"], action, resolved(resource), item.get("Condition", {}))
        for name, item in allowing_statements(resources)
        if name == BOUNDARY
        for action in as_list(item["Action"])
        for resource in as_list(item["Resource"])
    ]


def function_roles(resources: Resources) -> set[str]:
    return {item["Role"]["Fn::GetAtt"][0] for item in of_type(resources, "AWS::Lambda::Function").values()}


def test_the_key_policy_has_the_only_wildcard_action(resources: Resources) -> None:
    wide = {(name, action) for name, item in allowing_statements(resources) for action in as_list(item["Action"])}
    assert {pair for pair in wide if "*" in pair[1]} == {("AccountsKey", "kms:*")}


def test_every_resource_is_allowed_only_where_aws_cannot_narrow_it(resources: Resources) -> None:
    wide = {
        (name, action)
        for name, item in allowing_statements(resources)
        if "*" in as_list(item.get("Resource", []))
        for action in as_list(item["Action"])
        if action not in UNNARROWABLE
    }
    # The resource of a key policy is the key that it is attached to.
    assert wide == {("AccountsKey", "kms:*")}


def test_no_function_may_list_a_bucket(resources: Resources) -> None:
    listing = {
        (name, resolved(item["Resource"]))
        for name, item in allowing_statements(resources)
        if any(action.startswith("s3:List") for action in as_list(item["Action"]))
    }
    assert listing == {("EndpointRole", "<OutputBucket>")}


def test_the_boundary_holds_all_that_a_function_may_do(resources: Resources) -> None:
    owners = {name: as_list(resources[name]["Properties"].get("Roles", {"Ref": name})) for name in resources}
    roles, granted = function_roles(resources), 0
    for name, item in allowing_statements(resources):
        if not {owner["Ref"] for owner in owners[name] if "Ref" in owner} & roles or "Resource" not in item:
            continue
        for action in as_list(item["Action"]):
            for resource in as_list(item["Resource"]):
                text = resolved(resource).replace("<TaskFlow>", STATES).replace("<MatteEndpoint>", ENDPOINT)
                need = Need(action, text, VIA if "Condition" in item and action.startswith("kms:") else {})
                assert any(bound.covers(need) for bound in bounds(resources)), (name, action, text)
                granted += 1
    assert granted > 50


STATES = "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:stateMachine:TaskFlow"
ENDPOINT = "arn:<AWS::Partition>:sagemaker:<AWS::Region>:<AWS::AccountId>:endpoint/cutline"


@pytest.mark.parametrize(("action", "resource"), OUTSIDE.items())
def test_a_function_can_do_nothing_else_whatever_its_role_is_given(
    resources: Resources, action: str, resource: str
) -> None:
    assert not any(bound.covers(Need(action, resource)) for bound in bounds(resources))


def test_functions_have_the_stacks_boundary_and_every_role_a_companys_own(local: LocalTemplate) -> None:
    resources, given = local.plain["Resources"], {"Ref": "PermissionsBoundary"}
    own = {"Fn::If": ["OwnBoundary", {"Ref": BOUNDARY}, given]}
    others = {"Fn::If": ["OwnBoundary", {"Ref": "AWS::NoValue"}, given]}
    for name, role in of_type(resources, "AWS::IAM::Role").items():
        assert role["PermissionsBoundary"] == (own if name in function_roles(resources) else others), name
    assert resources[BOUNDARY]["Condition"] == "OwnBoundary"
    assert local.plain["Conditions"]["OwnBoundary"] == {"Fn::Equals": [given, ""]}
    assert local.parameters["PermissionsBoundary"] == ""


@pytest.mark.parametrize("kind", ["AWS::ApiGateway::RestApi", "AWS::ApiGateway::DomainName"])
def test_callers_need_tls_1_2_with_a_policy_that_has_1_3(local: LocalTemplate, kind: str) -> None:
    (properties,) = of_type(local.plain["Resources"], kind).values()
    assert properties["SecurityPolicy"] == {"Ref": "TlsPolicy"}
    mode = {"Fn::If": ["NamesAccessMode", "STRICT", {"Ref": "AWS::NoValue"}]}
    assert properties["EndpointAccessMode"] == mode
    assert local.parameters["TlsPolicy"].startswith("SecurityPolicy_TLS13_1_2_PFS")


def test_the_tls_policies_are_those_that_the_service_knows(local: LocalTemplate) -> None:
    import botocore.session  # noqa: PLC0415 (slow)

    known = botocore.session.get_session().get_service_model("apigateway").shape_for("SecurityPolicy").enum
    offered = local.plain["Parameters"]["TlsPolicy"]["AllowedValues"]
    assert set(offered) <= set(known)
    assert not [name for name in offered if "EDGE" in name or name == "TLS_1_0"]


def test_with_a_domain_the_api_has_no_other_address(local: LocalTemplate) -> None:
    (api,) = of_type(local.plain["Resources"], "AWS::ApiGateway::RestApi").values()
    wanted = {"disableExecuteApiEndpoint": {"Fn::If": ["HasDomain", True, False]}}
    (server,) = api["Body"]["servers"]
    assert server["x-amazon-apigateway-endpoint-configuration"] == wanted
    assert whole_template().parameters["DomainName"] == ""


def test_who_reads_tables_or_secrets_may_use_the_operators_key(local: LocalTemplate) -> None:
    """They ask the key in their caller's name: with KmsKeyArn, a function that is forgotten fails at every call."""
    given = {"KmsKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/a", "SmokeMinutes": "5"}
    resources = settled(local.plain, given)["Resources"]
    allowed = {role["Ref"] for role in resources["UseKmsKey"]["Properties"]["Roles"]}
    reading = {
        name
        for name, item in allowing_statements(resources)
        if name in function_roles(resources)
        and any(action.startswith(("dynamodb:", "secretsmanager:")) for action in as_list(item["Action"]))
    }
    assert allowed == reading
    assert len(reading) > 15
