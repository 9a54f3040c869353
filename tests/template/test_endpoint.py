"""The GPU endpoint as the template deploys it: only if asked for, with few rights, asleep if asynchronous."""

import json
import re
from typing import Any

import pytest
from moto.iam.access_control import IAMPolicy, PermissionResult

from localcloud.stack.template import LocalTemplate
from tests.support.template import watched

Resources = dict[str, dict[str, Any]]
BUCKET = "arn:aws:s3:::results"
LOGS = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/Endpoints/shop-matte:*"
REPOSITORY = "arn:aws:ecr:us-east-1:123456789012:repository/cutline-endpoint"


def test_nothing_of_it_exists_unless_asked_for(local: LocalTemplate, resources: Resources) -> None:
    assert local.plain["Parameters"]["GpuEndpoint"]["Default"] == "none"
    services = ("AWS::SageMaker::", "AWS::ApplicationAutoScaling::")
    found = [item for item in resources.values() if item["Type"].startswith(services)]
    assert len(found) == 7
    assert {item.get("Condition") for item in found} == {"HasEndpoint", "RealtimeEndpoint", "AsyncEndpoint"}
    assert resources["EndpointRole"]["Condition"] == "HasEndpoint"
    (condition, _, otherwise) = resources["EndpointRole"]["Properties"]["Policies"][1]["Fn::If"]
    assert (condition, otherwise) == ("AsyncEndpoint", {"Ref": "AWS::NoValue"})


def test_an_endpoint_without_an_image_is_refused_before_anything_is_made(local: LocalTemplate) -> None:
    (assertion,) = local.plain["Rules"]["EndpointNeedsAnImage"]["Assertions"]
    assert assertion["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "EndpointImage"}, "none"]}]}
    assert local.plain["Parameters"]["EndpointImage"]["Default"] == "none"


def resolved(node: Any) -> Any:
    """A policy as CloudFormation resolves it for an asynchronous endpoint."""
    match node:
        case {"Fn::Sub": [_, {"Repository": _}]}:
            return REPOSITORY
        case {"Fn::Sub": str(text)}:
            return text.replace("${OutputBucket.Arn}", BUCKET)
        case {"Fn::GetAtt": [name, "Arn"]}:
            return {"EndpointLogs": LOGS, "OutputBucket": BUCKET}[name]
        case {"Fn::If": ["AsyncEndpoint", inner, _]}:
            return resolved(inner)
        case list():
            return [resolved(item) for item in node]
    return {key: resolved(value) for key, value in node.items()} if isinstance(node, dict) else node


def allowed(resources: Resources, action: str, arn: str) -> bool:
    policies = resolved(resources["EndpointRole"]["Properties"]["Policies"])
    verdicts = [IAMPolicy(json.dumps(policy["PolicyDocument"])).is_action_permitted(action, arn) for policy in policies]
    return PermissionResult.PERMITTED in verdicts


@pytest.mark.parametrize(
    ("action", "arn"),
    [
        ("ecr:GetAuthorizationToken", "*"),
        ("ecr:BatchGetImage", REPOSITORY),
        ("ecr:GetDownloadUrlForLayer", REPOSITORY),
        ("logs:CreateLogStream", LOGS),
        ("logs:PutLogEvents", LOGS),
        ("s3:GetObject", f"{BUCKET}/endpoint/in/1.png"),
        ("s3:PutObject", f"{BUCKET}/endpoint/out/1.out"),
        ("s3:PutObject", f"{BUCKET}/endpoint/failed/1-error.out"),
        ("s3:AbortMultipartUpload", f"{BUCKET}/endpoint/out/1.out"),
        ("s3:ListBucket", BUCKET),
    ],
)
def test_the_container_may_do_its_work(resources: Resources, action: str, arn: str) -> None:
    assert allowed(resources, action, arn)


@pytest.mark.parametrize(
    ("action", "arn"),
    [
        ("ecr:BatchGetImage", f"{REPOSITORY}-other"),
        ("ecr:PutImage", REPOSITORY),
        ("logs:CreateLogGroup", LOGS),
        ("s3:GetObject", f"{BUCKET}/r/shop/1.png"),
        ("s3:GetObject", f"{BUCKET}/endpoint/out/1.out"),
        ("s3:PutObject", f"{BUCKET}/endpoint/in/1.png"),
        ("s3:PutObject", f"{BUCKET}/r/shop/1.png"),
        ("s3:DeleteObject", f"{BUCKET}/endpoint/in/1.png"),
    ],
)
def test_the_container_may_do_nothing_else(resources: Resources, action: str, arn: str) -> None:
    assert not allowed(resources, action, arn)


def test_the_container_has_no_network_and_only_sagemaker_runs_it(resources: Resources) -> None:
    assert resources["EndpointNetwork"]["Properties"]["EnableNetworkIsolation"] is True
    (statement,) = resources["EndpointRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_its_logs_end_and_go_where_its_role_may_write(resources: Resources) -> None:
    name = resources["MatteEndpoint"]["Properties"]["EndpointName"]
    group = resources["EndpointLogs"]["Properties"]["LogGroupName"]["Fn::Sub"]
    assert group == ["/aws/sagemaker/Endpoints/${Endpoint}", {"Endpoint": name}]
    assert resources["MatteEndpoint"]["DependsOn"] == "EndpointLogs"


def test_an_async_endpoint_goes_down_to_none_and_wakes_when_work_goes_on_coming(resources: Resources) -> None:
    capacity = resources["EndpointCapacity"]["Properties"]
    assert capacity["MinCapacity"] == {"Fn::If": ["AsyncEndpoint", 0, {"Ref": "EndpointMinInstances"}]}
    wake = resources["EndpointWakeAlarm"]["Properties"]
    assert (wake["EvaluationPeriods"], wake["AlarmActions"]) == (3, [{"Ref": "EndpointWakePolicy"}])
    queries = {query["Id"]: query for query in wake["Metrics"]}
    assert queries["worthIt"]["Expression"] == "IF(arrived >= 60, waiting, 0)"
    metrics = {name: queries[name]["MetricStat"]["Metric"]["MetricName"] for name in ("arrived", "waiting")}
    assert metrics == {"arrived": "NumberOfMessagesSent", "waiting": "HasBacklogWithoutCapacity"}
    policy = resources["EndpointWakePolicy"]["Properties"]
    assert policy["PolicyType"] == "StepScaling"
    (step,) = policy["StepScalingPolicyConfiguration"]["StepAdjustments"]
    assert step["ScalingAdjustment"] > 0
    for name in ("EndpointBacklogPolicy", "EndpointWakePolicy", "EndpointConcurrencyPolicy"):
        assert resources[name]["Properties"]["ScalingTargetId"] == {"Ref": "EndpointCapacity"}


def test_tasks_too_few_to_wake_it_ring_no_alarm(resources: Resources) -> None:
    """While any come, a probe lies in its queue (adapters/endpoint_watch.py)."""
    expressions = {
        resources[name]["Properties"]["Metrics"][0]["Expression"]
        for name in ("EndpointWakeAlarm", "EndpointCapacityAlarm")
    }
    assert expressions == {"IF(arrived >= 60, waiting, 0)"}


def test_a_second_instance_is_within_reach_of_the_workers(local: LocalTemplate, resources: Resources) -> None:
    """Each worker has one request in flight, so the endpoint never sees more of them than there are workers."""
    for name in ("EndpointConcurrencyPolicy", "EndpointBacklogPolicy"):
        target = resources[name]["Properties"]["TargetTrackingScalingPolicyConfiguration"]["TargetValue"]
        assert target < int(local.parameters["WorkerConcurrency"]), name


def test_a_deployment_keeps_the_number_of_instances(resources: Resources) -> None:
    assert resources["MatteEndpoint"]["Properties"]["RetainAllVariantProperties"] is True


def test_its_files_expire(resources: Resources) -> None:
    rules = resources["OutputBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    (rule,) = [rule for rule in rules if rule.get("Prefix") == "endpoint/"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 1)


@pytest.mark.parametrize(
    ("condition", "metrics"),
    [
        ("AsyncEndpoint", {"HasBacklogWithoutCapacity", "InvocationFailures"}),
        ("RealtimeEndpoint", {"Invocation5XXErrors", "ModelLatency"}),
    ],
)
def test_each_kind_has_its_alarms(resources: Resources, condition: str, metrics: set[str]) -> None:
    alarms = [
        item["Properties"]
        for item in resources.values()
        if (item["Type"], item.get("Condition")) == ("AWS::CloudWatch::Alarm", condition)
    ]
    looked_at = [metric for alarm in alarms for metric in watched(alarm) if metric["Namespace"] == "AWS/SageMaker"]
    assert {metric["MetricName"] for metric in looked_at} == metrics
    endpoint = {"Name": "EndpointName", "Value": {"Fn::GetAtt": ["MatteEndpoint", "EndpointName"]}}
    assert all(endpoint in metric["Dimensions"] for metric in looked_at)


def test_another_kind_or_instance_type_is_another_endpoint(resources: Resources) -> None:
    """A variant that scaling knows may not change its type: the update would fail and roll back."""
    text, values = resources["MatteEndpoint"]["Properties"]["EndpointName"]["Fn::Sub"]
    assert {"GpuEndpoint", "Type"} <= set(re.findall(r"\$\{(\w+)\}", text))
    assert values["Type"] == {"Fn::Join": ["-", {"Fn::Split": [".", {"Ref": "EndpointInstanceType"}]}]}
