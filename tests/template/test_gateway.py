"""The gateway: its routes, its own answers, its throttling and its domain."""

import json
import re
import warnings
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore", (SyntaxWarning, DeprecationWarning))
    from jdcloud_sdk.core.jdcloudresponse import JDCloudResponse

from cutline.contracts import aidge, ailabtools
from cutline.contracts.wire import Response
from cutline.errors import Reason
from cutline.serving.proxy_event import to_proxy
from localcloud.stack.template import LocalTemplate
from tests.support.template import (
    ALARM,
    Resources,
    api_document,
    of_type,
    watched,
)

GATEWAY_LIMIT_S = 29


def test_every_function_ends_before_the_gateway_gives_up(resources: dict[str, dict[str, Any]]) -> None:
    behind_api = functions_of_routes(resources).values()
    for name in set(behind_api):
        assert resources[name]["Properties"]["Timeout"] < GATEWAY_LIMIT_S, name


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
