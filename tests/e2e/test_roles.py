"""Judged last, and only where all tests of this folder ran: the roles permit what was needed and no more.

Those of the functions and the state machine's.

The local cloud refuses what a role does not permit, so a missing permission fails the tests themselves too.
"""

import json
from pathlib import Path

import pytest

from tests.support.judged import Judge

# In a run with workers the first of these waits for the last of the others.
pytestmark = pytest.mark.timeout(1000)

# Grants that no test of this folder uses, and why they are needed all the same.
_FORGETS = "gives the key of a failed call free; the other APIs' tests run the same lines"
_UNCLEAR = "looks whether an answer was kept whose write was not answered; tests/charging runs these lines"
_FULL = "asks for places given back where a quota is used up; the other APIs' tests run the same lines"
_RETRY = "looks at a task that an earlier try of the step has ended"
_LONG = "only answers too long for the table are kept there; remove.bg's tests run the same lines"
_FORMAT = "the tests here mend a PNG; the same lines read the other formats"
_DETOUR = "only where there is a GPU endpoint; the chaos tests run it"
EXCUSED = {
    "CallBackFunction ReadResults s3:GetObject OutputBucket/r/*": "carries base64 back to who asked for return_type 2",
    "CostumeFunction KeepAnswers s3:GetObject OutputBucket/i/*": _LONG,
    "CostumeFunction KeepAnswers s3:PutObject OutputBucket/i/*": _LONG,
    "MendFunction KeepAnswers s3:GetObject OutputBucket/i/*": _LONG,
    "MendFunction KeepAnswers s3:PutObject OutputBucket/i/*": _LONG,
    "LinksFunction ReadResults s3:GetObject OutputBucket/m/*.avif": _FORMAT,
    "LinksFunction ReadResults s3:GetObject OutputBucket/m/*.jpg": _FORMAT,
    "LinksFunction ReadResults s3:GetObject OutputBucket/m/*.webp": _FORMAT,
    "CostumeFunction IdempotencyKeys dynamodb:DeleteItem table/MeterTable": _FORGETS,
    "CostumeFunction IdempotencyKeys dynamodb:GetItem table/MeterTable": _UNCLEAR,
    "CutoutFunction IdempotencyKeys dynamodb:GetItem table/MeterTable": _UNCLEAR,
    "SelfieFunction IdempotencyKeys dynamodb:GetItem table/MeterTable": _UNCLEAR,
    "MendFunction IdempotencyKeys dynamodb:GetItem table/MeterTable": _UNCLEAR,
    "MendFunction PlacesGivenBack dynamodb:Query table/MeterTable": _FULL,
    "SelfieFunction IdempotencyKeys dynamodb:DeleteItem table/MeterTable": _FORGETS,
    "FailFunction TaskRecords dynamodb:GetItem table/TasksTable": _RETRY,
    "MatteOnCpuFunction AdvanceTasks dynamodb:UpdateItem table/TasksTable": _DETOUR,
    "MatteOnCpuFunction WorkFiles s3:GetObject InputBucket/t/*": _DETOUR,
    "MatteOnCpuFunction WorkFiles s3:PutObject InputBucket/t/*": _DETOUR,
    "TaskFlow RunSteps lambda:InvokeFunction function:MatteOnCpuFunction": _DETOUR,
    "WorkerFunction AnswerSteps states:SendTaskFailure TaskFlow": _DETOUR,
}


def lines_of(judge: Judge, name: str) -> set[str]:
    """What the product's clouds of this run wrote down in this file of their state folders."""
    files = [folder / name for folder in judge.clouds() if _is_ours(folder) and (folder / name).exists()]
    return {line for file in files for line in _lines(file)}


def _is_ours(folder: Path) -> bool:
    """Whether the product ran there as this folder's tests run it: no toy template, GPU endpoint or restored tables."""
    file = folder / "resources.json"
    resources = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return {"TaskFlow", "MeterTable"} <= resources.keys() and "MatteEndpoint" not in resources


def _lines(file: Path) -> list[str]:
    text = file.read_text("utf-8")
    return list(json.loads(text)) if file.suffix == ".json" else text.splitlines()


def test_no_function_needed_what_its_role_does_not_permit(judge: Judge) -> None:
    assert lines_of(judge, "denied.txt") == set()


def test_no_role_permits_what_its_function_never_needed(judge: Judge) -> None:
    granted, used = lines_of(judge, "granted.json"), lines_of(judge, "used.txt")
    assert len(granted) > 50
    assert sorted(granted - used - EXCUSED.keys()) == []


def test_the_state_machines_role_is_among_those_judged(judge: Judge) -> None:
    steps = {line.rpartition(":")[2] for line in lines_of(judge, "used.txt") if line.startswith("TaskFlow RunSteps ")}
    assert {"PrepareFunction", "FinishFunction", "FailFunction"} <= steps
    assert [line for line in lines_of(judge, "used.txt") if line.startswith("TaskFlow CallWorkers sqs:SendMessage")]


def test_every_excuse_is_for_a_grant_that_there_is(judge: Judge) -> None:
    assert EXCUSED.keys() <= lines_of(judge, "granted.json")
