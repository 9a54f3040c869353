"""The state Prepare: fetches and checks a task's picture and reduces it to the network's size. Safe to run twice."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from cutline.accounts.account import Account
from cutline.accounts.meter import Meter
from cutline.adapters.fetch import FetchPolicy, fetch
from cutline.adapters.input_files import InputFiles, unreachable
from cutline.contracts import task_record
from cutline.contracts.uploads import own_key
from cutline.contracts.wire import UPLOAD
from cutline.errors import InputRefused, Reason
from cutline.pipeline.codecs.decoder_process import decode_in_subprocess
from cutline.pipeline.codecs.encode import encode_png
from cutline.pipeline.cutout import view_for
from cutline.pipeline.finish.options import BackgroundPicture
from cutline.pipeline.inference.model_config import ModelEntry
from cutline.tasks.step import Step
from cutline.tasks.store import TaskStore
from cutline.tasks.task import Task, read_source

Clock = Callable[[], float]


@dataclass(frozen=True)
class Prepare:
    """State 2: fetches, checks and reduces the picture to the network's size. State 3 once that file exists."""

    tasks: TaskStore
    files: InputFiles
    policy: FetchPolicy
    entry: ModelEntry
    meter: Meter
    clock: Clock = time.time

    def run(self, task_id: str, step: Step) -> bool:
        """Prepare the task; return whether there was work to do: a task that has ended needs none.

        Raises InputRefused for the picture, AccessRefused(RATE_EXCEEDED) while too many servers keep the account's
        calls and tasks waiting.
        """
        task = self.tasks.advance(task_id, task_record.PREPARING, processed_at=int(self.clock()))
        if task is None:
            return False
        step.works_on(task)
        data = self._source(task, step)
        self._check_backdrop(task, step)
        with step.stage("decode"):
            picture = decode_in_subprocess(data, task_record.LIMITS)
        step.notes["pixels"] = picture.width * picture.height
        with step.stage("fit"):
            # PNG: JPEG at quality 93 moves the network's maps by 1 % on average.
            view = encode_png(view_for(picture, task.order.cut.roi, self.entry))
        with step.stage("store"):
            self.files.put(task.view_key, view)
        return True

    def _source(self, task: Task, step: Step) -> bytes:
        with step.stage("fetch"):
            if not task.order.source_url:
                return read_source(self.files, task)
            data = self._fetched(task, task.order.source_url)
            # The address may lead elsewhere by the time that Finish wants the picture.
            self.files.put(task.source_key, data)
            return data

    def _check_backdrop(self, task: Task, step: Step) -> None:
        """Store the background picture if it has an address. Raises InputRefused(BACKDROP_UNREACHABLE)."""
        background = task.order.cut.background
        if not isinstance(background, BackgroundPicture):
            return
        try:
            with step.stage("fetch"):
                data = self._backdrop(task, background.source)
            with step.stage("decode"):
                decode_in_subprocess(data, task_record.LIMITS)
        except InputRefused as error:
            raise InputRefused(Reason.BACKDROP_UNREACHABLE, error.detail) from error
        if background.source:
            self.files.put(task.backdrop_key, data)

    def _backdrop(self, task: Task, source: str) -> bytes:
        if not source:
            return self.files.get(task.backdrop_key)
        if not source.startswith(UPLOAD):
            return self._fetched(task, source)
        key = own_key(source, task.record.account_id)
        if key is None:
            raise unreachable()
        return self.files.read(key, task_record.LIMITS.max_bytes)

    def _fetched(self, task: Task, url: str) -> bytes:
        """The body behind an address; meanwhile the task counts as one that waits for a server."""
        account = Account(task.record.account_id, qps=task.order.qps)
        waiting = self.meter.enter(account, task.order.call_id, task.order.day)
        try:
            return fetch(url, task_record.LIMITS.max_bytes, self.policy)
        finally:
            self.meter.end_wait(waiting)
