"""The lint of the transformed template: no reference may lead to a resource that some parameter leaves out."""

from typing import Any

import pytest

from localcloud.stack.template import LocalTemplate
from tools.conditions import cases
from tools.lint_template import dangling_references

OFF = {"Type": "AWS::SNS::Topic", "Condition": "On"}


def stack(**resources: Any) -> dict[str, Any]:
    return {
        "Parameters": {
            "Switch": {"Type": "String", "AllowedValues": ["on", "off", "auto"]},
            "Mail": {"Type": "String"},
        },
        "Conditions": {
            "On": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Switch"}, "off"]}]},
            "Mails": {"Fn::And": [{"Condition": "On"}, {"Fn::Not": [{"Fn::Equals": [{"Ref": "Mail"}, ""]}]}]},
        },
        "Resources": {"Topic": OFF, **resources},
    }


def test_every_reference_of_the_template_leads_somewhere_whatever_the_parameters(local: LocalTemplate) -> None:
    assert dangling_references(local.plain) == []


def test_every_condition_of_the_template_is_seen_both_true_and_false(local: LocalTemplate) -> None:
    for name in local.plain["Conditions"]:
        assert {case.conditions[name] for case in cases(local.plain, [name])} == {True, False}, name


def test_a_case_takes_what_conditions_compare_and_one_other_value() -> None:
    found = {tuple(case.parameters.values()): case.conditions for case in cases(stack(), ["On", "Mails"])}
    assert set(found) == {(switch, mail) for switch in ("off", "auto") for mail in ("", "anything else")}
    assert found["auto", "anything else"] == {"On": True, "Mails": True}
    assert found["off", "anything else"] == {"On": False, "Mails": False}


@pytest.mark.parametrize(
    "resource",
    [
        {"DependsOn": "Topic"},
        {"DependsOn": ["Topic"]},
        {"Properties": {"Name": {"Ref": "Topic"}}},
        {"Properties": {"Name": {"Fn::GetAtt": ["Topic", "TopicName"]}}},
        {"Properties": {"Name": {"Fn::Sub": "x-${Topic.TopicName}"}}},
        {"Properties": {"Name": {"Fn::If": ["Mails", "mail", {"Ref": "Topic"}]}}},
    ],
)
def test_a_reference_to_what_a_condition_leaves_out_is_found(resource: dict[str, Any]) -> None:
    (found,) = dangling_references(stack(Other={"Type": "AWS::SNS::Topic", **resource}))
    assert found.startswith("Other names Topic, which is not there, with {'Switch': 'off'")


@pytest.mark.parametrize(
    "resource",
    [
        {"Condition": "On", "DependsOn": "Topic"},
        {"Condition": "Mails", "Properties": {"Name": {"Ref": "Topic"}}},
        {"Properties": {"Name": {"Fn::If": ["On", {"Ref": "Topic"}, {"Ref": "AWS::NoValue"}]}}},
        {"Properties": {"Name": {"Fn::Sub": "${!literal}-${Switch}-${AWS::Region}"}}},
        {"Properties": {"Name": {"Fn::Sub": ["${own}", {"own": "x"}]}}},
    ],
)
def test_what_stands_and_falls_with_its_condition_is_in_order(resource: dict[str, Any]) -> None:
    assert dangling_references(stack(Other={"Type": "AWS::SNS::Topic", **resource})) == []
