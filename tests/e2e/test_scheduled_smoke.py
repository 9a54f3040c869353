"""The scheduled smoke in the local cloud: it passes, and with a broken part its metric says so and its alarm rings."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devkit.faulty import FaultyCloud
from devkit.patience import until
from devkit.running import running_cloud
from tests.support.alarms import emitted, ringing
from tests.support.broken import broken_template
from tests.support.operator import operators_command
from tests.support.template import whole_template
from tools.conditions import settled

ON = {"SmokeMinutes": "5"}
OPTION = "--parameter=SmokeMinutes=5"
THROTTLED = {"error": "ThrottlingException"}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyCloud]:
    state = tmp_path_factory.mktemp("smoke")
    with running_cloud(state, OPTION) as running:
        yield FaultyCloud(running, state / "faults.json")


def smoke(cloud: FaultyCloud) -> dict[str, Any]:
    """Send one, as the schedule does."""
    name = cloud.running.resources["SmokeFunction"]
    return dict(json.loads(cloud.running.client("lambda").invoke(FunctionName=name)["Payload"].read()))


def rings(cloud: FaultyCloud) -> bool:
    """Whether SmokeAlarm would ring if every smoke were like the last one."""
    data = [item for item in emitted(cloud.running.log_dir, cloud.running.resources) if item.metric == "SmokePassed"]
    alarm = settled(whole_template().plain, ON)["Resources"]["SmokeAlarm"]
    return bool(ringing({"SmokeAlarm": alarm}, data[-1:], str))


def test_it_rings_without_a_key_and_passes_with_one(watched: FaultyCloud) -> None:
    assert rings(watched), "none was sent yet"
    assert set(smoke(watched)["faults"].values()) == {"the secret has no key: run cutline smoke-key"}
    assert rings(watched)
    for _ in range(2):
        assert "scheduled-smoke has a new key" in operators_command(watched.running)("smoke-key")
        report = smoke(watched)
        assert (report["passed"], set(report["ms"]), report["faults"]) == (True, {"call", "task"}, {})
        assert not rings(watched)
    (credential,) = json.loads(operators_command(watched.running)("account", "show", "scheduled-smoke", "--json"))[
        "credentials"
    ]
    assert credential["kind"] == "api-key"


@pytest.mark.parametrize(
    ("broken", "faults"),
    [
        ({"dynamodb:UpdateItem": THROTTLED, "dynamodb:TransactWriteItems": THROTTLED}, {"call", "task"}),
        ({"s3:GET": {"error": "InternalError", "status": 500, "path": "/r/scheduled-smoke"}}, {"call", "task"}),
        ({"secretsmanager:GetSecretValue": {"error": "DecryptionFailure"}}, {"call", "task"}),
        ({"dynamodb:PutItem": {"error": "InternalServerError", "status": 500}}, {"task"}),
    ],
)
def test_a_broken_part_is_named_and_rings(watched: FaultyCloud, broken: dict[str, Any], faults: set[str]) -> None:
    operators_command(watched.running)("smoke-key")
    watched.faults.write_text(json.dumps(broken), "utf-8")
    report = smoke(watched)
    watched.faults.unlink()
    assert (report["passed"], set(report["faults"])) == (False, faults)
    assert rings(watched)
    # Two runs within a second are more than its account may send.
    until(lambda: smoke(watched)["passed"], every_s=1)
    assert not rings(watched)


def test_a_network_that_is_missing_rings(tmp_path: Path) -> None:
    with running_cloud(tmp_path, OPTION, f"--template={broken_template(tmp_path)}") as running:
        cloud = FaultyCloud(running, tmp_path / "faults.json")
        operators_command(running)("smoke-key")
        report = smoke(cloud)
        assert set(report["faults"]) == {"call"} and set(report["ms"]) == {"task"}
        assert rings(cloud)
