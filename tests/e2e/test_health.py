"""`cutline health` in the local cloud: every part answers, a broken one is named, and no route leads to it."""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from cutline.commands import main
from devkit.faulty import FaultyCloud
from devkit.running import ROOT, RunningCloud, running_cloud
from localcloud.aws_account import credentials_environment
from tests.support.template import api_document, whole_template

PARTS = {
    *("network matte", "network costume", "accounts table", "meter table", "tasks table", "input bucket"),
    *("output bucket", "link secret", "accounts key", "queue of tasks", "queue of drops", "queue of callbacks"),
    *("queue of undelivered tasks", "queue of undelivered drops", "queue of undelivered callbacks"),
}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyCloud]:
    state = tmp_path_factory.mktemp("health")
    with running_cloud(state) as running:
        yield FaultyCloud(running, state / "faults.json")


@pytest.fixture
def operator(healthy: FaultyCloud, monkeypatch: pytest.MonkeyPatch) -> RunningCloud:
    for name, value in credentials_environment(healthy.running.port).items():
        monkeypatch.setenv(name, value)
    return healthy.running


def health(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any], str]:
    """The command's status, what it printed as JSON, and its message."""
    status = main(["health", "--json"])
    printed = capsys.readouterr()
    return status, json.loads(printed.out), printed.err


def test_every_part_is_tried_and_works(operator: RunningCloud, capsys: pytest.CaptureFixture[str]) -> None:
    status, found, message = health(capsys)
    assert {name: part["detail"] for name, part in found["parts"].items() if not part["ok"]} == {}
    assert (status, found["status"], message) == (0, 200, "")
    assert set(found["parts"]) == PARTS
    assert found["oldest_task_s"] is None, "no CloudWatch here"
    assert [layer.partition(":")[0] for layer in found["layers"]] == ["RuntimeLayer", "CutlineLayer", "ModelLayer"]
    assert main(["health"]) == 0
    assert capsys.readouterr().out.count("\nok ") == len(PARTS)
    log = (operator.log_dir / "HealthFunction.log").read_text("utf-8")
    secret = operator.client("secretsmanager").get_secret_value(SecretId=operator.resources["LinkSecret"])
    for hidden in (secret["SecretString"], operator.resources["AccountsTable"], operator.resources["OutputBucket"]):
        assert hidden not in json.dumps(found) and hidden not in log


@pytest.mark.parametrize(
    ("fault", "how", "broken"),
    [
        ("dynamodb:GetItem", {"error": "ResourceNotFoundException"}, {"accounts table", "meter table", "tasks table"}),
        ("s3:PUT", {"error": "AccessDenied", "status": 403, "path": "/t/.health"}, {"input bucket"}),
        ("s3:GET", {"error": "InternalError", "status": 500, "path": "/i/.health"}, {"output bucket"}),
        ("secretsmanager:GetSecretValue", {"error": "DecryptionFailure"}, {"link secret"}),
        ("kms:DescribeKey", {"error": "NotFoundException"}, {"accounts key"}),
        ("sqs:GetQueueAttributes", {"error": "QueueDoesNotExist"}, {part for part in PARTS if "queue" in part}),
    ],
)
def test_a_broken_part_is_named(
    healthy: FaultyCloud,
    operator: RunningCloud,
    capsys: pytest.CaptureFixture[str],
    fault: str,
    how: Any,
    broken: set[str],
) -> None:
    with healthy.fault(fault, **how):
        status, found, message = health(capsys)
    assert {name for name, part in found["parts"].items() if not part["ok"]} == broken
    assert all(how["error"] in found["parts"][name]["detail"] for name in broken)
    assert (status, found["status"]) == (1, 503)
    assert all(name in message for name in broken)


def test_a_dead_letter_and_a_network_that_is_missing_are_named(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path_factory.mktemp("ill")
    shutil.copytree(ROOT / "functions", state / "functions")
    shutil.copytree(ROOT / "layers", state / "layers", ignore=shutil.ignore_patterns("costume.onnx"))
    shutil.copy(ROOT / "template.yaml", state)
    with running_cloud(state, f"--template={state / 'template.yaml'}", "--parameter=Model=fine") as running:
        for name, value in credentials_environment(running.port).items():
            monkeypatch.setenv(name, value)
        running.client("sqs").send_message(QueueUrl=running.resources["IntakeDeadLetters"], MessageBody="{}")
        status, found, _ = health(capsys)
    ill = {name: part["detail"] for name, part in found["parts"].items() if not part["ok"]}
    assert ill == {"network costume": "model_failed", "queue of undelivered drops": "1 waiting, 0 taken"}
    assert status == 1 and found["parts"]["network fine"]["ok"]


def test_no_route_leads_to_it() -> None:
    assert "HealthFunction" not in json.dumps(api_document(whole_template().plain["Resources"])["paths"])
