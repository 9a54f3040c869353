"""What the template deploys, read after the SAM transform as CloudFormation would see it."""

import re
from typing import Any

import pytest

from cutline.commands.deployment import SETTINGS as DEPLOYMENT_SETTINGS
from devkit.running import ROOT
from localcloud.stack.template import LocalTemplate
from tests.support.template import (
    allowing_statements,
    of_type,
    whole_template,
)
from tools.conditions import settled

FUNCTION = "AWS::Lambda::Function"
# That may run at once, none of which can be reserved.
NEW_ACCOUNT_FUNCTIONS = 10


def test_the_operators_command_finds_its_tables_and_key_in_the_outputs(local: LocalTemplate) -> None:
    wanted = {output for _, _, output in DEPLOYMENT_SETTINGS.values()}
    outputs = settled(local.plain, {"ResultsCdn": "cloudfront", "SmokeMinutes": "5"})["Outputs"]
    assert {name: outputs[name]["Value"] for name in wanted} == {name: {"Ref": name} for name in wanted}


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
