"""`cutline health` by AWS's own models: the age of the oldest task, and a function that fails."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from cutline.commands import main
from cutline.commands.deployment import Deployment
from tests.support.stubbed_aws import Aws

WELL = {"status": 200, "version": "1", "layers": ["RuntimeLayer:1"], "packages": {}, "parts": {}}
QUEUE = "https://sqs.eu-central-1.amazonaws.com/111122223333/cutline-MatteQueue-1"


@pytest.fixture
def answers(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.setattr(Deployment, "_client", lambda self, service, *config: aws(service))

    def say(said: Any, ages: list[float], **more: str) -> None:
        aws.says("lambda", "invoke", {"Payload": io.BytesIO(json.dumps(said).encode()), **more})
        points = [
            {"Timestamp": datetime(2026, 11, 25, 0, 5 * number, tzinfo=UTC), "Maximum": age}
            for number, age in enumerate(ages)
        ]
        if not more:
            aws.says("cloudwatch", "get_metric_statistics", {"Datapoints": points[::-1]})

    return say


@pytest.mark.parametrize(("ages", "status"), [([], 0), ([900, 600], 0), ([1, 601], 1)])
def test_a_task_that_waits_too_long_is_broken(
    answers: Callable[..., None], capsys: pytest.CaptureFixture[str], ages: list[float], status: int
) -> None:
    answers(WELL, ages)
    assert main(["health", "--health-function", "f", "--matte-queue", QUEUE]) == status
    printed = capsys.readouterr()
    assert f"oldest task: {f'{ages[-1]} s' if ages else 'unknown'}" in printed.out
    assert ("broken: age of the oldest task" in printed.err) is bool(status)


def test_a_function_that_fails_is_a_message(answers: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    answers({"errorType": "Runtime.ImportModuleError"}, [], FunctionError="Unhandled")
    assert main(["health", "--health-function", "f", "--matte-queue", QUEUE]) == 1
    assert "Runtime.ImportModuleError" in capsys.readouterr().err
