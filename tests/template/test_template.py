"""What the template deploys, read after the SAM transform as CloudFormation would see it."""

import json
import re
import warnings
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore", (SyntaxWarning, DeprecationWarning))
    from jdcloud_sdk.core.jdcloudresponse import JDCloudResponse

from cutline.commands.deployment import SETTINGS as DEPLOYMENT_SETTINGS
from cutline.contracts import aidge, ailabtools
from cutline.contracts.wire import Response
from cutline.errors import Reason
from cutline.serving.proxy_event import to_proxy
from devkit.running import ROOT
from localcloud.stack.template import LocalTemplate
from tests.support.template import (
    ALARM,
    allowing_statements,
    api_document,
    as_list,
    of_type,
    statements_of,
    watched,
    whole_template,
)
from tools.conditions import settled

GATEWAY_LIMIT_S = 29
FUNCTION = "AWS::Lambda::Function"
# That may run at once, none of which can be reserved.
NEW_ACCOUNT_FUNCTIONS = 10
Resources = dict[str, dict[str, Any]]


def test_nothing_is_allowed_by_negation_or_to_all_callers(resources: dict[str, dict[str, Any]]) -> None:
    for name, statement in allowing_statements(resources):
        assert not {"NotAction", "NotResource", "NotPrincipal"} & set(statement), name
        assert statement.get("Principal") not in ("*", {"AWS": "*"}), name


def test_only_the_account_itself_administers_the_keys(resources: dict[str, dict[str, Any]]) -> None:
    root = {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}
    for properties in of_type(resources, "AWS::KMS::Key").values():
        assert [statement["Principal"] for statement in properties["KeyPolicy"]["Statement"]] == [root]


def test_every_function_has_a_role_of_its_own(resources: dict[str, dict[str, Any]]) -> None:
    functions = of_type(resources, "AWS::Lambda::Function")
    roles = [properties["Role"]["Fn::GetAtt"][0] for properties in functions.values()]
    assert len(set(roles)) == len(functions)


def test_roles_are_assumed_by_one_service_and_carry_only_logging_and_tracing_from_aws(
    resources: dict[str, dict[str, Any]],
) -> None:
    lent = {"AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess", "AWSXRayDaemonWriteAccess"}
    lent |= {"AmazonAPIGatewayPushToCloudWatchLogs"}
    for name, properties in of_type(resources, "AWS::IAM::Role").items():
        principals = [statement["Principal"] for statement in properties["AssumeRolePolicyDocument"]["Statement"]]
        assert len(principals) == 1, name
        managed = {str(arn).rpartition("/")[2].rstrip("'}") for arn in properties.get("ManagedPolicyArns", [])}
        assert managed <= lent, name


def test_the_cutout_function_may_do_its_work_and_nothing_else(resources: dict[str, dict[str, Any]]) -> None:
    statements = [item for name, item in allowing_statements(resources) if name == "CutoutFunctionRole"]
    actions = {action for statement in statements for action in as_list(statement["Action"])}
    assert {"dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:PutItem", "kms:Decrypt", "s3:PutObject"} <= actions
    assert not {"dynamodb:Scan", "kms:Encrypt"} & actions
    uploads, answers = {"Fn::Sub": "${InputBucket.Arn}/u/*"}, {"Fn::Sub": "${OutputBucket.Arn}/i/*"}
    for action, places in {"s3:GetObject": [answers, uploads], "s3:DeleteObject": [uploads]}.items():
        assert [item["Resource"] for item in statements if action in as_list(item["Action"])] == places, action
    deleting = [statement for statement in statements if "dynamodb:DeleteItem" in as_list(statement["Action"])]
    keys = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["IDEMPOTENT#*"]}}
    assert [statement["Condition"] for statement in deleting] == [keys]


def test_the_usage_function_only_reads(resources: dict[str, dict[str, Any]]) -> None:
    statements = [item for name, item in allowing_statements(resources) if name == "UsageFunctionRole"]
    allowed = {
        (action, statement["Resource"]["Fn::If"][1]["Fn::GetAtt"][0])
        for statement in statements
        for action in as_list(statement["Action"])
        if action != "sts:AssumeRole"
    }
    assert allowed == {
        ("dynamodb:GetItem", "AccountsTable"),
        ("dynamodb:Query", "MeterTable"),
        ("kms:Decrypt", "AccountsKey"),
    }


def test_the_uploads_function_may_sign_uploads_and_nothing_else(resources: dict[str, dict[str, Any]]) -> None:
    statements = [item for name, item in allowing_statements(resources) if name == "UploadsFunctionRole"]
    storing = [(item["Action"], item["Resource"]) for item in statements if "s3:" in str(item["Action"])]
    assert storing == [("s3:PutObject", {"Fn::Sub": "${InputBucket.Arn}/u/*"})]
    writing = [item for item in statements if "dynamodb:PutItem" in as_list(item["Action"])]
    nonces = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["NONCE#*"]}}
    assert [item["Condition"] for item in writing] == [nonces]


def test_uploads_are_read_only_by_those_who_work_them(resources: dict[str, dict[str, Any]]) -> None:
    uploads = {"Fn::Sub": "${InputBucket.Arn}/u/*"}
    allowed = {
        (name, action)
        for name, statement in allowing_statements(resources)
        if "Resource" in statement and uploads in as_list(statement["Resource"])
        for action in as_list(statement["Action"])
    }
    sync = ("CutoutFunction", "TasksFunction", "CostumeFunction")
    reading = {(f"{name}Role", "s3:GetObject") for name in (*sync, "PrepareFunction", "FinishFunction")}
    deleting = {(f"{name}Role", "s3:DeleteObject") for name in sync}
    assert allowed == reading | deleting | {("UploadsFunctionRole", "s3:PutObject")}


def test_browsers_may_post_to_the_input_bucket_and_nothing_else(resources: dict[str, dict[str, Any]]) -> None:
    (rule,) = of_type(resources, "AWS::S3::Bucket")["InputBucket"]["CorsConfiguration"]["CorsRules"]
    assert rule == {"AllowedMethods": ["POST"], "AllowedOrigins": {"Ref": "UploadOrigins"}, "MaxAge": 3600}


def test_what_callers_bring_and_what_tasks_leave_goes_away(resources: dict[str, dict[str, Any]]) -> None:
    rules = of_type(resources, "AWS::S3::Bucket")["InputBucket"]["LifecycleConfiguration"]["Rules"]
    days = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}
    assert (days["u/"], days["t/"], days["in/"]) == (1, 1, {"Ref": "DropDays"})
    rules = of_type(resources, "AWS::S3::Bucket")["OutputBucket"]["LifecycleConfiguration"]["Rules"]
    assert {rule["Prefix"] for rule in rules if "Prefix" in rule} >= {"r/", "i/", "in/"}


def test_only_the_input_bucket_tells_of_new_files_so_that_results_are_no_drops(
    resources: dict[str, dict[str, Any]],
) -> None:
    buckets = of_type(resources, "AWS::S3::Bucket")
    assert [name for name, properties in buckets.items() if "NotificationConfiguration" in properties] == [
        "InputBucket"
    ]
    reported = buckets["InputBucket"]["NotificationConfiguration"]
    assert set(reported) == {"QueueConfigurations"}, "EventBridge would charge for every working file"
    (queue,) = reported["QueueConfigurations"]
    assert queue["Queue"] == {"Fn::GetAtt": ["IntakeQueue", "Arn"]}
    assert queue["Filter"] == {"S3Key": {"Rules": [{"Name": "prefix", "Value": "in/"}]}}
    assert resources["InputBucket"]["DependsOn"] == "IntakeQueuePolicy", "S3 tries the queue when it is notified of it"


def test_queues_take_messages_only_of_this_accounts_buckets(resources: dict[str, dict[str, Any]]) -> None:
    for policy in of_type(resources, "AWS::SQS::QueuePolicy").values():
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
        assert statement["Action"] == "sqs:SendMessage"
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_the_intake_reads_drops_writes_errors_and_deletes_their_old_results(
    resources: dict[str, dict[str, Any]],
) -> None:
    statements = [item for name, item in allowing_statements(resources) if name == "IntakeFunctionRole"]
    s3 = {item["Action"]: item["Resource"]["Fn::Sub"] for item in statements if "s3:" in str(item["Action"])}
    assert s3 == {
        "s3:GetObject": "${InputBucket.Arn}/in/*",
        "s3:PutObject": "${OutputBucket.Arn}/in/*.error.json",
        "s3:DeleteObject": "${OutputBucket.Arn}/in/*",
    }


def test_the_operators_command_finds_its_tables_and_key_in_the_outputs(local: LocalTemplate) -> None:
    wanted = {output for _, _, output in DEPLOYMENT_SETTINGS.values()}
    outputs = settled(local.plain, {"ResultsCdn": "cloudfront", "SmokeMinutes": "5"})["Outputs"]
    assert {name: outputs[name]["Value"] for name in wanted} == {name: {"Ref": name} for name in wanted}


def test_every_function_ends_before_the_gateway_gives_up(resources: dict[str, dict[str, Any]]) -> None:
    behind_api = functions_of_routes(resources).values()
    for name in set(behind_api):
        assert resources[name]["Properties"]["Timeout"] < GATEWAY_LIMIT_S, name


def test_the_time_limit_leaves_a_function_time_to_answer(resources: dict[str, dict[str, Any]]) -> None:
    for name, properties in of_type(resources, "AWS::Lambda::Function").items():
        limit_ms = properties.get("Environment", {}).get("Variables", {}).get("TIME_LIMIT_MS")
        if isinstance(limit_ms, int | str):
            assert int(limit_ms) < properties["Timeout"] * 1000, name


def test_every_function_keeps_its_logs_for_a_bounded_time(resources: dict[str, dict[str, Any]]) -> None:
    groups = of_type(resources, "AWS::Logs::LogGroup")
    assert all("RetentionInDays" in properties for properties in groups.values())
    for name, properties in of_type(resources, "AWS::Lambda::Function").items():
        # By reference: the group stands before the function does, which could otherwise make one that is kept for ever.
        assert properties["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": {"Ref": "FunctionLogs"}}, name


def test_only_functions_that_may_read_the_input_bucket_are_reported_of_it(resources: dict[str, dict[str, Any]]) -> None:
    """INPUT_BUCKET is a switch: with it a function takes pictures from uploads. So it is no shared variable."""
    reading = {
        name.removesuffix("Role")
        for name, statement in allowing_statements(resources)
        if name.endswith("Role") and "${InputBucket.Arn}" in str(statement.get("Resource"))
    }
    functions = of_type(resources, "AWS::Lambda::Function")
    reported = {name for name, item in functions.items() if "INPUT_BUCKET" in item["Environment"]["Variables"]}
    assert reported == reading


def test_the_access_log_holds_nothing_that_opens_a_door(resources: dict[str, dict[str, Any]]) -> None:
    (stage,) = of_type(resources, "AWS::ApiGateway::Stage").values()
    reported = set(re.findall(r"\$context\.[\w.]+", stage["AccessLogSetting"]["Format"]))
    harmless = {"requestId", "extendedRequestId", "resourcePath", "httpMethod", "status", "responseLength"}
    harmless |= {"responseLatency"}
    assert reported == {f"$context.{name}" for name in harmless}


def test_nothing_that_opens_a_door_is_traced_or_logged_by_the_gateway(resources: dict[str, dict[str, Any]]) -> None:
    """Segments of API Gateway's own hold whole addresses, and so do its execution logs."""
    (stage,) = of_type(resources, "AWS::ApiGateway::Stage").values()
    assert stage["TracingEnabled"] is False
    assert not {"LoggingLevel", "DataTraceEnabled"} & {name for setting in stage["MethodSettings"] for name in setting}
    for name, properties in of_type(resources, "AWS::Lambda::Function").items():
        assert properties["TracingConfig"] == {"Mode": "Active"}, name
    (flow,) = of_type(resources, "AWS::StepFunctions::StateMachine").values()
    assert flow["TracingConfiguration"] == {"Enabled": True}


def test_every_bucket_blocks_public_access_and_is_encrypted(resources: dict[str, dict[str, Any]]) -> None:
    for name, properties in of_type(resources, "AWS::S3::Bucket").items():
        block = properties["PublicAccessBlockConfiguration"]
        assert set(block) == {"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"}, name
        assert all(block.values()), name
        assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"], name
        assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}], name
        assert properties["LifecycleConfiguration"]["Rules"], name


@pytest.mark.parametrize(("bucket", "method"), [("OutputBucket", "GET"), ("InputBucket", "POST")])
def test_pages_may_load_results_and_send_uploads(resources: dict[str, Any], bucket: str, method: str) -> None:
    (rule,) = resources[bucket]["Properties"]["CorsConfiguration"]["CorsRules"]
    assert (rule["AllowedMethods"], set(rule)) == ([method], {"AllowedMethods", "AllowedOrigins", "MaxAge"}), "no more"
    variables = resources["SiteFunction"]["Properties"]["Environment"]["Variables"]
    assert f"https://${{{bucket}}}.s3.$" in variables["BUCKET_ORIGINS"]["Fn::Sub"]


def test_cloudfront_asks_for_a_signature_reads_only_results_and_keeps_nothing(resources: dict[str, Any]) -> None:
    (config,) = [item["DistributionConfig"] for item in of_type(resources, "AWS::CloudFront::Distribution").values()]
    (origin,) = config["Origins"]
    assert origin["DomainName"] == {"Fn::GetAtt": ["OutputBucket", "RegionalDomainName"]}
    assert origin["OriginAccessControlId"] == {"Ref": "ResultsOriginAccess"}
    behaviour = config["DefaultCacheBehavior"]
    assert behaviour["TrustedKeyGroups"] == [{"Ref": "ResultsKeyGroup"}]
    assert "CacheBehaviors" not in config
    # AWS's name of it: CachingDisabled.
    assert behaviour["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    (reading,) = [item for name, item in allowing_statements(resources) if name == "OutputBucketPolicy"]
    assert reading["Action"] == "s3:GetObject"
    assert reading["Resource"] == [{"Fn::Sub": "${OutputBucket.Arn}/r/*"}, {"Fn::Sub": "${OutputBucket.Arn}/in/*"}]
    assert reading["Condition"]["StringEquals"]["aws:SourceArn"]["Fn::Sub"].endswith("/${ResultsDistribution}")


@pytest.mark.parametrize(
    ("parameters", "keys"),
    [
        ({}, []),
        ({"ResultsCdn": "cloudfront"}, []),
        ({"ResultsCdn": "cloudfront", "ResultsKeyA": "a"}, ["A"]),
        ({"ResultsCdn": "cloudfront", "ResultsKeyB": "b"}, ["B"]),
        ({"ResultsCdn": "cloudfront", "ResultsKeyA": "a", "ResultsKeyB": "b"}, ["A", "B"]),
        ({"ResultsKeyA": "a"}, []),
    ],
)
def test_links_are_signed_urls_once_cloudfront_has_a_key(
    local: LocalTemplate, parameters: dict[str, str], keys: list[str]
) -> None:
    """The functions that make links, and no other, may read the keys."""
    found = settled(local.plain, parameters)["Resources"]
    assert ("ResultsDistribution" in found) is bool(keys)
    secret = {"Ref": "ResultsKeys"}
    assert ("ResultsKeys" in found) is (parameters.get("ResultsCdn") == "cloudfront")
    readers = {
        name.removesuffix("Role")
        for name, statement in allowing_statements(found)
        if name.endswith("Role") and secret in as_list(statement.get("Resource"))
    }
    given = {
        name: item["Environment"]["Variables"].get("RESULTS_CDN")
        for name, item in of_type(found, "AWS::Lambda::Function").items()
    }
    makers = {"CutoutFunction", "TasksFunction", "CostumeFunction", "LinksFunction", "MendFunction", "CallBackFunction"}
    assert {name for name, text in given.items() if text is not None} == {*makers, "SiteFunction"}
    if not keys:
        assert (readers, {text for text in given.values() if text is not None}) == (set(), {""})
        return
    assert readers == makers
    assert found["ResultsKeyGroup"]["Properties"]["KeyGroupConfig"]["Items"] == [
        {"Ref": f"ResultsPublicKey{key}"} for key in keys
    ]
    (_, parts) = given["LinksFunction"]["Fn::Join"]
    named = [part["Fn::Sub"] for part in parts if part]
    assert named[0] == "https://${ResultsDistribution.DomainName} ${ResultsKeys}"
    assert named[1:] == [f"${{ResultsPublicKey{key}}}=${{ResultsKey{key}}}" for key in keys]


def test_every_bucket_refuses_plain_transport(resources: dict[str, dict[str, Any]]) -> None:
    guarded = set()
    for properties in of_type(resources, "AWS::S3::BucketPolicy").values():
        for statement in statements_of(properties["PolicyDocument"]):
            if statement["Effect"] == "Deny" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}:
                guarded.add(properties["Bucket"]["Ref"])
    assert guarded == set(of_type(resources, "AWS::S3::Bucket"))


def test_a_picture_that_no_function_could_open_is_refused_to_its_sender(resources: Resources) -> None:
    policies = of_type(resources, "AWS::S3::BucketPolicy").values()
    (policy,) = [item["PolicyDocument"] for item in policies if item["Bucket"] == {"Ref": "InputBucket"}]
    refused = [item for item in policy["Statement"] if item["Effect"] == "Deny" and item["Action"] == "s3:PutObject"]
    assert [item["Condition"] for item in refused] == [
        {"StringLike": {"s3:x-amz-server-side-encryption": "aws:kms*"}},
        {"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}},
    ]
    assert all(item["Resource"] == {"Fn::Sub": "${InputBucket.Arn}/*"} for item in refused)


def test_a_ticket_does_not_outlive_the_credentials_that_sign_it(local: LocalTemplate) -> None:
    assert local.plain["Parameters"]["UploadTicketS"]["MaxValue"] <= 3600


def test_every_table_is_encrypted_and_paid_by_use(resources: dict[str, dict[str, Any]]) -> None:
    for name, properties in of_type(resources, "AWS::DynamoDB::Table").items():
        assert properties["SSESpecification"]["SSEEnabled"] is True, name
        assert properties["BillingMode"] == "PAY_PER_REQUEST", name


def test_accounts_and_charges_survive_the_stack_and_can_be_recovered(resources: dict[str, dict[str, Any]]) -> None:
    kept = {
        name: resources[name]["Properties"].get("PointInTimeRecoverySpecification")
        for name in of_type(resources, "AWS::DynamoDB::Table")
        if resources[name]["DeletionPolicy"] == resources[name]["UpdateReplacePolicy"] == "Retain"
    }
    assert {"AccountsTable", "MeterTable"} <= set(kept)
    # A retained table is safe from CloudFormation, a protected one from all callers.
    assert all(resources[name]["Properties"]["DeletionProtectionEnabled"] is True for name in kept)
    assert all(recovery == {"PointInTimeRecoveryEnabled": True} for recovery in kept.values())


def test_a_table_that_goes_with_the_stack_holds_only_what_expires(resources: dict[str, dict[str, Any]]) -> None:
    for name, properties in of_type(resources, "AWS::DynamoDB::Table").items():
        if resources[name]["DeletionPolicy"] != "Retain":
            assert properties["TimeToLiveSpecification"]["Enabled"] is True, name


def functions_of_routes(resources: dict[str, dict[str, Any]]) -> dict[tuple[str, str], str]:
    """The function behind each path and method."""
    found = {}
    for path, methods in api_document(resources)["paths"].items():
        for method, operation in methods.items():
            uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
            found[path, method] = uri.partition("${")[2].partition("${")[2].partition(".Arn}")[0] or uri
    return found


def test_every_body_type_is_binary(resources: dict[str, dict[str, Any]]) -> None:
    (properties,) = of_type(resources, "AWS::ApiGateway::RestApi").values()
    assert [kind.replace("~1", "/") for kind in properties["BinaryMediaTypes"]] == ["*/*"]
    assert api_document(resources)["x-amazon-apigateway-binary-media-types"] == ["*/*"]


def said_by_the_gateway(resources: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The bodies of API Gateway's own answers by kind, filled in as it would.

    `$context.status` is a variable of the access log; in a body API Gateway does not fill it in. `$context.requestId`
    may be chosen by the caller, and nothing escapes it.
    """
    said = api_document(resources)["x-amazon-apigateway-gateway-responses"]
    known = {"error.messageString": '"text"', "error.responseType": "KIND", "extendedRequestId": "id="}
    bodies = {}
    for kind, response in said.items():
        body = response["responseTemplates"]["application/json"]
        for name, value in known.items():
            body = body.replace(f"$context.{name}", value)
        assert "$" not in body, kind
        bodies[kind] = json.loads(body)
        assert bodies[kind]["status"] == int(response["statusCode"]), kind
    return bodies


BUSY = {"THROTTLED", "INTEGRATION_FAILURE"}


def test_what_the_gateway_says_itself_is_json_that_repeats_its_status(resources: dict[str, dict[str, Any]]) -> None:
    said = said_by_the_gateway(resources)
    assert {"THROTTLED", "INTEGRATION_TIMEOUT", "INTEGRATION_FAILURE", "DEFAULT_4XX", "DEFAULT_5XX"} <= said.keys()
    assert len({tuple(body) for body in said.values()}) == 1
    for kind, body in said.items():
        # PicWish: the status and a sentence, and a page of data only for a task.
        assert body["message"] and body["data"] is None, kind


def test_what_the_gateway_says_itself_has_aidges_right_number(resources: dict[str, dict[str, Any]]) -> None:
    for kind, body in said_by_the_gateway(resources).items():
        fault = Reason.OVERLOADED if kind in BUSY else Reason.INTERNAL
        reason = Reason.BODY_MALFORMED if body["status"] < 500 and kind not in BUSY else fault
        assert (body["resCode"], body["resMessage"]) == aidge.ERRORS[reason], kind
        assert body["success"] is False and body["data"] is None and body["code"] != "0", kind
        assert body["requestId"] == body["request_id"] == "id=", kind


def test_what_the_gateway_says_itself_is_an_error_to_ailabtools_clients(resources: dict[str, dict[str, Any]]) -> None:
    rows = {row.code: row.message for row in ailabtools.ERRORS.values()}
    for kind, body in said_by_the_gateway(resources).items():
        detail = body["error_detail"]
        assert body["error_code"] == detail["status_code"] == body["status"], kind
        assert body["error_code_str"] == detail["code"], kind
        assert body["error_msg"] == detail["code_message"] == rows[detail["code"]], kind
        assert detail["message"] and body["request_id"], kind


def test_what_the_gateway_says_itself_is_an_error_to_jds_own_client(resources: dict[str, dict[str, Any]]) -> None:
    for kind, body in said_by_the_gateway(resources).items():
        read = JDCloudResponse()
        read.fill_value(json.dumps(body))
        assert (read.result, read.request_id) == (None, "id="), kind
        assert read.error.code == body["status"] and read.error.message == body["msg"], kind
        assert re.fullmatch(r"[A-Z]+(_[A-Z]+)+|UNAVAILABLE", read.error.status), kind
        # SelfieSeg has these next to `msg` in every answer; -1 is "not known" there too.
        assert (body["charge"], body["remain"]) == (False, -1), kind
        assert body["code"] not in (10000, "10000"), kind


def test_the_gateway_gets_its_role_for_logs_before_its_stage(resources: dict[str, dict[str, Any]]) -> None:
    (account,) = of_type(resources, "AWS::ApiGateway::Account").values()
    assert account["CloudWatchRoleArn"] == {"Fn::GetAtt": ["ApiLogRole", "Arn"]}
    (stage,) = of_type(resources, "AWS::ApiGateway::Stage").values()
    (tag,) = [tag["Value"] for tag in stage["Tags"] if tag["Key"] == "ApiLogRole"]
    assert tag["Fn::If"][:2] == ["SetsApiLogRole", {"Ref": "ApiAccount"}]


def test_what_the_gateway_says_itself_carries_the_headers_that_the_functions_send(
    resources: dict[str, dict[str, Any]],
) -> None:
    said = api_document(resources)["x-amazon-apigateway-gateway-responses"]
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= said.keys()
    waits = {"gatewayresponse.header.Retry-After": "'1'"}
    assert waits.items() <= said["INTEGRATION_FAILURE"]["responseParameters"].items()
    (sent,) = {tuple(sorted(response["responseParameters"].items() - waits.items())) for response in said.values()}
    headers = {name.removeprefix("gatewayresponse.header."): value.strip("'") for name, value in sent}
    own = to_proxy(Response(200, {}, b""))["headers"]
    policy = {part.strip().removesuffix(" 'none'") for part in own.pop("Content-Security-Policy").split(";")}
    assert {part.strip() for part in headers.pop("Content-Security-Policy").split(";")} == policy
    assert headers == own


def test_a_domain_leads_to_the_stage_without_a_base_path(resources: dict[str, dict[str, Any]]) -> None:
    """The APIs' clients keep their paths, so nothing may stand before them."""
    (mapping,) = of_type(resources, "AWS::ApiGateway::BasePathMapping").values()
    (stage,) = of_type(resources, "AWS::ApiGateway::Stage")
    assert mapping == {"DomainName": {"Ref": "ApiDomain"}, "RestApiId": {"Ref": "Api"}, "Stage": {"Ref": stage}}
    (record,) = of_type(resources, "AWS::Route53::RecordSet").values()
    target = {"Fn::GetAtt": ["ApiDomain", "RegionalDomainName"]}
    assert (record["Name"], record["AliasTarget"]["DNSName"]) == ({"Ref": "DomainName"}, target)
    conditions = {name: resources[name]["Condition"] for name in ("ApiDomain", "ApiDomainMapping", "ApiDomainRecord")}
    assert conditions == {"ApiDomain": "HasDomain", "ApiDomainMapping": "HasDomain", "ApiDomainRecord": "HasHostedZone"}


def test_a_domain_without_a_certificate_is_refused_before_anything_is_made(local: LocalTemplate) -> None:
    rule = local.plain["Rules"]["DomainNeedsACertificate"]
    assert rule["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "DomainName"}, ""]}]}
    assert rule["Assertions"][0]["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "CertificateArn"}, ""]}]}


def test_the_outputs_name_what_an_operator_attaches_something_to(local: LocalTemplate) -> None:
    assert {"Url", "ApiId", "StageArn", "FlowArn", "Dashboard", "AlarmTopic", "FunctionLogs", "DomainTarget"} <= set(
        local.plain["Outputs"]
    )
    url = local.plain["Outputs"]["Url"]["Value"]["Fn::If"]
    assert url[:2] == ["HasDomain", {"Fn::Sub": "https://${DomainName}"}]
    assert "/${Apiv1Stage}" in url[2]["Fn::Sub"]


@pytest.mark.parametrize(
    ("path", "method", "function"),
    [
        ("/api/cutout", "x-amazon-apigateway-any-method", "CutoutFunction"),
        ("/ai/image/cut/out", "x-amazon-apigateway-any-method", "CutoutFunction"),
        ("/rest/ai/image/cut/out", "x-amazon-apigateway-any-method", "CutoutFunction"),
        ("/r/{token}", "get", "LinksFunction"),
        ("/r/{token}", "head", "LinksFunction"),
        ("/r/{token}/mend", "x-amazon-apigateway-any-method", "MendFunction"),
        ("/usage", "get", "UsageFunction"),
        ("/uploads", "post", "UploadsFunction"),
        ("/health", "get", "SiteFunction"),
        ("/", "get", "SiteFunction"),
        ("/site/{name}", "get", "SiteFunction"),
        ("/openapi.json", "get", "SiteFunction"),
        ("/reference", "get", "SiteFunction"),
    ],
)
def test_a_route_leads_to_its_function(
    resources: dict[str, dict[str, Any]], path: str, method: str, function: str
) -> None:
    assert functions_of_routes(resources)[path, method] == function


def test_every_route_leads_to_a_function_that_the_gateway_may_invoke(resources: dict[str, dict[str, Any]]) -> None:
    permitted = {
        properties["FunctionName"]["Ref"]
        for properties in of_type(resources, "AWS::Lambda::Permission").values()
        if properties["Principal"] == "apigateway.amazonaws.com"
    }
    assert set(functions_of_routes(resources).values()) <= permitted <= set(of_type(resources, "AWS::Lambda::Function"))


def test_the_gateway_throttles_every_method_and_what_costs_nothing_more_than_the_rest(local: LocalTemplate) -> None:
    (stage,) = of_type(local.plain["Resources"], "AWS::ApiGateway::Stage").values()
    throttles = {
        (setting["ResourcePath"], setting["HttpMethod"]): [
            int(local.parameters[value["Ref"]] if isinstance(value, dict) else value)
            for value in (setting["ThrottlingRateLimit"], setting["ThrottlingBurstLimit"])
        ]
        for setting in stage["MethodSettings"]
    }
    every = throttles.pop(("/*", "*"))
    costs_nothing = {"/~1usage", "/~1v1.0~1account", "/~1api~1common~1query-credits"}
    assert set(throttles) == {*((path, "GET") for path in costs_nothing), ("/~1uploads", "POST")}
    for lower in throttles.values():
        assert all(0 < low < high for low, high in zip(lower, every, strict=True))


def test_the_gateways_metrics_by_method_are_off_because_they_are_billed_and_unread(
    resources: dict[str, dict[str, Any]],
) -> None:
    (stage,) = of_type(resources, "AWS::ApiGateway::Stage").values()
    assert {setting["MetricsEnabled"] for setting in stage["MethodSettings"]} == {False}
    looked_at = {
        item["Name"]
        for alarm in of_type(resources, ALARM).values()
        for m in watched(alarm)
        for item in m.get("Dimensions", [])
    }
    assert not looked_at & {"Method", "Resource"}


def test_a_function_without_capacity_is_asked_to_come_back(resources: dict[str, dict[str, Any]]) -> None:
    said = api_document(resources)["x-amazon-apigateway-gateway-responses"]
    assert (said["THROTTLED"]["statusCode"], said["INTEGRATION_FAILURE"]["statusCode"]) == ("429", "503")


def test_an_address_that_floods_is_refused_by_itself_if_asked_for(local: LocalTemplate, resources: Resources) -> None:
    (acl,) = of_type(resources, "AWS::WAFv2::WebACL").values()
    (rule,) = acl["Rules"]
    assert rule["Statement"] == {
        "RateBasedStatement": {"Limit": {"Ref": "RequestsPerAddress"}, "AggregateKeyType": "IP"}
    }
    answer = rule["Action"]["Block"]["CustomResponse"]
    body = json.loads(acl["CustomResponseBodies"][answer["CustomResponseBodyKey"]]["Content"])
    assert answer["ResponseCode"] == body["status"] == body["error_code"] == 429
    (association,) = of_type(resources, "AWS::WAFv2::WebACLAssociation").values()
    assert association["ResourceArn"] == local.plain["Outputs"]["StageArn"]["Value"]
    assert {resources[name]["Condition"] for name in ("WebAcl", "WebAclAssociation")} == {"HasWebAcl"}
    assert local.parameters["RequestsPerAddress"] == "0"


def test_nothing_is_reserved_unless_asked_for(local: LocalTemplate) -> None:
    """A new AWS account has a quota of ten concurrent executions, of which AWS lets no function reserve any."""
    reserved = {
        name: properties["ReservedConcurrentExecutions"]
        for name, properties in of_type(local.plain["Resources"], "AWS::Lambda::Function").items()
        if "ReservedConcurrentExecutions" in properties
    }
    bound = {"Fn::If": ["ReservesConcurrency", {"Ref": "SyncConcurrency"}, {"Ref": "AWS::NoValue"}]}
    assert reserved == dict.fromkeys(("CutoutFunction", "SelfieFunction", "TasksFunction", "CostumeFunction"), bound)
    assert local.plain["Conditions"]["ReservesConcurrency"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "SyncConcurrency"}, 0]}]
    }
    assert local.parameters["SyncConcurrency"] == "0"


def test_one_account_leaves_half_of_a_new_aws_accounts_functions_to_others(local: LocalTemplate) -> None:
    functions = {
        name: item["Properties"] for name, item in local.plain["Resources"].items() if item["Type"] == FUNCTION
    }
    variables = functions["TasksFunction"]["Environment"]["Variables"]
    assert variables["ACCOUNT_CONCURRENCY"] == {"Ref": "AccountConcurrency"}
    assert 2 * int(local.parameters["AccountConcurrency"]) <= NEW_ACCOUNT_FUNCTIONS


def test_every_handler_is_a_file_in_its_functions_folder(local: LocalTemplate) -> None:
    for name, folder in local.code.items():
        module, _, function = local.plain["Resources"][name]["Properties"]["Handler"].rpartition(".")
        assert f"def {function}(" in (folder / f"{module}.py").read_text("utf-8"), name


def test_layers_that_make_builds_have_the_target_that_sam_calls() -> None:
    source = (ROOT / "template.yaml").read_text("utf-8")
    built = re.findall(
        r"  (\w+Layer):\n    Type: AWS::Serverless::LayerVersion(?:(?!\n  \w).)*ContentUri: (\S+)", source, re.S
    )
    assert {name for name, _ in built} == {"RuntimeLayer", "CutlineLayer", "HeifLayer", "ModelLayer"}
    assert source.count("BuildMethod: makefile") == len(built)
    for name, folder in built:
        assert f"\nbuild-{name}:\n" in (ROOT / folder / "Makefile").read_text("utf-8")


@pytest.mark.parametrize("wanted", ["no", "yes"])
def test_heic_costs_a_layer_where_callers_pictures_are_decoded_and_only_if_wanted(wanted: str) -> None:
    built = whole_template(HeicPictures=wanted)
    layer = ROOT / "layers" / "heif"
    assert {name for name, layers in built.layers.items() if layer in layers} == {
        "TasksFunction",
        "PrepareFunction",
        "FinishFunction",
        "MendFunction",
    }
    # What CloudFormation does with it depends only on the condition.
    resources = built.plain["Resources"]
    (name,) = (name for name, one in resources.items() if one.get("Condition") == "TakesHeic")
    nothing = {"Ref": "AWS::NoValue"}
    assert resources["FinishFunction"]["Properties"]["Layers"][-1] == {"Fn::If": ["TakesHeic", {"Ref": name}, nothing]}
    assert built.plain["Conditions"]["TakesHeic"] == {"Fn::Equals": [{"Ref": "HeicPictures"}, "yes"]}
    assert built.parameters["HeicPictures"] == wanted


@pytest.mark.parametrize("wanted", ["no", "yes"])
def test_photographs_for_mends_expire_with_the_results(wanted: str) -> None:
    """And `Mending` reaches every function that keeps them."""
    resources = whole_template(Mending=wanted).plain["Resources"]
    rules = of_type(resources, "AWS::S3::Bucket")["OutputBucket"]["LifecycleConfiguration"]["Rules"]
    days = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "Prefix" in rule}
    assert days["m/"] == days["r/"] == {"Ref": "ResultDays"}
    functions = of_type(resources, "AWS::Lambda::Function")
    for name in ("CutoutFunction", "TasksFunction", "FinishFunction"):
        assert functions[name]["Environment"]["Variables"]["MENDING"] == {"Ref": "Mending"}
