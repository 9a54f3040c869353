"""Alarms and dashboard: everything that can fail is watched, and what is looked at exists."""

import json
import re

from localcloud.stack.template import LocalTemplate
from tests.support.template import ALARM, Resources, of_type, watched

# Scaling, no fault.
WAKES = "EndpointWakeAlarm"


def alarms(resources: Resources) -> Resources:
    return {name: alarm for name, alarm in of_type(resources, ALARM).items() if name != WAKES}


def watchers(resources: Resources, metric: str) -> dict[str, set[str]]:
    """By alarm, the resources whose `metric` it looks at."""
    found = {}
    for name, alarm in alarms(resources).items():
        values = [item["Dimensions"][0]["Value"] for item in watched(alarm) if item["MetricName"] == metric]
        if values:
            found[name] = {value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0] for value in values}
    return found


def test_every_dead_letter_queue_has_an_alarm_at_its_first_message(resources: Resources) -> None:
    queues = of_type(resources, "AWS::SQS::Queue").values()
    arns = [queue["RedrivePolicy"]["deadLetterTargetArn"] for queue in queues if "RedrivePolicy" in queue]
    by_alarm = watchers(resources, "ApproximateNumberOfMessagesVisible")
    assert set.union(*by_alarm.values()) == {arn["Fn::GetAtt"][0] for arn in arns}
    assert {alarms(resources)[name]["Threshold"] for name in by_alarm} == {0}


def test_every_functions_errors_are_watched(resources: Resources) -> None:
    by_alarm = watchers(resources, "Errors")
    assert set(by_alarm) == {"CallErrorsAlarm", "FlowErrorsAlarm"}
    assert set.union(*by_alarm.values()) == set(of_type(resources, "AWS::Lambda::Function"))


def test_throttles_of_every_function_with_a_bound_are_watched(resources: Resources) -> None:
    functions = of_type(resources, "AWS::Lambda::Function")
    bounded = {name for name, properties in functions.items() if "ReservedConcurrentExecutions" in properties}
    assert watchers(resources, "Throttles") == {"CallThrottlesAlarm": bounded}


def test_the_flow_and_the_api_are_watched(resources: Resources) -> None:
    for metric in ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"):
        assert watchers(resources, metric) == {"FailedTasksAlarm": {"TaskFlow"}}
    (api,) = of_type(resources, "AWS::ApiGateway::RestApi").values()
    (stage,) = of_type(resources, "AWS::ApiGateway::Stage")
    (name, of_stage) = watched(alarms(resources)["ApiFaultsAlarm"])[0]["Dimensions"]
    assert (name["Value"], of_stage["Value"]) == (api["Name"], {"Ref": stage})


def test_alarms_are_mailed_if_there_is_an_address(local: LocalTemplate, resources: Resources) -> None:
    for name, alarm in alarms(resources).items():
        (action,) = alarm["AlarmActions"]
        assert action == {"Fn::If": ["HasAlarmEmail", {"Ref": "AlarmTopic"}, {"Ref": "AWS::NoValue"}]}, name
        assert alarm["TreatMissingData"] == "notBreaching", name
    assert (local.parameters["AlarmEmail"], resources["AlarmTopic"]["Condition"]) == ("", "HasAlarmEmail")
    (subscription,) = resources["AlarmTopic"]["Properties"]["Subscription"]
    assert subscription == {"Protocol": "email", "Endpoint": {"Ref": "AlarmEmail"}}


def test_the_dashboard_shows_what_there_is(resources: Resources) -> None:
    (properties,) = of_type(resources, "AWS::CloudWatch::Dashboard").values()
    text = properties["DashboardBody"]["Fn::Sub"]
    named = {name.partition(".")[0] for name in re.findall(r"\$\{([^}]+)\}", text)}
    assert {name for name in named if not name.startswith("AWS::")} <= set(resources)
    widgets = json.loads(text)["widgets"]
    places = [(widget["x"], widget["y"], widget["width"], widget["height"]) for widget in widgets]
    assert len(set(places)) == len(places) == 10
    assert all(x in (0, 12) and width == 12 for x, _, width, _ in places)
