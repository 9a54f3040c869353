"""The protocol around the tools: one call's work at a time, pings meanwhile, cancellation, faults as sentences."""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from cutline.agents.folders import SharedFolders
from cutline.agents.server import AgentServer, checkpoint
from cutline.agents.tools import Answer, Tools
from cutline.errors import Reason, ServiceFault
from cutline.library import Cutter
from cutline.pipeline.outputs.profiles import read_profiles
from devkit.patience import WAIT_S
from devkit.running import ROOT

# Newer protocols have no ping.
pytestmark = pytest.mark.filterwarnings("ignore:ping is removed")


class SlowTools(Tools):
    """Tools whose `check` works until `go` is set, and then passes the checkpoint before it would store."""

    def __init__(self, folder: Path) -> None:
        super().__init__(SharedFolders([folder], folder / "out"), read_profiles(), pytest.fail, checkpoint)
        self.begun, self.go = threading.Semaphore(0), threading.Event()
        self.working = self.most = self.stored = 0

    def call(self, name: str, arguments: Any) -> Answer:
        self.working += 1
        self.most = max(self.most, self.working)
        self.begun.release()
        try:
            assert self.go.wait(WAIT_S)
            checkpoint()
            self.stored += 1
        finally:
            self.working -= 1
        return Answer({"profile": "", "passed": True, "verdicts": [], "subject": "", "coverage": 0, "confidence": None})


@pytest.fixture
def tools(tmp_path: Path) -> SlowTools:
    return SlowTools(tmp_path)


def served(tools: Tools, work: Callable[[Client], Any]) -> None:
    """Run `work` with a client of the protocol that has pings."""

    async def connected() -> None:
        async with Client(AgentServer(tools, "").protocol, mode="legacy") as client:
            try:
                await work(client)
            finally:
                getattr(tools, "go", threading.Event()).set()

    anyio.run(connected)


async def check(client: Client) -> Any:
    return await client.call_tool("check", {"picture": "a.jpg", "profile": "temu"})


async def begun(tools: SlowTools) -> None:
    await anyio.to_thread.run_sync(tools.begun.acquire)


def test_calls_wait_for_each_other_and_pings_for_none(tools: SlowTools) -> None:
    async def work(client: Client) -> None:
        async with anyio.create_task_group() as calls:
            for _ in range(3):
                calls.start_soon(check, client)
            await begun(tools)
            for _ in range(5):
                await client.send_ping()
            assert (tools.working, tools.stored) == (1, 0)
            tools.go.set()

    served(tools, work)
    assert (tools.most, tools.stored) == (1, 3)


def test_a_cancelled_call_stores_nothing_whether_it_works_or_waits(tools: SlowTools) -> None:
    async def work(client: Client) -> None:
        async with anyio.create_task_group() as calls:
            calls.start_soon(check, client)
            await begun(tools)
            calls.start_soon(check, client)
            await client.send_ping()
            calls.cancel_scope.cancel()
        async with anyio.create_task_group() as calls:
            calls.start_soon(check, client)
            assert not await anyio.to_thread.run_sync(tools.begun.acquire, True, 0.5), "the cancelled one still works"
            tools.go.set()

    served(tools, work)
    assert (tools.most, tools.stored) == (1, 1)


class Failing(Tools):
    """Tools that fail with `error`."""

    def __init__(self, folder: Path, error: Exception) -> None:
        super().__init__(SharedFolders([folder], folder), read_profiles(), pytest.fail)
        self.error = error

    def call(self, name: str, arguments: Any) -> Answer:
        raise self.error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ServiceFault(Reason.MODEL_FAILED, "the network is damaged"), "the network is damaged"),
        (ServiceFault(Reason.TIMED_OUT), "Processing took too long"),
        (OSError(28, "No space left on device", "x.png"), "No space left on device: x.png"),
        (ValueError("margin: too large"), "margin: too large"),
        (RuntimeError("secret of the code"), "internal error; the server's stderr has its trace"),
    ],
)
def test_a_fault_is_a_sentence(
    tmp_path: Path, error: Exception, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(client: Client) -> None:
        answer = await check(client)
        assert answer.is_error
        assert [content.text for content in answer.content] == [sentence]

    served(Failing(tmp_path, error), work)
    assert ("secret of the code" in caplog.text) == isinstance(error, RuntimeError)


class Cancelled(BaseException):
    """As the protocol's cancellation, which is no Exception."""


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize(("name", "more"), [("cut", {}), ("publish", {"profile": "temu"}), ("garments", {})])
def test_tools_ask_whether_they_are_cancelled_before_they_work_and_before_they_store(
    tmp_path: Path, name: str, more: dict[str, str], at: int
) -> None:
    (tmp_path / "person.jpg").write_bytes((ROOT / "functions" / "site" / "static" / "person.jpg").read_bytes())
    asked: list[None] = []

    def cancelled() -> None:
        if len(asked) == at:
            raise Cancelled
        asked.append(None)

    tools = Tools(SharedFolders([tmp_path], tmp_path / "out"), read_profiles(), partial(Cutter, threads=1), cancelled)
    with pytest.raises(Cancelled):
        tools.call(name, {"picture": "person.jpg", **more})
    assert (len(asked), (tmp_path / "out").exists()) == (at, False)
