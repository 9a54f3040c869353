"""The flow's end for a task that cannot be served, and why; apart from the steps with pixels, for a quick start."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cutline.accounts.account import Account
from cutline.accounts.meter import Meter, Reservation
from cutline.adapters.input_files import WorkFiles
from cutline.adapters.result_store import ResultStore
from cutline.contracts import drops, picwish
from cutline.errors import Reason
from cutline.tasks.step import Step
from cutline.tasks.store import TaskStore
from cutline.tasks.task import Task

Clock = Callable[[], float]


@dataclass(frozen=True)
class Fail:
    """The negative states: the reservation goes back, nothing is charged; who dropped a file finds out why."""

    tasks: TaskStore
    files: WorkFiles
    meter: Meter
    results: ResultStore
    note_charge: Callable[[int], None]
    clock: Clock = time.time

    def __call__(self, task_id: str, reason: Reason, step: Step) -> bool:
        """Whether the caller is to be called back; also right where an earlier try has failed the task already.

        A task may come here although it is done: where all that failed was to charge it. Then it is charged here.
        """
        with step.stage("fail"):
            state = picwish.STATES.get(reason, picwish.FAILED)
            task = self.tasks.fail(task_id, state, int(self.clock())) or self.tasks.find(task_id)
        if task is None:
            return False
        step.notes["account_id"] = task.record.account_id
        if task.record.state == picwish.DONE:
            with step.stage("settle"):
                charge(task, self.meter, self.files, self.note_charge, step)
            return bool(task.record.options.callback_url)
        with step.stage("release"):
            self.meter.release(reservation_of(task), picwish.NAME)
            self.files.delete(*task.work_keys)
        if task.order.result_key and not self._is_superseded(task):
            with step.stage("results"):
                document = drops.error_file(task_id, reason)
                key = drops.error_key(task.order.result_key)
                self.results.put_at(key, document, "application/json", {"task-id": task_id})
        return bool(task.record.options.callback_url)

    def _is_superseded(self, task: Task) -> bool:
        """Whether another picture lies where this task's did: what it comes to is for its own task to tell."""
        found = self.files.look(task.order.source_key)
        return found is not None and found.etag != task.order.source_etag


def charge(task: Task, meter: Meter, files: WorkFiles, note_charge: Callable[[int], None], step: Step) -> None:
    """Ends a done task, once however often it is tried: charged, `note_charge` told in millionths, its files gone."""
    if meter.settle(reservation_of(task), picwish.NAME):
        step.notes["charge_micros"] = task.order.price_micros
        note_charge(task.order.price_micros)
    files.delete(*task.work_keys)


def reservation_of(task: Task) -> Reservation:
    """The reservation that `accept` made, at the price of that moment."""
    account = Account(task.record.account_id, price_micros={picwish.NAME: task.order.price_micros})
    return Reservation(account, task.order.day, task.order.call_id, None, apart=True)


def reason_of(error: Mapping[str, str]) -> Reason:
    """Why a step failed, from Step Functions' `Error` and `Cause`; the cause is a function's own JSON or plain text."""
    name = error.get("Error", "")
    if name in ("States.Timeout", "States.HeartbeatTimeout", "Sandbox.Timedout"):
        return Reason.TIMED_OUT
    message = error_message(error.get("Cause", ""))
    text = message.partition(":")[0].strip()
    return Reason(text) if text in set(Reason) else Reason.MODEL_FAILED


def error_message(cause: str) -> str:
    """The message inside a cause."""
    try:
        document = json.loads(cause)
    except ValueError:
        return cause
    return str(document.get("errorMessage", "")) if isinstance(document, dict) else ""
