"""The state Finish: refines a task's matte at full size, stores the results and charges. Safe to run twice."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cutline.accounts.meter import Meter
from cutline.adapters.input_files import InputFiles
from cutline.adapters.result_store import ResultStore, result_key
from cutline.contracts import drops, picwish, task_record
from cutline.contracts.apis import TASK_APIS
from cutline.errors import InputRefused, Reason, ServiceFault
from cutline.pipeline.codecs.decoder_process import decode_in_subprocess
from cutline.pipeline.finish.options import BackgroundPicture
from cutline.pipeline.inference.prediction_file import decode_predictions
from cutline.pipeline.outputs.files import make_files
from cutline.pipeline.outputs.mend_file import keep_first
from cutline.pipeline.outputs.metadata import ResultMetadata
from cutline.serving.mend_store import MendStore, not_kept
from cutline.tasks.charge import charge, give_back
from cutline.tasks.step import Step
from cutline.tasks.store import TaskStore
from cutline.tasks.task import Task, read_source

Clock = Callable[[], float]


@dataclass(frozen=True)
class Finish:
    """State 1: refined at full size, stored, charged."""

    tasks: TaskStore
    files: InputFiles
    results: ResultStore
    meter: Meter
    note_charge: Callable[[str, int], None]
    clock: Clock = time.time
    mends: MendStore | None = None

    def run(self, task_id: str, step: Step) -> bool:
        """Finish the task; return whether it has a callback. Raises InputRefused(NO_SUBJECT) and ServiceFault."""
        task = self.tasks.find(task_id)
        if task is None:
            return False
        step.works_on(task)
        if task.record.state >= 0 and task.record.state != task_record.DONE:
            keys, metadata = self._work(task, step)
            lifetime_s = TASK_APIS[task.order.api].LINK_LIFETIME_S
            done = self.tasks.finish(task_id, keys, metadata, int(self.clock()), lifetime_s)
            # None: another try has ended it between the look and the write.
            task = done or self.tasks.find(task_id)
        if task is None or task.record.state != task_record.DONE:
            if task is not None and task.record.state >= 0:  # it has expired
                give_back(task, self.meter, self.files)
            return False
        with step.stage("settle"):
            charge(task, self.meter, self.files, self.note_charge, step)
            if task.order.result_key:
                self.results.delete(drops.error_key(task.order.result_key))  # of a file that lay there before
        return task.has_callback

    def _work(self, task: Task, step: Step) -> tuple[Mapping[str, str], ResultMetadata]:
        """Store the results; return their keys and metadata. Raises InputRefused(NO_SUBJECT) and ServiceFault."""
        with step.stage("load"):
            data, predictions = read_source(self.files, task), decode_predictions(self.files.get(task.maps_key))
            is_picture = isinstance(task.order.cut.background, BackgroundPicture)
            behind = self.files.get(task.backdrop_key) if is_picture else None
        with step.stage("decode"):
            cut = task.order.cut
            picture = decode_in_subprocess(data, task_record.LIMITS, cut.metadata, cut.depth)
            backdrop = None if behind is None else decode_in_subprocess(behind, task_record.LIMITS)
        step.notes["pixels"] = picture.width * picture.height
        made = make_files(picture, cut, predictions, step, backdrop)
        if made.metadata.coverage <= 0:
            raise InputRefused(Reason.NO_SUBJECT)
        step.notes |= made.metadata.notes
        if task.record.options.return_type == task_record.AS_BASE64 and not picwish.fits_as_base64(made.files):
            raise ServiceFault(Reason.STORE_FAILED, "the result is larger than an answer in base64 may be", retry=False)
        with step.stage("results"):
            keys = {name: _key_of(task, name, made.content_type) for name in made.files}
            # Of a task whose answers carry the pixels there is no link, and so no mend.
            keeping, record = not_kept(), task.record
            if self.mends is not None and record.options.return_type != task_record.AS_BASE64:
                kept = keep_first(data, cut, made, behind, keys, record.task_id)
                keeping = self.mends.keeping(record.account_id, record.task_id, kept)
            with keeping as metadata_of:
                for name, file in made.files.items():
                    known = {"task-id": record.task_id, **made.metadata.object_metadata, **metadata_of(name)}
                    self.results.put_at(keys[name], file, made.content_type, known)
        return keys, made.metadata


def _key_of(task: Task, name: str, content_type: str) -> str:
    """Return a file's key, made of the task's id or the drop's name, so that a retry replaces it."""
    if task.order.result_key:
        return drops.result_key(task.order.result_key, name, content_type)
    return result_key(task.record.account_id, f"{task.record.task_id}-{name}", content_type)
