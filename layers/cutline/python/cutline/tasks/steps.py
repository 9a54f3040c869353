"""The steps of the flow that touch pixels, each safe to run twice: Prepare, MatteOnCpu, Finish."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cutline.accounts.meter import Meter
from cutline.adapters.fetch import FetchPolicy, fetch
from cutline.adapters.input_files import WorkFiles
from cutline.adapters.result_store import ResultStore
from cutline.contracts import drops, picwish
from cutline.errors import InputRefused, Reason
from cutline.pipeline.cutout import cut_out
from cutline.pipeline.decode import decode_image
from cutline.pipeline.encode import encode_png
from cutline.pipeline.model_entry import ModelEntry
from cutline.pipeline.prediction_file import KnownPredictions, decode_predictions
from cutline.pipeline.tiling import reduce_picture
from cutline.tasks.fail import charge
from cutline.tasks.step import Step
from cutline.tasks.store import TaskStore
from cutline.tasks.task import Task

_EXTENSIONS = {"image/png": ".png", "image/jpeg": ".jpg"}
Clock = Callable[[], float]


@dataclass(frozen=True)
class Prepare:
    """State 2: the picture is fetched, checked and reduced to the network's size. State 3 once that file is there."""

    tasks: TaskStore
    files: WorkFiles
    policy: FetchPolicy
    entry: ModelEntry
    clock: Clock = time.time

    def __call__(self, task_id: str, step: Step) -> bool:
        """Whether there is work to do; not for a task that has ended. Raises InputRefused for the picture."""
        task = self.tasks.advance(task_id, picwish.PREPARING, processed_at=int(self.clock()))
        if task is None:
            return False
        step.notes["account_id"] = task.record.account_id
        data = self._source(task, step)
        with step.stage("decode"):
            picture = decode_image(data, picwish.LIMITS)
        step.notes["pixels"] = picture.width * picture.height
        with step.stage("fit"):
            # PNG, because the network tells JPEG from the real thing: at quality 93 its maps move by 1 % on average.
            view = encode_png(reduce_picture(self.entry, picture.rgb_u8, picture.alpha_u8))
        with step.stage("store"):
            self.files.put(task.view_key, view)
        return True

    def _source(self, task: Task, step: Step) -> bytes:
        with step.stage("fetch"):
            if not task.order.source_url:
                return read_source(self.files, task)
            data = fetch(task.order.source_url, picwish.LIMITS.max_bytes, self.policy)
            # The address may lead elsewhere by the time that Finish wants the picture.
            self.files.put(task.source_key, data)
            return data


@dataclass(frozen=True)
class Matte:
    """State 4: the network's maps of the prepared picture. `predict` takes the PNG and gives a maps file."""

    tasks: TaskStore
    files: WorkFiles
    predict: Callable[[bytes], bytes]

    def __call__(self, task_id: str, step: Step) -> bool:
        """Whether there is work left to do. Raises what `predict` raises."""
        task = self.tasks.advance(task_id, picwish.PROCESSING)
        if task is None:
            return False
        step.notes["account_id"] = task.record.account_id
        with step.stage("load"):
            view = self.files.get(task.view_key)
        with step.stage("network"):
            maps = self.predict(view)
        with step.stage("store"):
            self.files.put(task.maps_key, maps)
        return True


@dataclass(frozen=True)
class Finish:
    """State 1: refined at full size, stored, charged."""

    tasks: TaskStore
    files: WorkFiles
    results: ResultStore
    meter: Meter
    note_charge: Callable[[int], None]
    clock: Clock = time.time

    def __call__(self, task_id: str, step: Step) -> bool:
        """Whether the caller is to be called back. Raises InputRefused(NO_SUBJECT) and ServiceFault."""
        task = self.tasks.find(task_id)
        if task is None:
            return False
        step.notes["account_id"] = task.record.account_id
        if task.record.state >= 0 and task.record.state != picwish.DONE:
            done = self.tasks.finish(task_id, self._work(task, step), int(self.clock()))
            # None: another try has ended it between the look and the write.
            task = done or self.tasks.find(task_id)
        if task is None or task.record.state != picwish.DONE:
            return False
        with step.stage("settle"):
            charge(task, self.meter, self.files, self.note_charge, step)
            if task.order.result_key:
                self.results.delete(drops.error_key(task.order.result_key))  # of a file that lay there before
        return bool(task.record.options.callback_url)

    def _work(self, task: Task, step: Step) -> Mapping[str, str]:
        with step.stage("load"):
            data, maps = read_source(self.files, task), decode_predictions(self.files.get(task.maps_key))
        with step.stage("decode"):
            picture = decode_image(data, picwish.LIMITS)
        step.notes["pixels"] = picture.width * picture.height
        cutout = cut_out(picture, task.order.cut, KnownPredictions(maps), step)
        if cutout.coverage <= 0:
            raise InputRefused(Reason.NO_SUBJECT)
        named = {"image": cutout.image, "mask": cutout.mask}
        files = {name: file for name, file in named.items() if file is not None}
        if task.record.options.return_type == picwish.AS_BASE64 and not picwish.fits_as_base64(files):
            # Not a ServiceFault, which would be tried again: no try makes it smaller.
            raise InputRefused(Reason.STORE_FAILED, "the result is larger than an answer can carry as base64")
        with step.stage("results"):
            return {name: self._store(task, name, file, cutout.content_type) for name, file in files.items()}

    def _store(self, task: Task, name: str, file: bytes, content_type: str) -> str:
        """A name of the task's or the drop's own: a second try replaces the first one's file."""
        if task.order.result_key:
            key = drops.result_key(task.order.result_key, name, content_type)
        else:
            key = f"r/{task.record.account_id}/{task.record.task_id}-{name}{_EXTENSIONS[content_type]}"
        self.results.put_at(key, file, content_type, {"task-id": task.record.task_id})
        return key


def read_source(files: WorkFiles, task: Task) -> bytes:
    """The task's picture. One that the caller keeps may be gone or replaced by now: InputRefused(URL_UNREACHABLE)."""
    if task.order.source_key:
        return files.read(task.source_key, picwish.LIMITS.max_bytes, task.order.source_etag)
    return files.get(task.source_key)
