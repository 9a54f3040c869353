"""The tasks API: every call that becomes a task is kept on record and can be asked about for an hour."""

from collections.abc import Mapping
from dataclasses import replace

from botocore.exceptions import BotoCoreError, ClientError

from cutline.adapters.input_files import InputFiles
from cutline.adapters.result_store import ResultStore
from cutline.contracts import task_record
from cutline.contracts.task_record import TaskContract
from cutline.contracts.wire import Job, Outcome, Request, Response
from cutline.errors import InputRefused, MattingError, Reason
from cutline.serving.call import Call
from cutline.serving.service import Service
from cutline.serving.time_share import TimeShare
from cutline.tasks.state_machine import StateMachine
from cutline.tasks.store import TaskStore
from cutline.tasks.task import view_key
from cutline.tasks.view import show_task

# An execution leaves the queued state within seconds of its start.
_RESTART_S = 60


class TaskJournal:
    """Implements `cutline.serving.call.Journal`: one record per task."""

    def __init__(self, store: TaskStore) -> None:
        self._store = store

    def finished(self, account_id: str, request: Request, job: Job, outcome: Outcome) -> None:
        """Remembers where the results are."""
        self._store.put(task_record.finished(account_id, request, job, outcome))

    def failed(self, account_id: str, request: Request, job: Job, error: MattingError) -> None:
        """Remembers the state, so that a poller learns of the failure too."""
        record = task_record.failed(account_id, request, job, error)
        if record is not None:
            self._store.put(record)


class TaskService:
    """Accepts tasks and answers questions about them. Questions cost neither rate nor quota (contracts.md 3.6).

    What they may cost is a share of each process's time. `service` comes with a `TaskJournal` and an `Acceptance`.
    """

    def __init__(
        self, service: Service, store: TaskStore, results: ResultStore, files: InputFiles, machine: StateMachine
    ) -> None:
        self._service = service
        self._store = store
        self._results = results
        self._files = files
        self._machine = machine
        self._share = TimeShare()

    def handle(self, request: Request, contract: TaskContract, parameters: Mapping[str, str]) -> Response:
        """Make a task, or show one; `parameters` are those of the route's path."""
        task_id = contract.task_id(request, parameters)
        if task_id is None:
            return self._service.handle(contract, request)
        return self._service.answer(Call(contract, request), lambda call: self._show(call, contract, task_id))

    def _show(self, call: Call, contract: TaskContract, task_id: str) -> Response:
        request = call.request
        if request.method != "GET":
            raise InputRefused(Reason.METHOD_NOT_ALLOWED)
        with call.timer.stage("gate"):
            account_id = self._service.gate.authenticate(call.contract, request).account_id
        call.notes["account_id"] = account_id
        if not task_id:
            raise InputRefused(Reason.IMAGE_MISSING, "task_id is required")
        with self._share.of(account_id):
            with call.timer.stage("look up"):
                record = self._store.get(task_id, account_id, request.received_at, contract.LINK_LIFETIME_S)
            if record is None:
                raise InputRefused(Reason.NOT_FOUND)
            self._start_again(record, request.received_at)
            with call.timer.stage("load"):
                return show_task(contract, self._waiting(record), self._results, request.base_url, request)

    def _start_again(self, record: task_record.TaskRecord, now: float) -> None:
        """Starts a task that has been queued for so long that its start must have been lost; once is always enough."""
        if record.state == task_record.QUEUED and record.options.asynchronous and now - record.created_at > _RESTART_S:
            try:
                self._machine.start(record.task_id)
            except (ClientError, BotoCoreError):  # the next question tries again
                self._service.logger.exception("starting a queued task again failed")

    def _waiting(self, record: task_record.TaskRecord) -> task_record.TaskRecord:
        """State 3 is read off the file that preparing ends with, which spares every task a write."""
        if record.state == task_record.PREPARING and self._files.exists(view_key(record)):
            return replace(record, state=task_record.WAITING)
        return record
