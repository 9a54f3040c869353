"""The end of a task that cannot be served, and why. Without the pixel libraries, for a quick start."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cutline.accounts.meter import Meter
from cutline.adapters.input_files import InputFiles
from cutline.adapters.result_store import ResultStore
from cutline.contracts import drops, task_record
from cutline.contracts.apis import TASK_APIS
from cutline.errors import Reason
from cutline.tasks.charge import charge, give_back
from cutline.tasks.step import Step, StepCrowded, StepFailed, StepRefused
from cutline.tasks.store import TaskStore
from cutline.tasks.task import Task

Clock = Callable[[], float]
_TIMEOUTS = frozenset({"States.Timeout", "States.HeartbeatTimeout", "Sandbox.Timedout"})
_WITH_REASON = frozenset(step.__name__ for step in (StepFailed, StepRefused, StepCrowded))


@dataclass(frozen=True)
class Fail:
    """The negative states: the reservation goes back and nothing is charged; a drop gets an error file."""

    tasks: TaskStore
    files: InputFiles
    meter: Meter
    results: ResultStore
    note_charge: Callable[[str, int], None]
    clock: Clock = time.time

    def run(self, task_id: str, reason: Reason, step: Step) -> bool:
        """Fail the task; return whether it has a callback, also if an earlier try failed it.

        A task that is done comes here if charging it failed. Then it is charged here.
        """
        with step.stage("fail"):
            state = task_record.STATES.get(reason, task_record.FAILED)
            task = self.tasks.find(task_id)
            if task is None:
                return False
            lifetime_s = TASK_APIS[task.order.api].LINK_LIFETIME_S
            task = self.tasks.fail(task_id, state, int(self.clock()), lifetime_s) or self.tasks.find(task_id) or task
        step.works_on(task)
        if task.record.state == task_record.DONE:
            with step.stage("settle"):
                charge(task, self.meter, self.files, self.note_charge, step)
            return task.has_callback
        with step.stage("release"):
            give_back(task, self.meter, self.files)
        if task.order.result_key and not self._is_superseded(task):
            with step.stage("results"):
                document = drops.error_file(task_id, reason)
                key = drops.error_key(task.order.result_key)
                self.results.put_at(key, document, "application/json", {"task-id": task_id})
                self.results.delete(*drops.result_keys(task.order.result_key))  # of a file that was here before
        return task.has_callback

    def _is_superseded(self, task: Task) -> bool:
        """Return whether another picture lies where this task's did; that one has a task of its own."""
        found = self.files.head(task.order.source_key)
        return found is not None and found.etag != task.order.source_etag


def reason_of(error: Mapping[str, str]) -> Reason:
    """Why a step failed, from Step Functions' `Error` and `Cause`.

    Only a `StepFailed` carries a reason, as its whole message. A step that died otherwise counts as MODEL_FAILED.
    """
    name = error.get("Error", "")
    if name in _TIMEOUTS:
        return Reason.TIMED_OUT
    try:
        return Reason(json.loads(error["Cause"])["errorMessage"]) if name in _WITH_REASON else Reason.MODEL_FAILED
    except (KeyError, TypeError, ValueError, RecursionError):
        return Reason.MODEL_FAILED
