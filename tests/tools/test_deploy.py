"""Deploying and deleting, short of AWS: the example configuration, the build's processor, what goes and what stays."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from cutline.commands.leftovers import Leftover
from localcloud.stack.template import LocalTemplate
from tests.support.template import whole_template
from tools.conditions import settled
from tools.deploy import NotReady, check_build, check_networks, check_options, machine_of, parameters_of, write_built
from tools.destroy import delete_data, delete_stack, resources_of
from tools.lint_template import dangling_references
from tools.rollout import Rollout

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "samconfig.toml.example"


@pytest.fixture(scope="module")
def template() -> LocalTemplate:
    return whole_template()


def test_the_example_names_parameters_of_the_template_commented_out_or_not(template: LocalTemplate) -> None:
    declared = template.plain["Parameters"]
    assert parameters_of(EXAMPLE, declared) == {"AlarmEmail": "you@example.com"}
    offered = dict(re.findall(r'"([A-Z]\w+)=([^"]*)"', EXAMPLE.read_text("utf-8")))
    assert {"DomainName", "CertificateArn", "Architecture", "Model", "BudgetUsd"} <= offered.keys() <= declared.keys()
    for name, value in offered.items():
        assert re.search(declared[name].get("AllowedPattern", ""), value), name
        assert value in map(str, declared[name].get("AllowedValues", [value])), name


def test_the_example_asks_before_it_changes_anything() -> None:
    deploy = tomllib.loads(EXAMPLE.read_text("utf-8"))["default"]["deploy"]["parameters"]
    assert (deploy["confirm_changeset"], deploy["capabilities"]) == (True, "CAPABILITY_IAM")


@pytest.mark.parametrize(
    ("overrides", "machine"),
    [("[]", "aarch64"), ('["Architecture=x86_64"]', "x86_64"), ('"LogDays=7 Architecture=\\"x86_64\\""', "x86_64")],
)
def test_the_build_follows_the_architecture(
    template: LocalTemplate, tmp_path: Path, overrides: str, machine: str
) -> None:
    config = tmp_path / "samconfig.toml"
    config.write_text(f"[default.deploy.parameters]\nparameter_overrides = {overrides}\n", "utf-8")
    declared = template.plain["Parameters"]
    assert machine_of(parameters_of(config, declared), declared) == machine


def test_a_network_that_models_toml_lacks_is_refused(template: LocalTemplate) -> None:
    declared = template.plain["Parameters"]
    check_networks(ROOT, {}, declared)
    with pytest.raises(NotReady, match=r"Model=u2net: .* it has matte, fine, isnet"):
        check_networks(ROOT, {"Model": "u2net"}, declared)
    with pytest.raises(NotReady, match="EndpointModel=costume"):
        check_networks(ROOT, {"GpuEndpoint": "realtime", "EndpointModel": "costume"}, declared)


def test_a_misspelt_parameter_is_refused(template: LocalTemplate, tmp_path: Path) -> None:
    config = tmp_path / "samconfig.toml"
    config.write_text('[default.deploy.parameters]\nparameter_overrides = ["AlarmMail=x"]\n', "utf-8")
    with pytest.raises(NotReady, match="AlarmMail"):
        parameters_of(config, template.plain["Parameters"])
    with pytest.raises(NotReady, match="cp samconfig"):
        parameters_of(tmp_path / "none.toml", {})


def test_parameters_that_the_next_deployment_would_undo_are_refused() -> None:
    for options in (["--parameter-overrides", "LogDays=7"], ["--parameter-overrides=LogDays=7"]):
        with pytest.raises(NotReady, match="samconfig"):
            check_options(options)
    check_options(["--no-confirm-changeset"])


def test_a_layer_of_another_machine_is_not_deployed(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="nothing"):
        check_build(tmp_path, "aarch64")
    built = tmp_path / ".aws-sam" / "build" / "RuntimeLayer" / "machine"
    built.parent.mkdir(parents=True)
    built.write_text("x86_64\n", "utf-8")
    check_build(tmp_path, "x86_64")
    with pytest.raises(NotReady, match="x86_64"):
        check_build(tmp_path, "aarch64")


@pytest.fixture
def outputs(template: LocalTemplate, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The stack's buckets, tables and key in an account of their own, each bucket with a picture."""
    for name, value in {"REGION": "us-east-1", "DEFAULT_REGION": "us-east-1", "ACCESS_KEY_ID": "x"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    names = ("InputBucket", "OutputBucket", "AccountsTable", "MeterTable", "AccountsKey")
    whole = settled(template.plain, {})["Resources"]
    resources: dict[str, Any] = {name: dict(whole[name]) for name in names}
    for name in ("InputBucket", "OutputBucket"):
        resources[name] = {"Type": resources[name]["Type"]}
    # moto can neither do without a description nor with a policy.
    resources["AccountsKey"] = {
        "Type": resources["AccountsKey"]["Type"],
        "Properties": {"Description": "", "KeyPolicy": ""},
    }
    body = {"Resources": resources}  # without outputs, as after a first deployment that failed
    with mock_aws():
        boto3.client("cloudformation").create_stack(StackName="shop", TemplateBody=json.dumps(body))
        found = {item.logical: item.name for item in resources_of("shop")}
        for name in ("InputBucket", "OutputBucket"):
            boto3.client("s3").put_object(Bucket=found[name], Key="in/shop/auto/x.png", Body=b"x")
        yield found


def test_the_stack_goes_with_the_pictures_that_came_in(outputs: dict[str, str]) -> None:
    delete_stack("shop", resources_of("shop"))
    assert resources_of("shop") == []
    buckets = {bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]}
    assert outputs["InputBucket"] not in buckets
    assert boto3.client("cloudformation").list_stacks(StackStatusFilter=["CREATE_COMPLETE"])["StackSummaries"] == []


def test_data_goes_only_where_that_was_asked_for(outputs: dict[str, str]) -> None:
    dynamodb, s3 = boto3.client("dynamodb"), boto3.client("s3")
    protected = dynamodb.describe_table(TableName=outputs["AccountsTable"])["Table"]
    assert protected["DeletionProtectionEnabled"] is True
    delete_data(resources_of("shop"))
    assert dynamodb.list_tables()["TableNames"] == []
    assert outputs["OutputBucket"] not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    key = boto3.client("kms").describe_key(KeyId=outputs["AccountsKey"])["KeyMetadata"]
    assert key["KeyState"] == "PendingDeletion"


def test_a_stack_that_was_made_only_in_part_goes_too(outputs: dict[str, str]) -> None:
    delete_data([item for item in resources_of("shop") if item.logical in ("AccountsTable", "AccountsKey")])
    assert boto3.client("dynamodb").list_tables()["TableNames"] == [outputs["MeterTable"]]
    delete_stack("shop", [])


@pytest.mark.parametrize("others", [False, True])
def test_the_role_of_the_gateways_logs_stays_where_another_api_uses_it(outputs: dict[str, str], others: bool) -> None:
    iam, gateway = boto3.client("iam"), boto3.client("apigateway")
    role = iam.create_role(RoleName="shop-ApiLogRole-1", AssumeRolePolicyDocument="{}")["Role"]
    change = {"op": "replace", "path": "/cloudwatchRoleArn", "value": role["Arn"]}
    gateway.update_account(patchOperations=[change])
    if others:
        gateway.create_rest_api(name="other")
    delete_data([Leftover("ApiLogRole", "AWS::IAM::Role", "shop-ApiLogRole-1")])
    assert [item["RoleName"] for item in iam.list_roles()["Roles"]] == ["shop-ApiLogRole-1"] * others


def test_what_the_parameters_leave_out_leaves_the_built_template(template: LocalTemplate, tmp_path: Path) -> None:
    """CloudFormation refuses a template with a type that the region lacks, whatever its condition."""
    built = tmp_path / "template.yaml"
    built.write_text(json.dumps(template.plain), "utf-8")
    write_built(built, {"GpuEndpoint": "async"}, Rollout(), "now")
    left = json.loads(built.read_text("utf-8"))
    kinds = {item["Type"] for item in left["Resources"].values()}
    assert "AWS::SageMaker::Endpoint" in kinds
    assert kinds.isdisjoint({"AWS::Budgets::Budget", "AWS::CloudFront::Distribution"})
    assert dangling_references(left) == []
    assert {"EndpointRole", "Api", "MeterTable"} <= left["Resources"].keys()
    assert "Fn::If" not in json.dumps(left["Resources"])


@pytest.mark.parametrize("partition", boto3.session.Session().get_available_partitions())
def test_every_partitions_registry_may_hold_the_endpoints_container(template: LocalTemplate, partition: str) -> None:
    region = boto3.session.Session().get_available_regions("ec2", partition)[0]
    address = str(boto3.client("ecr", region_name=region).meta.endpoint_url)
    image = f"111122223333.dkr.{address.removeprefix('https://').removeprefix('api.')}/cutline-endpoint:1.0"
    assert re.search(template.plain["Parameters"]["EndpointImage"]["AllowedPattern"], image)
    assert set(template.plain["Mappings"]) == {"SmokeTimes"}  # none of partitions, which grow
