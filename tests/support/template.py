"""template.yaml after the SAM transform, as CloudFormation would see it, and readers of it."""

import functools
from collections.abc import Iterator
from typing import Any

import pytest

from devkit.running import ROOT
from localcloud.stack.template import LocalTemplate, load_template
from tests.support.untraced import untraced

Resources = dict[str, dict[str, Any]]
ALARM = "AWS::CloudWatch::Alarm"


@functools.cache
def whole_template(**parameters: str) -> LocalTemplate:
    """With its defaults but for these; transformed once for all tests, so change nothing in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")  # the transform asks for a region and for nothing else of AWS
        return untraced(load_template)(ROOT / "template.yaml", parameters)


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


def allowing_statements(resources: Resources) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement that allows something, in roles, managed policies, resource policies and key policies."""
    for name, item in resources.items():
        policies = [
            policy["Fn::If"][1] if "Fn::If" in policy else policy
            for policy in item.get("Properties", {}).get("Policies", [])
        ]
        documents = [policy["PolicyDocument"] for policy in policies]
        documents += [item["Properties"][key] for key in ("PolicyDocument", "KeyPolicy") if key in item["Properties"]]
        for document in documents:
            for statement in statements_of(document):
                if statement["Effect"] == "Allow":
                    yield name, statement


def statements_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """A policy's statements, those behind a condition too."""
    return [item["Fn::If"][1] if "Fn::If" in item else item for item in as_list(document["Statement"])]
