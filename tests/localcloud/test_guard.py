"""A function may do what its role permits, and is refused the rest as AWS would refuse it."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from devkit.running import RunningCloud
from localcloud.aws.guard import Guard
from localcloud.aws.needs import Need, caller_of, needs_of
from localcloud.aws.roles import Grant

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/Meter"


def of_function(toy: RunningCloud, name: str, service: str) -> Any:
    """A client that signs as the function's sandboxes do."""
    session = boto3.Session(name, "localcloud-secret", region_name="us-east-1")
    return session.client(service, endpoint_url=toy.url)


def code_of(refused: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    answer = refused.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def test_what_no_statement_allows_is_denied_and_written_down(toy: RunningCloud) -> None:
    with pytest.raises(ClientError) as object_refused:
        of_function(toy, "Worker", "s3").get_object(Bucket=toy.resources["Files"], Key="x")
    with pytest.raises(ClientError) as item_refused:
        of_function(toy, "Worker", "dynamodb").get_item(TableName=toy.resources["Notes"], Key={"id": {"S": "x"}})
    assert code_of(object_refused) == ("AccessDenied", 403)
    assert code_of(item_refused) == ("AccessDeniedException", 400)
    denied = (toy.state_dir / "denied.txt").read_text("utf-8")
    assert f"Worker s3:GetObject arn:aws:s3:::{toy.resources['Files']}/x" in denied


def test_what_a_statement_allows_is_done_and_written_down(toy: RunningCloud) -> None:
    of_function(toy, "Store", "s3").put_object(Bucket=toy.resources["Files"], Key="y", Body=b"1")
    line = "Store  s3:PutObject Files/*"
    assert line in json.loads((toy.state_dir / "granted.json").read_text("utf-8"))
    assert line in (toy.state_dir / "used.txt").read_text("utf-8").splitlines()


def test_what_is_not_there_is_reported_only_to_those_who_may_list(toy: RunningCloud) -> None:
    with pytest.raises(ClientError) as absent:
        of_function(toy, "Store", "s3").get_object(Bucket=toy.resources["Files"], Key="nothing")
    assert code_of(absent) == ("NoSuchKey", 404)


def test_the_state_machine_runs_what_its_role_names_and_nothing_else(toy: RunningCloud) -> None:
    """moto signs the machine's calls with a key of its own."""
    machine = boto3.Session("ak", "sk", region_name="us-east-1").client("lambda", endpoint_url=toy.url)
    machine.invoke(FunctionName=toy.resources["Worker"], Payload=b'{"Records": []}')
    line = "Flow  lambda:InvokeFunction function:Worker*"
    assert line in (toy.state_dir / "used.txt").read_text("utf-8").splitlines()
    with pytest.raises(ClientError) as refused:
        machine.invoke(FunctionName=toy.resources["Store"], Payload=b"{}")
    assert code_of(refused) == ("AccessDeniedException", 403)
    with pytest.raises(ClientError) as sending:
        of_machine = boto3.Session("ak", "sk", region_name="us-east-1").client("sqs", endpoint_url=toy.url)
        of_machine.send_message(QueueUrl=toy.resources["Work"], MessageBody="{}")
    assert "AccessDenied" in code_of(sending)[0]


@pytest.mark.parametrize(("bound", "permitted"), [("endpoint/*", True), ("endpoint/other", False)])
def test_what_a_boundary_does_not_hold_is_denied(tmp_path: Path, bound: str, permitted: bool) -> None:
    arn = "arn:aws:sagemaker:us-east-1:123456789012:"
    grants = {"Worker": [Grant("Call", "sagemaker:InvokeEndpoint", f"{arn}endpoint/e", {})]}
    guard = Guard(lambda environ, start: [], tmp_path)
    guard.open(grants, {}, bounds={"Worker": [Grant("", "sagemaker:InvokeEndpoint", arn + bound, {})]})
    call = environ("POST", "/endpoints/e/invocations", HTTP_AUTHORIZATION="Credential=Worker/1")
    refused = guard.refuses(call, lambda status, headers, *_: lambda data: None)
    assert (refused is None) is permitted


@pytest.mark.parametrize(
    ("key", "permitted"), [("IDEMPOTENT#shop#1", True), ("ACCOUNT#shop", False), ("XIDEMPOTENT#", False)]
)
def test_conditions_on_leading_keys_hold(key: str, permitted: bool) -> None:
    condition = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["IDEMPOTENT#*"]}}
    grant = Grant("Keys", "dynamodb:DeleteItem", TABLE, condition)
    assert grant.covers(Need("dynamodb:DeleteItem", TABLE, {"dynamodb:LeadingKeys": (key,)})) is permitted
    assert not grant.covers(Need("dynamodb:PutItem", TABLE, {"dynamodb:LeadingKeys": (key,)}))


def test_an_unknown_condition_is_an_error_and_no_permission() -> None:
    grant = Grant("Odd", "s3:GetObject", "*", {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    with pytest.raises(ValueError, match="IpAddress"):
        grant.covers(Need("s3:GetObject", "arn:aws:s3:::b/k"))


def environ(method: str, path: str, query: str = "", **more: str) -> dict[str, Any]:
    return {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, **more}


def test_needs_name_action_and_resource() -> None:
    batch = b'<Delete xmlns="http://s3.amazonaws.com/doc/"><Object><Key>t/1</Key></Object></Delete>'
    target = {"HTTP_X_AMZ_TARGET": "AmazonSQS.ReceiveMessage"}
    queue = json.dumps({"QueueUrl": "http://127.0.0.1:1/123456789012/work"}).encode()
    assert needs_of(environ("HEAD", "/b/t/1"), b"")[0].action == "s3:GetObject"
    assert needs_of(environ("POST", "/b", "delete"), batch) == [Need("s3:DeleteObject", "arn:aws:s3:::b/t/1")]
    assert needs_of(environ("POST", "/", **target), queue)[0].resource.endswith(":work")
    invoke = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Ax%3A1%3Afunction%3Af/invocations"
    assert needs_of(environ("POST", invoke), b"") == [Need("lambda:InvokeFunction", "arn:aws:lambda:x:1:function:f")]
    parts = [{"Update": {"TableName": "t", "Key": {"pk": {"S": key}}}} for key in ("a", "b")]
    transaction = json.dumps({"TransactItems": parts}).encode()
    needs = needs_of(environ("POST", "/", HTTP_X_AMZ_TARGET="DynamoDB_20120810.TransactWriteItems"), transaction)
    assert [(need.action, need.context["dynamodb:LeadingKeys"]) for need in needs] == [
        ("dynamodb:UpdateItem", (key,)) for key in ("a", "b")
    ]
    (listing,) = needs_of(environ("GET", "/b", "list-type=2&prefix=r%2F"), b"")
    assert (listing.action, listing.context) == ("s3:ListBucket", {"s3:prefix": ("r/",)})


def test_callers_are_known_by_header_address_and_form() -> None:
    signed = environ("GET", "/b/k", HTTP_AUTHORIZATION="AWS4-HMAC-SHA256 Credential=Links/20260101/x/s3/aws4_request")
    assert caller_of(signed) == "Links"
    assert caller_of(environ("GET", "/b/k", "X-Amz-Credential=Links%2F20260101%2Fx&X-Amz-Signature=0")) == "Links"
    assert caller_of(environ("GET", "/b/k", "AWSAccessKeyId=Links&Signature=0&Expires=1")) == "Links"
    form = environ("POST", "/b") | {"localcloud.form": {"x-amz-credential": "Uploads/20260101/x", "key": "u/1"}}
    assert (caller_of(form), needs_of(form, b"")) == ("Uploads", [Need("s3:PutObject", "arn:aws:s3:::b/u/1")])
    assert caller_of(environ("GET", "/b/k")) == ""
