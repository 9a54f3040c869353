"""A call that wants a task: stored, started, answered with the task's id."""

from dataclasses import replace

from botocore.exceptions import ClientError

from cutline.accounts.meter import Reservation
from cutline.adapters.dynamodb import may_have_written
from cutline.adapters.input_files import InputFiles
from cutline.contracts import task_record
from cutline.contracts.addresses import MAX_URL_CHARS
from cutline.contracts.apis import TASK_APIS
from cutline.contracts.uploads import own_key
from cutline.contracts.wire import Job, Response
from cutline.serving.call import Call
from cutline.tasks.state_machine import StateMachine
from cutline.tasks.store import TaskStore
from cutline.tasks.task import PENDING_S, Task, WorkOrder


class Acceptance:
    """Implements `cutline.serving.call.Deferral` for calls that want their result later."""

    hold_s = PENDING_S

    def __init__(self, tasks: TaskStore, files: InputFiles, machine: StateMachine) -> None:
        self._tasks = tasks
        self._files = files
        self._machine = machine

    def takes(self, job: Job) -> bool:
        """Whether the caller wants the task's id and no result yet."""
        return isinstance(job.options, task_record.TaskOptions) and job.options.asynchronous

    def named(self, job: Job, seed: str) -> Job:
        """The same call, whose task has the seed for its id."""
        return replace(job, options=replace(task_record.task_options(job), task_id=seed))

    def call_id(self, job: Job) -> str:
        """The task's id."""
        return task_record.task_options(job).task_id

    def ended(self, call: Call) -> Response | None:
        """The task's id if an earlier try began it and it has ended."""
        assert call.job is not None
        task_id = self.call_id(call.job)
        with call.timer.stage("look up"):
            known = self._tasks.find(task_id)
        if known is None or not known.has_ended:
            return None
        call.notes["task_id"] = task_id
        return TASK_APIS[call.contract.NAME].accepted(call.request, task_id)

    def accept(self, call: Call, reservation: Reservation) -> Response:
        """The task's id, once the task is on record and its execution started.

        In this order: a task that was never started is forgotten by itself, an execution always finds its task. Every
        write may have been done before, by a try that died: all of them bear the task's id.
        """
        job, contract = call.job, TASK_APIS[call.contract.NAME]
        assert job is not None
        with call.timer.stage("accept"):
            task = queued_task(call, job, reservation)
            task_id = task.record.task_id
            call.notes["task_id"] = task_id
            response = contract.accepted(call.request, task_id)
            if job.source.data is not None:
                self._files.put(task.source_key, job.source.data)
            if job.backdrop is not None and job.backdrop.data is not None:
                self._files.put(task.backdrop_key, job.backdrop.data)
            known = None if self._tasks.accept(task) else self._tasks.find(task_id)
            if known is not None:
                # It may have ended since `ended`, or belong to the day before.
                call.surplus_reservation = known.has_ended or known.order.day != reservation.day
                if known.has_ended:
                    return response
            call.fallback_response = response
            try:
                self._machine.start(task_id)
            except ClientError as error:
                if not may_have_written(error):
                    call.fallback_response = None
                raise
        return response


def queued_task(call: Call, job: Job, reservation: Reservation) -> Task:
    """The task in state 0. An upload of the caller's own is worked where it lies, unread until then."""
    account_id, url = reservation.account.account_id, job.source.url or ""
    uploaded = own_key(url, account_id)
    record = task_record.queued(account_id, call.request, task_record.task_options(job))
    order = WorkOrder(
        cut=job.cut,
        day=reservation.day,
        call_id=reservation.call_id,
        price_micros=reservation.account.price_of(call.contract.NAME),
        base_url=call.request.base_url,
        source_key=uploaded or "",
        # No address beyond this length is fetched, so what is cut off changes nothing, and the record has 400 KB.
        source_url="" if uploaded else url[: MAX_URL_CHARS + 1],
        api=call.contract.NAME,
        qps=reservation.account.qps,
    )
    return Task(record, order)
