"""How long calls wait for a sandbox, what CPU time they cost it (for `make load LOAD=flood`), and how long it lives."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from localcloud.functions import runtime
from localcloud.functions.process_tree import _cpu_ms
from localcloud.functions.runtime import LambdaService
from localcloud.functions.runtime_api import Outcome
from localcloud.functions.sandbox import FunctionConfig

WORK_S, CPU_MS = 0.3, 7.0


class Sandbox:
    """Works for a while."""

    def __init__(self, *_: object) -> None:
        self.init_ms, self.idle_since, self._calls = 1.0, 0.0, 0
        self.closed = False

    def invoke(self, request_id: str, payload: bytes) -> Outcome:
        time.sleep(WORK_S)
        self._calls += 1
        return Outcome(b"{}")

    def cpu_ms(self) -> float:
        return self._calls * CPU_MS

    def peak_mb(self) -> int:
        return 1

    def close(self) -> None:
        self.closed = True


def _config(name: str, folder: Path) -> Any:
    return FunctionConfig(name.upper(), name, "arn", "h", "python3.13", 256, 3, {}, "JSON", folder, (), None)


def test_a_call_that_finds_all_sandboxes_at_work_tells_how_long_it_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "Sandbox", Sandbox)
    monkeypatch.setattr(runtime, "LOCAL_SANDBOXES", 1)
    service = LambdaService([_config("f", tmp_path)], 0, tmp_path)
    with ThreadPoolExecutor(2) as pool:
        first, second = sorted(pool.map(lambda _: service.invoke("f", b"{}"), range(2)), key=lambda got: got.wait_ms)
    service.close()
    assert first.wait_ms < 100 < 0.8 * WORK_S * 1000 < second.wait_ms
    assert (first.cpu_ms, second.cpu_ms) == (CPU_MS, CPU_MS)


def test_a_call_ends_the_sandboxes_of_other_functions_that_were_idle_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Sandbox] = []
    monkeypatch.setattr(runtime, "Sandbox", lambda *_: made.append(Sandbox()) or made[-1])
    service = LambdaService([_config(name, tmp_path) for name in ("f", "g", "h")], 0, tmp_path)
    service.invoke("f", b"{}")
    service.invoke("g", b"{}")
    made[0].idle_since -= runtime.IDLE_S
    service.invoke("h", b"{}")
    assert [sandbox.closed for sandbox in made] == [True, False, False]
    service.invoke("f", b"{}")
    service.close()
    assert len(made) == 4


def test_the_cpu_time_of_another_process_is_its_own() -> None:
    before_s, reported_ms, after_s = time.process_time(), _cpu_ms(os.getpid()), time.process_time()
    assert before_s * 1000 <= reported_ms <= after_s * 1000
    assert _cpu_ms(2**22 - 1) == 0.0, "no process"
