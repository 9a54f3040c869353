"""Readers of the transformed template."""

from typing import Any

Resources = dict[str, dict[str, Any]]
ALARM = "AWS::CloudWatch::Alarm"


def of_type(resources: Resources, kind: str) -> dict[str, dict[str, Any]]:
    found = {name: item["Properties"] for name, item in resources.items() if item["Type"] == kind}
    assert found, f"the template has no {kind}"
    return found


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def api_document(resources: dict[str, dict[str, Any]]) -> dict[str, Any]:
    (properties,) = of_type(resources, "AWS::ApiGateway::RestApi").values()
    body: dict[str, Any] = properties["Body"]
    return body


def watched(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics that an alarm looks at."""
    queries = [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", []) if "MetricStat" in query]
    return queries or [{key: alarm[key] for key in ("Namespace", "MetricName", "Dimensions")}]
