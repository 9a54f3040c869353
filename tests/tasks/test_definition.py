"""The state machine's definition, read as a graph."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cutline.tasks.queue import ENDPOINT_AWAY, TIMED_OUT, UNDELIVERED
from cutline.tasks.step import StepCrowded, StepFailed, StepRefused
from cutline.tasks.task import PENDING_S
from localcloud.stack.short_forms import parse_yaml

ROOT = Path(__file__).parents[2]
DEFINITION = json.loads((ROOT / "functions" / "flow" / "flow.asl.json").read_text("utf-8"))
STATES: dict[str, dict[str, Any]] = DEFINITION["States"]
TASKS = sorted(name for name, state in STATES.items() if state["Type"] == "Task")
# Entering a state is one transition, which is what Step Functions bills: two thirds of a task's cost.
TRANSITIONS = 3


def following(state: dict[str, Any]) -> set[str]:
    found = {state[key] for key in ("Next", "Default") if key in state}
    return found | {way["Next"] for key in ("Choices", "Catch") for way in state.get(key, [])}


def test_every_state_is_reached_and_every_way_leads_somewhere() -> None:
    seen, ahead = set(), {DEFINITION["StartAt"]}
    while ahead:
        name = ahead.pop()
        seen.add(name)
        ahead |= following(STATES[name]) - seen
    assert seen == set(STATES)


@pytest.mark.parametrize("name", TASKS)
def test_every_step_ends_in_time(name: str) -> None:
    assert 0 < STATES[name]["TimeoutSeconds"] <= 36000


@pytest.mark.parametrize("name", [name for name in TASKS if name != "Fail"])
def test_every_error_of_a_step_fails_the_task(name: str) -> None:
    assert STATES[name]["Catch"][-1]["ErrorEquals"] == ["States.ALL"]
    assert STATES[name]["Catch"][-1]["Next"] == "Fail"


def test_the_definition_names_errors_that_the_code_raises() -> None:
    own = {ENDPOINT_AWAY, UNDELIVERED, StepRefused.__name__, StepFailed.__name__, StepCrowded.__name__}
    named = {
        name
        for state in STATES.values()
        for rule in (*state.get("Retry", []), *state.get("Catch", []))
        for name in rule["ErrorEquals"]
    }
    assert {name for name in named if "." not in name} <= own
    assert {ENDPOINT_AWAY, UNDELIVERED, StepRefused.__name__} <= named


@pytest.mark.parametrize("name", ["Prepare", "MatteOnCpu", "Finish"])
def test_a_refused_step_is_not_tried_again(name: str) -> None:
    first = STATES[name]["Retry"][0]
    assert StepRefused.__name__ in first["ErrorEquals"] and first["MaxAttempts"] == 0


def test_a_step_without_capacity_is_retried_for_minutes() -> None:
    (rule,) = [rule for rule in STATES["Prepare"]["Retry"] if StepCrowded.__name__ in rule["ErrorEquals"]]
    waits = [min(rule["IntervalSeconds"] * rule["BackoffRate"] ** n, rule["MaxDelaySeconds"]) for n in range(30)]
    assert rule["MaxAttempts"] == 30 and sum(waits) / 2 > 600, "half of it, with full jitter"


def test_a_picture_that_outlasts_its_preparation_is_not_tried_again() -> None:
    assert "Sandbox.Timedout" in STATES["Prepare"]["Retry"][0]["ErrorEquals"]


def test_an_endpoint_that_is_away_a_dead_letter_and_a_lost_message_lead_to_the_cpu() -> None:
    detour = STATES["Matte"]["Catch"][0]
    assert (set(detour["ErrorEquals"]), detour["Next"]) == ({ENDPOINT_AWAY, UNDELIVERED, TIMED_OUT}, "MatteOnCpu")


def test_a_lost_message_is_noticed_while_its_task_can_still_be_worked() -> None:
    """The reservation is held, and the working files are kept, for longer than all steps may take."""
    assert sum(STATES[name]["TimeoutSeconds"] for name in TASKS) < PENDING_S - 3600


def test_a_task_that_succeeds_takes_three_transitions() -> None:
    name, count = DEFINITION["StartAt"], 1
    while "Next" in STATES[name]:
        name, count = STATES[name]["Next"], count + 1
    assert (name, STATES[name]["End"], count) == ("Finish", True, TRANSITIONS)


def test_a_failed_task_ends_in_the_step_that_reports_it() -> None:
    assert STATES["Fail"]["End"] is True


def test_the_template_fills_every_gap_of_the_definition() -> None:
    template = parse_yaml((ROOT / "template.yaml").read_text("utf-8"))
    given = template["Resources"]["TaskFlow"]["Properties"]["DefinitionSubstitutions"]
    assert set(re.findall(r"\$\{(\w+)\}", json.dumps(DEFINITION))) == set(given)


def test_every_step_runs_in_the_stacks_own_partition() -> None:
    """China's is aws-cn, GovCloud's aws-us-gov; a resource of another ends the execution past every Catch."""
    assert all(STATES[name]["Resource"].startswith("arn:${Partition}:states:::") for name in TASKS)
