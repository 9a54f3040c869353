"""The product in one process, on a line that loses writes: callers, the flow, dropped pictures, and time."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, cast

import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from cutline.accounts import shard_allocator
from cutline.accounts.account import Account
from cutline.accounts.gate import Gate
from cutline.accounts.meter import HOLD_S, Meter
from cutline.adapters.fetch import FetchPolicy
from cutline.adapters.input_files import FileInfo
from cutline.adapters.sources import Sources
from cutline.contracts import picwish, task_record
from cutline.contracts.wire import Request, Response
from cutline.errors import MattingError, Reason
from cutline.pipeline.outputs.metadata import ResultMetadata
from cutline.serving.call import Produced
from cutline.serving.idempotency import LEASE_S, Idempotency
from cutline.serving.service import Service
from cutline.tasks.accept import Acceptance
from cutline.tasks.api import TaskJournal, TaskService
from cutline.tasks.charge import charge
from cutline.tasks.drop_intake import Intake
from cutline.tasks.fail import Fail
from cutline.tasks.finish import Finish
from cutline.tasks.state_machine import StateMachine
from cutline.tasks.step import Step
from cutline.tasks.store import TaskStore
from devkit.memory_table import client_error
from tests.support.calls import Part, json_of, multipart, multipart_call
from tests.support.lossy import Killed, Line, LossyTable

START = 1_704_164_645.0
PRICE = 7
SHOP = Account("shop", qps=1000, daily_quota=5, price_micros={"*": PRICE})
LOGGER = Logger(service="test", level="CRITICAL")
DROP = "in/shop/auto/a.jpg"
_NONE: Mapping[str, str] = MappingProxyType({})
FACTS = ResultMetadata("object", 0.5, 0.9)


class OpenGate(Gate):
    """Admits every caller as SHOP."""

    def __init__(self, meter: Meter) -> None:
        super().__init__(cast(Any, None), meter, None)

    def authenticate(self, contract: object, request: Request) -> Account:
        return SHOP


class Silence:
    """Metrics without a reader."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: self

    def __enter__(self) -> "Silence":
        return self

    def __exit__(self, *_: object) -> None:
        return None


class Processor:
    """Cuts out whatever it is given; `meanwhile` happens while it does."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self._meanwhile = meanwhile

    def process(self, *_: object) -> Produced:
        self._meanwhile()
        return Produced(8, 8, {"image": (b"png", "image/png")}, {})


class Buckets:
    """Files of the input bucket and results of the output bucket; storing here is free."""

    bucket = "input"

    def put(self, *_: object) -> str:
        return "r/shop/1.png"

    def link(self, *_: object) -> str:
        return "https://shop.example/r/1.png"

    def exists(self, key: str) -> bool:
        return False

    def head(self, key: str) -> FileInfo:
        return FileInfo("etag", datetime.fromtimestamp(START, UTC), {})

    def delete(self, *_: object) -> None:
        """Nothing to do."""

    put_at = put_answer = put


class StepFunctions:
    """Executions by name, each of which is started once."""

    def __init__(self, line: Line) -> None:
        self.names: list[str] = []
        self._line = line

    def start_execution(self, **arguments: Any) -> Any:
        return self._line.send("start", self._start, arguments)

    def _start(self, name: str, **_: object) -> None:
        if name in self.names:
            raise client_error("ExecutionAlreadyExists", 400)
        self.names.append(name)


class Accounts:
    """Knows the shop."""

    def account(self, account_id: str) -> Account:
        return SHOP


@dataclass
class World:
    """The n-th write of a run meets `fate`. `worked`: whether the flow finds the tasks' pictures good."""

    monkeypatch: pytest.MonkeyPatch
    nth: int = -1
    fate: str = ""
    worked: bool = True
    now: float = START
    time_limit_ms: int = 20_000
    kinds: list[str] = field(default_factory=list)
    answered_ids: set[str] = field(default_factory=set)
    inner: list[Response | None] = field(default_factory=list)
    max_in_flight: int = 0

    def __post_init__(self) -> None:
        self.monkeypatch.setattr(time, "time", lambda: self.now)
        self.monkeypatch.setattr(shard_allocator, "_RETURNED_S", -1.0)
        self._others: Callable[[], list[Response | None]] = lambda: []
        self.line = Line(self._fate_of)
        self.meters = LossyTable("meters", "pk", "sk", line=self.line)
        self.records = LossyTable("tasks", "pk", line=self.line)
        self.executions = StepFunctions(self.line)
        self.buckets: Any = Buckets()
        self.tasks = TaskStore(self.records, lambda: self.now)

    def _fate_of(self, kind: str) -> str:
        self.kinds.append(kind)
        self.max_in_flight = max([self.max_in_flight, *(i.get("under_way", 0) for i in self.meters.items.values())])
        return self.fate if len(self.kinds) - 1 == self.nth else ""

    @property
    def met(self) -> str:
        """The kind of write that met its fate."""
        return self.kinds[self.nth]

    def slow(self, others: Callable[[], list[Response | None]]) -> None:
        """The next call takes as long as `others` need to come and go."""
        self._others = others

    def _meanwhile(self) -> None:
        others, self._others = self._others, lambda: []
        self.inner += others()

    def post(
        self,
        *,
        key: str = "",
        later: bool = False,
        age_s: float = 0.0,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Response | None:
        """A call by a process of its own; None where it died, and API Gateway answers for it."""
        parts = [Part('; name="sync"', b"0")] if later else []
        form = multipart(*parts, Part('; name="image_file"; filename="a"', b"picture"))
        request = multipart_call(form)
        sent = {**request.headers, "idempotency-key": key, **headers}
        request = replace(request, headers=sent, received_at=self.now - age_s)
        response: Response | None = self._survive(lambda: self._service().handle(picwish, request))
        if later and was_served(response):
            self.answered_ids.add(json_of(response)["data"]["task_id"])  # type: ignore[arg-type]
        return response

    def _ask(self, task_id: str) -> None:
        request = replace(multipart_call(b""), method="GET", received_at=self.now)
        service = TaskService(self._service(), self.tasks, self.buckets, self.buckets, self._machine)
        assert service.handle(request, picwish, {"task_id": task_id}).status in (200, 500)

    def drop(self) -> str | None:
        """The message about a dropped picture, tried as often as the queue does; None where every try failed."""
        upload = {"bucket": {"name": "input"}, "object": {"key": DROP, "eTag": "etag"}}
        event = json.dumps({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": upload}]})
        for _ in range(5):
            known: Any = Accounts()
            intake = Intake(known, self._meter, self.tasks, self.buckets, self.buckets, self._machine, lambda: self.now)
            try:
                outcome = self._survive(lambda intake=intake: intake.run(event, Step()))  # type: ignore[misc]
            except (MattingError, BotoCoreError, ClientError):
                outcome = None
            if outcome is not None:
                return str(outcome)
            self.now += 360
        return None

    def flow(self) -> None:
        """Every execution that was started, to its end; a step that fails is tried again, and the last one twice.

        Before, every caller asks for its task.
        """
        self.now += 100
        for task_id in list(self.answered_ids):
            self._step(lambda task_id=task_id: self._ask(task_id))  # type: ignore[misc]
        for task_id in self.executions.names:
            self._step(lambda task_id=task_id: self.tasks.advance(task_id, task_record.PREPARING))  # type: ignore[misc]
            for _ in range(2):
                self._step(lambda task_id=task_id: self._end(task_id))  # type: ignore[misc]

    def finish_late(self) -> None:
        """The flow's last step, for tasks whose files are gone with their records."""
        for task_id in self.executions.names:
            finish = Finish(self.tasks, self.buckets, self.buckets, self._meter, lambda *_: None, lambda: self.now)
            with self.monkeypatch.context() as patched:
                patched.setattr(Finish, "_work", lambda *_: ({}, FACTS))
                assert finish.run(task_id, Step()) is False

    def _end(self, task_id: str) -> None:
        if not self.worked:
            fail = Fail(self.tasks, self.buckets, self._meter, self.buckets, lambda *_: None, lambda: self.now)
            fail.run(task_id, Reason.IMAGE_CORRUPT, Step())
            return
        task = self.tasks.finish(task_id, {}, ResultMetadata("object", 0.5, 0.9), int(self.now)) or self.tasks.find(
            task_id
        )
        assert task is not None
        if task.record.state == task_record.DONE:
            charge(task, self._meter, self.buckets, lambda *_: None, Step())

    def _step(self, work: Callable[[], object]) -> None:
        for _ in range(4):
            try:
                self._survive(work)
            except (BotoCoreError, ClientError, MattingError):
                continue
            if self.kinds and not self._died:
                return

    def _survive(self, work: Callable[[], Any]) -> Any:
        self._died = False
        try:
            return work()
        except Killed:
            self._died = True
            return None
        finally:
            self.line.dead = False

    def let_leases_lapse(self) -> None:
        """A caller tries again a while later."""
        self.now += LEASE_S + 1

    def let_holds_lapse(self) -> None:
        """The next caller finds the expired holds."""
        self.now += HOLD_S + 1
        self.line.fate = lambda _: ""
        for _ in range(3):
            self._meter.end_wait(self._meter.wait(SHOP, "last"))
            self.now += 1

    @property
    def _meter(self) -> Meter:
        """Of a process with empty caches."""
        return Meter(self.meters)

    @property
    def _machine(self) -> StateMachine:
        return StateMachine(self.executions, "arn:machine")

    def _service(self) -> Service:
        return Service(
            gate=OpenGate(self._meter),
            idempotency=Idempotency(self.meters, self.buckets, wait_s=0, sleep=lambda *_: None),
            results=self.buckets,
            processor=Processor(self._meanwhile),
            sources=Sources(FetchPolicy()),
            logger=LOGGER,
            metrics=cast(Any, Silence()),
            time_limit_ms=self.time_limit_ms,
            journal=TaskJournal(self.tasks),
            deferral=Acceptance(self.tasks, self.buckets, self._machine),
        )

    def charged(self) -> int:
        """How many works were charged; the money agrees."""
        items = list(self.meters.items.values())
        calls = sum(item.get("calls_pw", 0) for item in items)
        assert sum(item.get("charged_micros", 0) for item in items) == PRICE * calls
        return calls

    def taken(self) -> int:
        """Places of the quota that are used up."""
        return sum(item.get("taken", 0) for item in self.meters.items.values())

    def held(self) -> list[str]:
        """The holds that are left."""
        return [name for item in self.meters.items.values() for name in item if name.startswith(("hold:", "wait:"))]


def was_served(response: Response | None) -> bool:
    """Whether a caller got its result, or the id of a task."""
    if response is None or response.status != 200:
        return False
    data = json_of(response)["data"]
    return bool(data.get("state", 1) == 1)
