"""`cutline doctor`: every check in order, as a warning and as a failure, by AWS's own models and no network."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from cutline.commands import main
from cutline.commands.doctor_checks import (
    AWS_CHECKS,
    DEFAULTS,
    LOCAL_CHECKS,
    NOT_OFFERED,
    Check,
    Plan,
    Verdict,
    gateway_logs,
    gpu_quota,
    lambda_quota,
    layers,
    networks,
    partition,
    resource_types,
    results_key,
    run,
    stack,
    stack_name,
)
from devkit.running import ROOT
from tests.support.stubbed_aws import REGION, Aws
from tests.support.template import whole_template
from tools.lint_template import OPTIONS, missing_types, regions

OK, WARNING, FAILURE = Verdict


def found(check: Check, aws: Aws, root: Path = ROOT, name: str = "cutline", **said: Any) -> list[tuple[Verdict, str]]:
    return [(item.verdict, item.text) for item in run(check, Plan(name, REGION, root, said), aws)]


def test_the_defaults_are_the_templates() -> None:
    declared = whole_template().plain["Parameters"]
    assert {name: str(declared[name]["Default"]) for name in DEFAULTS} == dict(DEFAULTS)


@pytest.mark.parametrize(
    ("name", "verdict"), [("cutline", OK), ("s" * 128, OK), ("s" * 129, FAILURE), ("1shop", FAILURE), ("a_b", FAILURE)]
)
def test_a_name_that_cloudformation_refuses_is_a_failure(aws: Aws, name: str, verdict: Verdict) -> None:
    assert [item[0] for item in found(stack_name, aws, name=name)] == [verdict]


def test_layers_have_to_be_built_for_the_architecture(aws: Aws, tmp_path: Path) -> None:
    ((verdict, text),) = found(layers, aws, tmp_path)
    assert (verdict, "MACHINE=aarch64 sam build" in text) == (WARNING, True)
    built = tmp_path / ".aws-sam" / "build" / "RuntimeLayer" / "machine"
    built.parent.mkdir(parents=True)
    built.write_text("aarch64\n", "utf-8")
    assert found(layers, aws, tmp_path)[0][0] is OK
    ((verdict, text),) = found(layers, aws, tmp_path, Architecture="x86_64")
    assert (verdict, "MACHINE=x86_64 sam build" in text) == (FAILURE, True)


def test_a_network_has_an_entry_and_a_file_that_fits_into_the_layer(aws: Aws, tmp_path: Path) -> None:
    assert found(networks, aws) == [(OK, "Model=matte")]
    folder = tmp_path / "layers" / "model"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "layers" / "model" / "models.toml", folder)
    (folder / "isnet.onnx").touch()
    ((verdict, text),) = found(networks, aws, tmp_path, Model="birefnet")
    assert (verdict, text.endswith("has no such network; it has matte, fine, isnet")) == (FAILURE, True)
    endpoint = {"GpuEndpoint": "async", "EndpointModel": "costume"}
    assert [verdict for verdict, _ in found(networks, aws, tmp_path, Model="isnet", **endpoint)] == [OK, FAILURE]
    assert "matte.onnx is missing" in found(networks, aws, tmp_path)[0][1]
    os.truncate(folder / "isnet.onnx", 120_000_000)
    assert "too large for the functions" in found(networks, aws, tmp_path, Model="isnet")[0][1]


@pytest.mark.parametrize(
    ("region", "arn", "said", "verdicts"),
    [
        (REGION, "arn:aws:iam::1:user/x", {}, [OK]),
        (REGION, "arn:aws-cn:iam::1:user/x", {}, [FAILURE]),
        ("cn-north-1", "arn:aws-cn:iam::1:user/x", {}, [OK, WARNING]),
        (REGION, "arn:aws:iam::1:user/x", {"CertificateArn": "arn:aws:acm:us-east-1:1:certificate/1"}, [OK, FAILURE]),
        (REGION, "arn:aws:iam::1:user/x", {"CertificateArn": f"arn:aws:acm:{REGION}:1:certificate/1"}, [OK]),
    ],
)
def test_the_partition_is_the_credentials_own(
    region: str, arn: str, said: dict[str, Any], verdicts: list[Verdict]
) -> None:
    aws = Aws(region)
    aws.says("sts", "get_caller_identity", {"Arn": arn, "Account": "1", "UserId": "x"})
    assert [item[0] for item in found(partition, aws, **said)] == verdicts
    aws.close()


@pytest.mark.parametrize(
    ("region", "said", "verdict"),
    [
        ("eu-north-1", {}, OK),
        ("eu-north-1", {"BudgetUsd": "100"}, FAILURE),
        ("eu-central-1", {"BudgetUsd": "100", "ResultsCdn": "cloudfront", "GpuEndpoint": "async"}, OK),
        ("us-gov-west-1", {"ResultsCdn": "cloudfront"}, FAILURE),
        ("cn-north-1", {"ResultsCdn": "cloudfront"}, FAILURE),
        ("me-central-1", {"GpuEndpoint": "realtime"}, FAILURE),
    ],
)
def test_options_that_a_region_does_not_have_are_named(region: str, said: dict[str, str], verdict: Verdict) -> None:
    (finding,) = resource_types(Plan("cutline", region, ROOT, said), lambda name: None)
    assert finding.verdict is verdict


def test_the_regions_without_a_type_are_those_of_the_published_schemas() -> None:
    plain = whole_template().plain
    lacking: dict[str, set[str]] = {}
    for region in regions():
        for kind in missing_types(plain, region):
            lacking.setdefault(kind, set()).add(region)
    assert {kind: where for kind, (_, _, where) in NOT_OFFERED.items()} == {
        kind: where for kind, where in lacking.items() if kind in NOT_OFFERED
    }
    assert {OPTIONS[kind] for kind in lacking} == {(name, off) for name, off, _ in NOT_OFFERED.values()}


@pytest.mark.parametrize(
    ("state", "verdict", "cure"),
    [
        ("CREATE_COMPLETE", OK, "is in"),
        ("UPDATE_ROLLBACK_COMPLETE", OK, "is in"),
        ("ROLLBACK_COMPLETE", FAILURE, 'make destroy DESTROY="--stack cutline --data"'),
        ("UPDATE_IN_PROGRESS", FAILURE, "wait"),
        ("UPDATE_ROLLBACK_FAILED", FAILURE, "continue-update-rollback"),
    ],
)
def test_a_stack_that_takes_no_update_is_a_failure(aws: Aws, state: str, verdict: Verdict, cure: str) -> None:
    aws.has("cutline", state=state)
    aws.has("")
    first, second = found(stack, aws)
    assert first[0] is verdict
    assert cure in first[1]
    assert second == (OK, "aws-sam-cli-managed-default will be created by sam deploy (resolve_s3)")


def test_a_bucket_that_was_deleted_is_a_failure(aws: Aws) -> None:
    aws.has("", "aws-sam-cli-managed-default", Outputs=[{"OutputKey": "SourceBucket", "OutputValue": "sam"}])
    aws.refuses("s3", "head_bucket", "404")
    assert [item[0] for item in found(stack, aws)] == [OK, OK, FAILURE]


@pytest.mark.parametrize(
    ("quota", "free", "said", "held", "verdict", "words"),
    [
        (10, 10, {}, None, WARNING, "10 concurrent executions"),
        (1000, 1000, {}, None, OK, "0 of them reserved"),
        (1000, 1000, {"SyncConcurrency": "20"}, None, OK, "80 of them reserved"),
        (10, 10, {"SyncConcurrency": "20"}, None, FAILURE, "quota of 180"),
        (1000, 150, {"SyncConcurrency": "20"}, None, FAILURE, "quota of 1030"),
        # Its own reservation is given back by the update.
        (1000, 150, {"SyncConcurrency": "20"}, "20", OK, "80 of them reserved"),
    ],
)
def test_what_is_reserved_has_to_fit_into_the_quota(
    aws: Aws, quota: int, free: int, said: dict[str, Any], held: str | None, verdict: Verdict, words: str
) -> None:
    limits = {"ConcurrentExecutions": quota, "UnreservedConcurrentExecutions": free}
    aws.says("lambda", "get_account_settings", {"AccountLimit": limits})
    if held is None:
        aws.has("")
    else:
        aws.has("cutline", Parameters=[{"ParameterKey": "SyncConcurrency", "ParameterValue": held}])
    ((reported, text),) = found(lambda_quota, aws, LambdaQuota=str(quota), **said)
    assert (reported, words in text) == (verdict, True), text


@pytest.mark.parametrize(
    ("quota", "said", "words"), [(1000, {}, "when no calls are"), (10, {"LambdaQuota": "500"}, "late")]
)
def test_an_alarm_on_another_quota_than_the_regions_is_a_warning(
    aws: Aws, quota: int, said: dict[str, Any], words: str
) -> None:
    limits = {"ConcurrentExecutions": quota, "UnreservedConcurrentExecutions": quota}
    aws.says("lambda", "get_account_settings", {"AccountLimit": limits})
    aws.has("")
    _, (verdict, text) = found(lambda_quota, aws, **said)
    assert (verdict, f"is {quota}" in text, words in text) == (WARNING, True, True), text


@pytest.mark.parametrize(
    ("said", "verdicts"),
    [
        ({}, []),
        ({"ResultsCdn": "cloudfront"}, [WARNING]),
        ({"ResultsCdn": "cloudfront", "ResultsKeyB": "x"}, [OK]),
    ],
)
def test_a_distribution_without_a_key_is_a_warning(aws: Aws, said: dict[str, Any], verdicts: list[Verdict]) -> None:
    assert [item[0] for item in found(results_key, aws, **said)] == verdicts


def test_memory_that_new_accounts_do_not_get_is_a_warning(aws: Aws) -> None:
    limits = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}
    aws.says("lambda", "get_account_settings", {"AccountLimit": limits})
    aws.has("")
    assert [item[0] for item in found(lambda_quota, aws, LambdaQuota="1000", SyncMemoryMb="4096")] == [OK, WARNING]


@pytest.mark.parametrize(
    ("role", "said", "verdict"),
    [
        ("", "set", OK),
        ("", "keep", FAILURE),
        ("arn:aws:iam::1:role/cutline-ApiLogRole-1", "set", OK),
        ("arn:aws:iam::1:role/other", "set", WARNING),
        ("arn:aws:iam::1:role/other", "keep", OK),
    ],
)
def test_the_regions_role_for_logs_is_neither_missed_nor_replaced_unseen(
    aws: Aws, role: str, said: str, verdict: Verdict
) -> None:
    aws.says("apigateway", "get_account", {"cloudwatchRoleArn": role} if role else {})
    assert [item[0] for item in found(gateway_logs, aws, ApiLogging=said)] == [verdict]


@pytest.mark.parametrize(("value", "verdict"), [(None, FAILURE), (0.0, FAILURE), (1.0, WARNING), (2.0, OK)])
def test_a_gpu_needs_a_quota(aws: Aws, value: float | None, verdict: Verdict) -> None:
    quotas = [{"QuotaName": "ml.g5.xlarge for endpoint usage", "Value": 9.0}]
    if value is not None:
        quotas.append({"QuotaName": "ml.g4dn.xlarge for endpoint usage", "Value": value})
    aws.says("service-quotas", "list_service_quotas", {"Quotas": quotas})
    image = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/cutline-endpoint:1"
    assert [item[0] for item in found(gpu_quota, aws, GpuEndpoint="async", EndpointImage=image)] == [verdict]
    assert found(gpu_quota, aws) == [], "not asked without an endpoint"


def test_an_image_of_another_region_is_a_failure(aws: Aws) -> None:
    quotas = [{"QuotaName": "ml.g4dn.xlarge for endpoint usage", "Value": 2.0}]
    aws.says("service-quotas", "list_service_quotas", {"Quotas": quotas})
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/cutline-endpoint:1"
    assert [item[0] for item in found(gpu_quota, aws, GpuEndpoint="async", EndpointImage=image)] == [OK, FAILURE]


def test_what_may_not_be_asked_is_a_warning(aws: Aws) -> None:
    aws.refuses("apigateway", "get_account", "AccessDeniedException")
    ((verdict, text),) = found(gateway_logs, aws)
    assert verdict is WARNING
    assert "AccessDenied" in text


def test_every_check_is_run() -> None:
    assert {*LOCAL_CHECKS, *AWS_CHECKS} == {
        stack_name,
        layers,
        networks,
        results_key,
        partition,
        resource_types,
        stack,
        lambda_quota,
        gateway_logs,
        gpu_quota,
    }


@pytest.fixture
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a samconfig.toml, on a machine without credentials."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_credentials_nothing_else_is_asked(isolated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--region", REGION]) == 1
    reported = capsys.readouterr()
    assert [line.split()[0] for line in reported.out.splitlines()] == ["warning", "ok", "warning", "ok", "FAILURE"]
    assert "aws configure" in reported.out.splitlines()[-1]
    assert reported.err == "cutline: 1 problem to fix before a deployment\n"


@pytest.mark.parametrize(
    ("region", "words"),
    [("", "set region in samconfig.toml"), ("atlantis", "atlantis"), ("eu-west-99", "check the spelling")],
)
def test_a_region_is_needed_and_known(
    isolated: Path, capsys: pytest.CaptureFixture[str], region: str, words: str
) -> None:
    assert main(["doctor", "--region", region]) == 1
    assert words in capsys.readouterr().out


def test_the_file_says_what_goes_where(isolated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = isolated / "samconfig.toml"
    config.write_text(
        '[default.global.parameters]\nstack_name = "no_name"\nregion = "eu-central-1"\n'
        '[default.deploy.parameters]\nparameter_overrides = ["Architecture=x86_64"]\n',
        "utf-8",
    )
    assert main(["doctor"]) == 1
    reported = capsys.readouterr().out
    assert "FAILURE  stack name    'no_name'" in reported
    assert "MACHINE=x86_64" in reported
    config.write_text("= no toml", "utf-8")
    assert main(["doctor"]) == 1
    assert "cannot read" in capsys.readouterr().err


def test_a_profile_that_is_not_there_is_reported(isolated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--profile", "missing"]) == 1
    assert "missing" in capsys.readouterr().out
