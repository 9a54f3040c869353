"""A background task: the record that its caller sees, and the work order behind it."""

import json
from dataclasses import asdict, dataclass, fields

from cutline.adapters.input_files import InputFiles
from cutline.contracts import picwish, task_record
from cutline.contracts.task_record import TaskRecord
from cutline.pipeline.finish.options import BackgroundPicture
from cutline.pipeline.options import CutOptions, cut_document, cut_options_from
from cutline.storage_keys import TASKS

# The longest that a task may wait and be worked, from accept to end; its reservation is held for as long.
PENDING_S = 12 * 3600
# From the moment a worker starts on the task (contracts.md 3.5, state -8).
WORK_LIMIT_S = 30


@dataclass(frozen=True)
class WorkOrder:
    """A task's picture, options and account.

    day and call_id name the reservation, price_micros is what it costs to be served. base_url is where links to the
    results begin. source_url: where the picture has yet to be fetched from; source_key: where a picture lies that is
    the caller's own file and outlives the task, and source_etag which version of it is meant. result_key: where an S3
    drop wants its result. api: whose call it is, and under which it is counted and charged. qps: the account's rate.
    """

    cut: CutOptions
    day: str
    call_id: str
    price_micros: int
    base_url: str
    source_key: str = ""
    source_etag: str = ""
    source_url: str = ""
    result_key: str = ""
    api: str = picwish.NAME
    qps: float = 2.0

    def to_json(self) -> str:
        """For storage, and short: below a kilobyte each of the record's writes costs one unit. `from_json` reads it."""
        usual = {field.name: field.default for field in fields(self)}
        changed = {name: value for name, value in asdict(self).items() if value != usual[name]}
        return json.dumps({**changed, "cut": cut_document(self.cut)}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "WorkOrder":
        """Return the order that `to_json` wrote."""
        changed = json.loads(text)
        cut = changed.pop("cut")
        return cls(cut_options_from(cut), **changed)


@dataclass(frozen=True)
class Task:
    """One task."""

    record: TaskRecord
    order: WorkOrder

    @property
    def has_ended(self) -> bool:
        """Whether its state is final."""
        return self.record.state == task_record.DONE or self.record.state < 0

    @property
    def has_callback(self) -> bool:
        """Whether the task has a callback."""
        return bool(self.record.options.callback_url)

    @property
    def folder(self) -> str:
        """Return the task's folder in the input bucket, kept until it ends."""
        return work_folder(self.record)

    @property
    def view_key(self) -> str:
        """The picture at the network's size: there once the task is prepared."""
        return view_key(self.record)

    @property
    def maps_key(self) -> str:
        """The network's maps: there once the task has been matted."""
        return f"{self.folder}/maps.png"

    @property
    def source_key(self) -> str:
        """The picture itself."""
        return self.order.source_key or f"{self.folder}/source"

    @property
    def backdrop_key(self) -> str:
        """Return the key of the background picture, if the task has one: there once the task is prepared."""
        return f"{self.folder}/backdrop"

    @property
    def work_keys(self) -> tuple[str, ...]:
        """All files that the task has of its own; the caller's are not among them."""
        backdrop = (self.backdrop_key,) if isinstance(self.order.cut.background, BackgroundPicture) else ()
        return self.view_key, self.maps_key, f"{self.folder}/source", *backdrop


def work_folder(record: TaskRecord) -> str:
    """Return a task's folder in the input bucket."""
    return f"{TASKS}{record.account_id}/{record.task_id}"


def view_key(record: TaskRecord) -> str:
    """Return the key of `Task.view_key`, from the record only."""
    return f"{work_folder(record)}/view.png"


def read_source(files: InputFiles, task: Task) -> bytes:
    """Return the task's picture. Raises InputRefused(URL_UNREACHABLE) if the caller has deleted or replaced it."""
    if task.order.source_key:
        return files.read(task.source_key, task_record.LIMITS.max_bytes, task.order.source_etag)
    return files.get(task.source_key)
