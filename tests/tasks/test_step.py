"""One state's run: its errors as the state machine reads them, and the metrics that alarms look at."""

import json
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Metrics

from cutline.contracts.task_record import TaskOptions, TaskRecord
from cutline.errors import AccessRefused, InputRefused, MattingError, Reason, ServiceFault
from cutline.pipeline.options import CutOptions
from cutline.tasks.step import StepCrowded, StepFailed, StepRefused, run_step
from cutline.tasks.task import Task, WorkOrder


def run(error: Exception | None) -> None:
    def work(step: Any) -> None:
        if error is not None:
            raise error

    run_step("prepare", "id", work, Logger(service="test"), Metrics(namespace="Cutline", service="prepare"))


def counted(capsys: pytest.CaptureFixture[str]) -> set[str]:
    """The metrics whose only dimension is the service."""
    found = set()
    for line in capsys.readouterr().out.splitlines():
        document = json.loads(line)
        for directive in document.get("_aws", {}).get("CloudWatchMetrics", []):
            if directive["Dimensions"] == [["service"]]:
                found |= {metric["Name"] for metric in directive["Metrics"]}
    return found


def test_a_step_that_works_counts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    run(None)
    assert counted(capsys) == set()


@pytest.mark.parametrize(
    ("error", "raised", "metric"),
    [
        (InputRefused(Reason.IMAGE_CORRUPT, "cut off"), StepRefused, "Refusals"),
        (InputRefused(Reason.URL_UNREACHABLE, "no callback", retry=True), StepFailed, "Refusals"),
        (AccessRefused(Reason.RATE_EXCEEDED), StepCrowded, "Refusals"),
        (ServiceFault(Reason.OVERLOADED), StepFailed, "Faults"),
        (ServiceFault(Reason.TIMED_OUT), StepRefused, "Faults"),
        (ServiceFault(Reason.STORE_FAILED, retry=False), StepRefused, "Faults"),
        (KeyError("bug"), KeyError, "Faults"),
    ],
)
def test_a_failed_step_is_named_for_the_state_machine_and_counted_for_the_alarms(
    capsys: pytest.CaptureFixture[str], error: Exception, raised: type[Exception], metric: str
) -> None:
    with pytest.raises(raised) as failure:
        run(error)
    assert failure.type is raised
    if isinstance(error, MattingError):
        assert str(failure.value) == str(error.reason)
    assert counted(capsys) == {metric}


def test_the_line_of_a_step_names_the_api_that_is_charged(capsys: pytest.CaptureFixture[str]) -> None:
    record = TaskRecord("id", "shop", 0, 1, None, None, TaskOptions("id"))
    order = WorkOrder(CutOptions(), "2026-01-01", "id", 0, "", api="ail")
    metrics = Metrics(namespace="Cutline", service="prepare")
    run_step("prepare", "id", lambda step: step.works_on(Task(record, order)), Logger(service="line"), metrics)
    line = json.loads(capsys.readouterr().out)
    assert (line["account_id"], line["api"]) == ("shop", "ail")
