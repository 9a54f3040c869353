"""Who may do what: roles, buckets, queues, and how long what callers bring stays."""

from typing import Any

import pytest

from cutline.storage_keys import ENDINGS
from localcloud.stack.template import LocalTemplate
from tests.support.template import (
    Resources,
    allowing_statements,
    as_list,
    of_type,
    statements_of,
)
from tools.conditions import settled


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


def test_calls_that_may_be_repeated_may_keep_their_answers(resources: dict[str, dict[str, Any]]) -> None:
    """The body of an answer may be larger than what the table takes."""
    answers = {"Fn::Sub": "${OutputBucket.Arn}/i/*"}
    allowed = {
        name.removesuffix("FunctionRole")
        for name, statement in allowing_statements(resources)
        if statement.get("Resource") == answers and {"s3:GetObject", "s3:PutObject"} <= set(statement["Action"])
    }
    assert allowed == {"Cutout", "Selfie", "Tasks", "Costume", "Mend"}


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
    earlier = [f"m/*{ending}" for ending in ENDINGS.values()]  # not the archives with the photographs
    shown = [{"Fn::Sub": f"${{OutputBucket.Arn}}/{key}"} for key in ("r/*", "in/*", *earlier)]
    linking = [item for name, item in allowing_statements(resources) if name == "LinksFunctionRole"]
    assert [item["Resource"] for item in linking if item["Action"] == "s3:GetObject"] == [shown]
    assert reading["Resource"] == shown
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
