"""How long a call waited for a sandbox, and the CPU time that it cost it: what `make load LOAD=flood` goes by."""

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

    def invoke(self, request_id: str, payload: bytes) -> Outcome:
        time.sleep(WORK_S)
        self._calls += 1
        return Outcome(b"{}")

    def cpu_ms(self) -> float:
        return self._calls * CPU_MS

    def peak_mb(self) -> int:
        return 1

    def close(self) -> None:
        """Nothing to end."""


def test_a_call_that_finds_all_sandboxes_at_work_tells_how_long_it_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "Sandbox", Sandbox)
    monkeypatch.setattr(runtime, "LOCAL_SANDBOXES", 1)
    environment: dict[str, str] = {}
    config: Any = FunctionConfig("F", "f", "arn", "h", "python3.13", 256, 3, environment, "JSON", tmp_path, (), None)
    service = LambdaService([config], 0, tmp_path)
    with ThreadPoolExecutor(2) as pool:
        first, second = sorted(pool.map(lambda _: service.invoke("f", b"{}"), range(2)), key=lambda got: got.wait_ms)
    service.close()
    assert first.wait_ms < 100 < 0.8 * WORK_S * 1000 < second.wait_ms
    assert (first.cpu_ms, second.cpu_ms) == (CPU_MS, CPU_MS)


def test_the_cpu_time_of_another_process_is_its_own() -> None:
    before_s, reported_ms, after_s = time.process_time(), _cpu_ms(os.getpid()), time.process_time()
    assert before_s * 1000 <= reported_ms <= after_s * 1000
    assert _cpu_ms(2**22 - 1) == 0.0, "no process"
