"""A stack in memory: the tables and buckets that tasks live in, and a state machine that only remembers."""

import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from cutline.accounts.account import Account
from cutline.accounts.meter import Meter
from cutline.adapters.input_files import InputFiles
from cutline.adapters.result_store import ResultStore
from cutline.contracts import picwish, task_record
from cutline.pipeline.options import CutOptions
from cutline.tasks.store import TaskStore
from cutline.tasks.task import PENDING_S, Task, WorkOrder

NOW = 1_704_164_645
SHOP = Account("shop", qps=1000, daily_quota=100, price_micros={"pw": 3000})


@dataclass
class Machine:
    """Stands in for Step Functions: `started` executions, `answers` to waiting steps; `fault` is raised once."""

    started: list[str] = field(default_factory=list)
    answers: list[tuple[str, str, str]] = field(default_factory=list)
    fault: Exception | None = None

    def start(self, task_id: str) -> bool:
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault
        self.started.append(task_id)
        return self.started.count(task_id) == 1

    def succeed(self, token: str) -> bool:
        self.answers.append((token, "ok", ""))
        return True

    def fail(self, token: str, error: str, message: str) -> bool:
        self.answers.append((token, error, message))
        return True


@dataclass(frozen=True)
class Stack:
    """The stores of the flow, with what lies behind them open to inspection."""

    meters: Any
    s3: Any
    output_bucket: str
    tasks: TaskStore
    files: InputFiles
    results: ResultStore
    meter: Meter
    machine: Any
    noted_charges: list[int] = field(default_factory=list)

    def note_charge(self, api: str, charge_micros: int) -> None:
        """Remembers what a task earned."""
        self.noted_charges.append(charge_micros)

    def task(
        self,
        data: bytes | None = None,
        *,
        url: str = "",
        cut: CutOptions | None = None,
        api: str = picwish.NAME,
        **options: Any,
    ) -> Task:
        """A task that has been accepted, with its reservation and, if given, its picture."""
        task_id = str(uuid.uuid4())
        reservation = self.meter.reserve(SHOP, task_id, NOW, PENDING_S)
        record = task_record.TaskRecord(
            task_id,
            SHOP.account_id,
            task_record.QUEUED,
            NOW,
            None,
            None,
            task_record.TaskOptions(task_id, True, **options),
        )
        order = WorkOrder(
            cut or CutOptions(), reservation.day, task_id, 3000, "https://shop.example", source_url=url, api=api
        )
        task = Task(record, order)
        self.tasks.accept(task)
        if data is not None:
            self.files.put(task.source_key, data)
        return task

    def state(self, task: Task) -> int:
        found = self.tasks.find(task.record.task_id)
        assert found is not None
        return found.record.state

    def day(self) -> dict[str, int]:
        """Counters of the shop's day, holds among them."""
        counters: Counter[str] = Counter()
        for item in self.meters.scan()["Items"]:
            if item["sk"].startswith("DAY#") and "service" not in item["pk"]:
                counters.update({name: int(value) for name, value in item.items() if name not in ("pk", "sk")})
        return dict(counters)

    def objects(self, bucket: str) -> set[str]:
        return {item["Key"] for item in self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])}
