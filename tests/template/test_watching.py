"""Alarms and dashboard: everything that can fail is watched, and what is looked at exists."""

import json
import re
from collections.abc import Iterable

from cutline.contracts.apis import APIS
from devkit.running import ROOT
from localcloud.stack.template import LocalTemplate
from tests.support.template import ALARM, Resources, of_type, watched
from tools.conditions import settled

SYNC_SERVICES = {"cutout", "selfie", "tasks", "costume"}
# As the services' guides name them.
AWS_METRICS = {
    "AWS/ApiGateway": {"4XXError", "5XXError", "Count", "Latency", "IntegrationLatency"},
    "AWS/DynamoDB": {"ReadThrottleEvents", "WriteThrottleEvents"},
    "AWS/Lambda": {"Errors", "Throttles", "Duration", "Invocations", "ClaimedAccountConcurrency"},
    "AWS/SageMaker": {"HasBacklogWithoutCapacity", "InvocationFailures", "Invocation5XXErrors", "ModelLatency"},
    "AWS/SQS": {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible", "NumberOfMessagesSent"},
    "AWS/States": {"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted", "ExecutionThrottled"},
}
# Scaling, no fault.
WAKES = "EndpointWakeAlarm"


def alarms(resources: Resources) -> Resources:
    return {name: alarm for name, alarm in of_type(resources, ALARM).items() if name != WAKES}


def watchers(resources: Resources, metric: str) -> dict[str, set[str]]:
    """By alarm, the resources whose `metric` it looks at."""
    found = {}
    for name, alarm in alarms(resources).items():
        found_metrics = [item for item in watched(alarm) if item["MetricName"] == metric]
        values = [item["Dimensions"][0]["Value"] for item in found_metrics]
        if values:
            found[name] = {value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0] for value in values}
    return found


def test_every_dead_letter_queue_has_an_alarm_at_its_first_message(resources: Resources) -> None:
    queues = of_type(resources, "AWS::SQS::Queue").values()
    arns = [queue["RedrivePolicy"]["deadLetterTargetArn"] for queue in queues if "RedrivePolicy" in queue]
    by_alarm = watchers(resources, "ApproximateNumberOfMessagesVisible")
    assert set.union(*by_alarm.values()) == {arn["Fn::GetAtt"][0] for arn in arns}
    # Callers' servers that do not take their callbacks are no alarm while they are few.
    thresholds = {name: alarms(resources)[name]["Threshold"] for name in by_alarm}
    assert thresholds.pop("CallBackDeadLettersAlarm") == 10
    assert set(thresholds.values()) == {0}


def test_faults_of_every_service_that_counts_them_are_watched(resources: Resources) -> None:
    """Each service has an alarm of its own. To Lambda a function that takes messages succeeds."""
    watching: dict[str, list[str]] = {}
    for name in alarms(resources):
        for metric in watched(alarms(resources)[name]):
            if metric["MetricName"] == "Faults":
                watching.setdefault(metric["Dimensions"][0]["Value"], []).append(name)
    apps = {path: path.read_text("utf-8") for path in (ROOT / "functions").rglob("app.py")}
    taking = {re.findall(r'service="(\w+)"', text)[0] for text in apps.values() if "return each(" in text}
    assert taking == {"worker", "callback", "undelivered", "intake"}
    assert set(watching) == taking | SYNC_SERVICES | {"uploads", "links", "mend", "usage"}
    names = [name for names in watching.values() for name in names]
    assert len(names) == len(set(names)) == len(watching), "one each"
    # The other steps of a task raise what fails, so FlowErrorsAlarm counts it as Lambda's errors.
    assert {"prepare", "finish", "cpu", "fail"} == services(apps.values()) - set(watching) - {"site", "smoke"}


def services(apps: Iterable[str]) -> set[str]:
    return {name for text in apps for name in re.findall(r'Metrics\(namespace="Cutline", service="(\w+)"\)', text)}


def test_a_callback_is_hidden_for_six_times_its_functions_time_and_kept_when_it_fails(resources: Resources) -> None:
    queue, dead = (resources[name]["Properties"] for name in ("CallBackQueue", "CallBackDeadLetters"))
    assert queue["VisibilityTimeout"] == 6 * resources["CallBackFunction"]["Properties"]["Timeout"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 10
    assert queue["MessageRetentionPeriod"] > 10 * queue["VisibilityTimeout"]
    assert dead["MessageRetentionPeriod"] == 14 * 86_400


def test_concurrency_is_watched_against_the_quota(resources: Resources) -> None:
    (percent, claimed) = resources["ConcurrencyAlarm"]["Properties"]["Metrics"]
    assert percent["Expression"] == {"Fn::Sub": "100 * claimed / ${LambdaQuota}"}
    assert "Dimensions" not in claimed["MetricStat"]["Metric"], "of the whole AWS account"


def test_every_functions_errors_are_watched(resources: Resources) -> None:
    by_alarm = watchers(resources, "Errors")
    assert set(by_alarm) == {"CallErrorsAlarm", "FlowErrorsAlarm"}
    # The smoke's own end without a metric is what SmokeAlarm rings at.
    assert set.union(*by_alarm.values()) == set(of_type(resources, "AWS::Lambda::Function")) - {"SmokeFunction"}


def test_refused_pictures_are_taken_off_the_flows_errors(resources: Resources) -> None:
    queries = {query["Id"]: query for query in resources["FlowErrorsAlarm"]["Properties"]["Metrics"]}
    (reported,) = [query for query in queries.values() if query.get("ReturnData", True)]
    added = set(re.findall(r"\w+", reported["Expression"])) - {"SUM"}
    assert added == {name for name in queries if not name.startswith(("faults", "refused"))}, "every query counts once"
    taken_off = {queries[name]["Expression"] for name in added if "Expression" in queries[name]}
    assert taken_off == {"0 - refusedByPrepare", "0 - refusedByFinish"}
    metrics = [queries[name]["MetricStat"]["Metric"] for name in ("refusedByPrepare", "refusedByFinish")]
    assert [metric["Dimensions"][0]["Value"] for metric in metrics] == ["prepare", "finish"]


def test_a_smoke_that_fails_or_is_not_sent_is_noticed_after_two_of_three(local: LocalTemplate) -> None:
    found = settled(local.plain, {"SmokeMinutes": "15"})["Resources"]
    alarm, rule = found["SmokeAlarm"]["Properties"], found["SmokeFunctionEvery"]["Properties"]
    assert rule["ScheduleExpression"] == {"Fn::FindInMap": ["SmokeTimes", {"Ref": "SmokeMinutes"}, "Rate"]}
    assert alarm["Period"] == {"Fn::FindInMap": ["SmokeTimes", {"Ref": "SmokeMinutes"}, "Period"]}
    times = {int(minutes): entry for minutes, entry in local.plain["Mappings"]["SmokeTimes"].items()}
    periods = {minutes: entry["Period"] for minutes, entry in times.items()}
    assert all(entry["Rate"] == f"rate({minutes} minutes)" for minutes, entry in times.items() if minutes)
    allowed = local.plain["Parameters"]["SmokeMinutes"]["AllowedValues"]
    assert list(periods) == allowed and all(periods[minutes] == 60 * minutes for minutes in allowed[1:])
    # CloudWatch looks at no more than a day.
    assert max(periods.values()) * alarm["EvaluationPeriods"] <= 86_400
    # The next run does not begin before this one has ended.
    assert found["SmokeFunction"]["Properties"]["Timeout"] < 60 * allowed[1]
    assert found["SmokeFunctionEventInvokeConfig"]["Properties"]["MaximumRetryAttempts"] == 0
    off = settled(local.plain, {})
    assert not [name for name in {**off["Resources"], **off["Outputs"]} if "Smoke" in name]


def test_slow_calls_of_every_api_are_watched(resources: Resources) -> None:
    slow = [
        {item["Name"]: item["Value"] for item in m["Dimensions"]} for m in watched(alarms(resources)["SlowCallsAlarm"])
    ]
    assert {item["service"] for item in slow} == SYNC_SERVICES
    assert {item["api"] for item in slow} == set(APIS)
    assert {item["reason"] for item in slow} == {"ok"}


def test_an_alarms_metrics_exist(resources: Resources) -> None:
    """By name and namespace; the names that the product gives its own dimensions are those of its functions."""
    known = services(path.read_text("utf-8") for path in (ROOT / "functions").rglob("app.py"))
    package = (ROOT / "layers/cutline/python/cutline/serving/telemetry.py").read_text("utf-8")
    emitted = set(re.findall(r'add_metric\("(\w+)"', package))
    for name, alarm in of_type(resources, ALARM).items():
        metrics = watched(alarm)
        assert len(metrics) <= 10, f"{name}: CloudWatch takes ten metrics in an alarm's expression"
        for metric in metrics:
            if metric["Namespace"] == "Cutline":
                assert metric["Dimensions"][0]["Value"] in known, name
                assert metric["MetricName"] in emitted, name
            else:
                assert metric["MetricName"] in AWS_METRICS[metric["Namespace"]], name


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
        assert alarm["OKActions"] == alarm["AlarmActions"], name
        assert action == {"Fn::If": ["HasAlarmEmail", {"Ref": "AlarmTopic"}, {"Ref": "AWS::NoValue"}]}, name
        assert alarm["TreatMissingData"] == ("breaching" if name == "SmokeAlarm" else "notBreaching"), name
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


def test_saved_queries_ask_for_fields_that_the_functions_log(resources: Resources) -> None:
    package = "".join(path.read_text("utf-8") for path in (ROOT / "layers/cutline/python/cutline").rglob("*.py"))
    logged = set(re.findall(r"(\w+)=|notes\[\"(\w+)\"\]", package))
    # Every line of Powertools' has these.
    known = {name for pair in logged for name in pair} | {"message", "level", "service", "timestamp"}
    for name, query in of_type(resources, "AWS::Logs::QueryDefinition").items():
        assert query["LogGroupNames"] == [{"Ref": "FunctionLogs"}], name
        lines = re.sub(r'"[^"]*"', "", query["QueryString"]).split("|")
        made = set(re.findall(r"\bas (.+?)(?:,| by|$)", "\n".join(lines), re.MULTILINE))
        made = {word for text in made for word in re.split(r",\s*", text)}
        asked = set(re.findall(r"(?<![@\w.])([a-z]\w*)(?![\w(])(?!\.)", "\n".join(lines)))
        words = {"filter", "stats", "fields", "sort", "parse", "as", "by", "asc", "desc", "in", "or"}
        # Lambda's own report line.
        platform = (
            {"type", "record", "function", "month", "day", "year"}
            if "platform.report" in query["QueryString"]
            else set()
        )
        assert asked - words - made - platform <= known, name
