"""Releases behind an alias: what SAM makes of the built template, and what it does not touch."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
import snapshot_restore_py

import cutline.bootstrap  # noqa: F401 (it registers for the event of a restored snapshot)
from devkit.running import ROOT
from localcloud.stack.template import load_template
from tests.support.template import of_type
from tests.support.untraced import untraced
from tools.deploy import write_built
from tools.lint_template import ASKED_NO_MORE, dangling_references, lint
from tools.rollout import ERRORS_ALARM, BadRollout, Rollout, rollout_of

API = {"Cutout", "Selfie", "Tasks", "Costume", "Uploads", "Links", "Mend", "Usage", "Site"}
CANARY = Rollout(canary="Canary10Percent10Minutes")


def transformed(folder: Path, rollout: Rollout, release: str) -> dict[str, Any]:
    """template.yaml, rolled out and then through SAM."""
    for name in ("functions", "layers"):
        (folder / name).symlink_to(ROOT / name)
    built = folder / "template.yaml"
    built.write_text((ROOT / "template.yaml").read_text("utf-8"), "utf-8")
    write_built(built, {}, rollout, release)
    json.loads(built.read_text("utf-8"))
    return load_template(built, {}).plain


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        return transformed(tmp_path_factory.mktemp("built"), CANARY, "one")


def config(folder: Path, text: str) -> Path:
    path = folder / "samconfig.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_api_calls_aliases_and_nothing_else_does(plain: dict[str, Any]) -> None:
    resources = plain["Resources"]
    aliases = of_type(resources, "AWS::Lambda::Alias")
    assert set(aliases) == {f"{name}FunctionAliaslive" for name in API}
    (api,) = of_type(resources, "AWS::ApiGateway::RestApi").values()
    called = json.dumps(api["Body"]["paths"])
    assert "FunctionAliaslive}" in called
    assert "Function.Arn}" not in called
    elsewhere = {name: item for name, item in resources.items() if item["Type"].startswith(("AWS::Step", "AWS::SQS"))}
    assert "Alias" not in json.dumps(elsewhere)


def test_a_release_comes_by_and_by_and_alarms_take_it_back(plain: dict[str, Any]) -> None:
    groups = of_type(plain["Resources"], "AWS::CodeDeploy::DeploymentGroup")
    assert len(groups) == len(API)
    for name, group in groups.items():
        own = f"{name.removesuffix('FunctionDeploymentGroup')}FaultsAlarm"
        wanted = [alarm for alarm in (ERRORS_ALARM, own) if alarm in plain["Resources"]]
        assert len(wanted) == (1 if name.startswith("Site") else 2), name
        assert "Canary10Percent10Minutes" in json.dumps(group["DeploymentConfigName"])
        assert [alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]] == wanted
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]


@pytest.mark.slow
def test_it_is_what_cloudformation_takes(plain: dict[str, Any]) -> None:
    assert dangling_references(plain) == []
    assert untraced(lint)(plain, ["us-east-1"], ASKED_NO_MORE) == []


def test_every_release_is_a_version_and_a_change_of_its_function(plain: dict[str, Any], tmp_path: Path) -> None:
    """Though neither code nor parameters differ: Lambda publishes no version of what it has published before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        other = transformed(tmp_path, CANARY, "two")
    first, second = (set(of_type(item["Resources"], "AWS::Lambda::Version")) for item in (plain, other))
    assert len(first) == len(second) == len(API)
    assert not first & second
    for name in API:
        variables = [
            item["Resources"][f"{name}Function"]["Properties"]["Environment"]["Variables"] for item in (plain, other)
        ]
        assert [found.pop("RELEASE") for found in variables] == ["one", "two"]
        assert variables[0] == variables[1]


def test_sandboxes_are_provisioned_where_they_are_asked_for(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        plain = transformed(tmp_path, Rollout(provisioned={"CutoutFunction": 3}), "one")
    aliases = of_type(plain["Resources"], "AWS::Lambda::Alias")
    warm = {name for name, alias in aliases.items() if "ProvisionedConcurrencyConfig" in alias}
    assert warm == {"CutoutFunctionAliaslive"}
    assert "AllAtOnce" in json.dumps(of_type(plain["Resources"], "AWS::CodeDeploy::DeploymentGroup"))


def test_sandboxes_of_one_snapshot_draw_different_numbers() -> None:
    drawn = set()
    for _ in range(3):
        random.seed(1)  # the state that the snapshot has
        for hook, arguments, named in snapshot_restore_py.get_after_restore():
            hook(*arguments, **named)
        drawn.add(random.random())
    assert len(drawn) == 3


def test_what_samconfig_says(tmp_path: Path) -> None:
    assert not rollout_of(config(tmp_path, 'version = 0.1\n[default.deploy.parameters]\ncapabilities = "x"\n'))
    section = "[default.rollout.parameters]\n"
    wanted = rollout_of(config(tmp_path, f'{section}canary = "AllAtOnce"\nprovisioned = {{ CutoutFunction = 5 }}\n'))
    assert wanted == Rollout("AllAtOnce", {"CutoutFunction": 5})
    assert not rollout_of(ROOT / "samconfig.toml.example"), "off by default"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ('canary = "Canary50Percent"', "canary is one of"),
        ("colour = 1", "has no colour"),
        ("snapstart = true\nprovisioned = { CutoutFunction = 1 }", "no SnapStart"),
    ],
)
def test_what_cannot_be_is_reported(tmp_path: Path, wrong: str, said: str) -> None:
    with pytest.raises(BadRollout, match=said):
        rollout_of(config(tmp_path, f"[default.rollout.parameters]\n{wrong}\n"))


def test_only_the_apis_functions_are_provisioned(tmp_path: Path) -> None:
    built = config(tmp_path, (ROOT / "template.yaml").read_text("utf-8"))
    with pytest.raises(BadRollout, match="WorkerFunction cannot be provisioned"):
        write_built(built, {}, Rollout(provisioned={"WorkerFunction": 1}), "one")
