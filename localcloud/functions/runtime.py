"""The Lambda service: functions by name, with sandboxes, concurrency, limits and the REPORT line."""

import json
import math
import os
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from localcloud.functions.runtime_api import Outcome
from localcloud.functions.sandbox import FunctionConfig, Sandbox, SandboxDied

REQUEST_LIMIT_BYTES = 6 * 1024 * 1024
RESPONSE_LIMIT_BYTES = 6 * 1024 * 1024 + 100
ASYNC_LIMIT_BYTES = 1024 * 1024
IDLE_S = 60.0

# A function's calls above this number queue, and no time limit counts the queue; AWS refuses those above the quota. A
# new AWS account runs ten at once; AccountConcurrency's default leaves half of them to other accounts.
# Reserved concurrency throttles at once, as on AWS.
_NEW_ACCOUNT = 10
LOCAL_SANDBOXES = int(os.environ.get("LOCALCLOUD_SANDBOXES", max(_NEW_ACCOUNT, 2 * (os.cpu_count() or 2))))


class ServiceRefusal(Exception):
    """Lambda refused the call before the function ran: `status` and AWS's exception name."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass
class _Function:
    config: FunctionConfig
    log: IO[bytes]
    idle: list[Sandbox] = field(default_factory=list)
    busy: set[Sandbox] = field(default_factory=set)
    running: int = 0
    slots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(LOCAL_SANDBOXES))


class LambdaService:
    """Thread-safe; `invoke` takes the name or ARN of any function."""

    def __init__(self, configs: list[FunctionConfig], port: int, state_dir: Path) -> None:
        log_dir, self._tmp_root = state_dir / "logs", state_dir / "tmp"
        for folder in (log_dir, self._tmp_root):
            folder.mkdir(parents=True, exist_ok=True)
        self._port = port
        self._lock = threading.Lock()
        self._closed = False
        self._functions: dict[str, _Function] = {}
        self.by_logical_id = {config.logical_id: config.name for config in configs}
        for config in configs:
            log = (log_dir / f"{config.logical_id}.log").open("wb", buffering=0)
            self._functions[config.name] = _Function(config, log)

    def invoke(self, name_or_arn: str, payload: bytes | Callable[[], bytes], request_id: str = "") -> Outcome:
        """The function's answer, error or not. Raises ServiceRefusal for 404, 413 and 429.

        A payload that is a function is called once there is a sandbox: AWS would have had one at once, so the time that
        the payload tells begins then.
        """
        function = self._find(name_or_arn)
        self._admit(function)
        begun = time.monotonic()
        try:
            with function.slots:
                wait_ms = (time.monotonic() - begun) * 1000
                event = payload if isinstance(payload, bytes) else payload()
                _check_size(event, REQUEST_LIMIT_BYTES)
                return replace(self._run(function, event, request_id or str(uuid.uuid4())), wait_ms=wait_ms)
        finally:
            with self._lock:
                function.running -= 1

    def invoke_async(self, name_or_arn: str, payload: bytes) -> None:
        """Event invocation: accepted now, run once in the background."""
        self._find(name_or_arn)
        _check_size(payload, ASYNC_LIMIT_BYTES)
        threading.Thread(target=self.invoke, args=(name_or_arn, payload), daemon=True).start()

    def logical_id_of(self, name_or_arn: str) -> str:
        """A function's logical id. Raises ServiceRefusal for one that does not exist."""
        return self._find(name_or_arn).config.logical_id

    def close(self) -> None:
        """End every sandbox, idle or busy."""
        with self._lock:
            self._closed = True
            sandboxes = [s for f in self._functions.values() for s in (*f.idle, *f.busy)]
        for sandbox in sandboxes:
            sandbox.close()
        for function in self._functions.values():
            function.log.close()

    def _find(self, name_or_arn: str) -> _Function:
        # arn:aws:lambda:region:account:function:NAME[:qualifier], NAME[:qualifier], or NAME
        parts = name_or_arn.split(":")
        name = parts[6] if parts[0] == "arn" and len(parts) > 6 else parts[0]  # noqa: PLR2004
        if name not in self._functions:
            raise ServiceRefusal(404, "ResourceNotFoundException", f"Function not found: {name_or_arn}")
        return self._functions[name]

    def _admit(self, function: _Function) -> None:
        with self._lock:
            if self._closed:
                raise ServiceRefusal(503, "ServiceException", "The local cloud is stopping")
            reserved = function.config.reserved
            if reserved is not None and function.running >= reserved:
                raise ServiceRefusal(429, "TooManyRequestsException", "Rate Exceeded.")
            function.running += 1

    def _run(self, function: _Function, payload: bytes, request_id: str) -> Outcome:
        _write(function, f"START RequestId: {request_id} Version: $LATEST")
        sandbox, init_ms = self._take(function), 0.0
        begun, peak, broken = time.monotonic(), 0, False
        try:
            if sandbox.init_ms == 0:
                failure = sandbox.start()
                init_ms, begun = sandbox.init_ms, time.monotonic()
                if failure is not None:
                    broken = True
                    return self._failed(function, failure, request_id)
            cpu_before_ms = sandbox.cpu_ms()
            outcome = sandbox.invoke(request_id, payload)
            outcome = replace(outcome, cpu_ms=sandbox.cpu_ms() - cpu_before_ms)
            if len(outcome.payload) > RESPONSE_LIMIT_BYTES:
                outcome = _too_large()
            return self._failed(function, outcome, request_id) if outcome.error_type else outcome
        except SandboxDied as death:
            broken = True
            body = json.dumps({"errorType": death.error_type, "errorMessage": str(death)}).encode()
            return self._failed(function, Outcome(body, death.error_type), request_id)
        finally:
            peak = sandbox.peak_mb()
            self._give_back(function, sandbox, broken)
            _report(function, request_id, (time.monotonic() - begun) * 1000, init_ms, peak)

    def _take(self, function: _Function) -> Sandbox:
        with self._lock:
            stale = [one for each in self._functions.values() for one in _take_stale(each.idle)]
            # The last used is the warmest.
            sandbox = function.idle.pop() if function.idle else self._new(function)
            function.busy.add(sandbox)
        for old in stale:
            old.close()
        return sandbox

    def _new(self, function: _Function) -> Sandbox:
        return Sandbox(function.config, self._port, function.log, self._tmp_root)

    def _give_back(self, function: _Function, sandbox: Sandbox, broken: bool) -> None:
        with self._lock:
            function.busy.discard(sandbox)
            if not broken and not self._closed:
                sandbox.idle_since = time.monotonic()
                function.idle.append(sandbox)
                return
        if not self._closed:
            sandbox.close()

    def _failed(self, function: _Function, outcome: Outcome, request_id: str) -> Outcome:
        text = outcome.payload[:600].decode("utf-8", "replace")
        if not self._closed:  # a call that the stop kills has not failed
            print(f"{function.config.logical_id} failed: {outcome.error_type} {request_id} {text}", file=sys.stderr)
        _write(function, f"ERROR RequestId: {request_id} {outcome.error_type} {text}")
        return outcome


def _take_stale(idle: list[Sandbox]) -> list[Sandbox]:
    """Take out those, longest idle first, that have been idle too long."""
    since = time.monotonic() - IDLE_S
    count = sum(sandbox.idle_since < since for sandbox in idle)
    stale, idle[:] = idle[:count], idle[count:]
    return stale


def _check_size(payload: bytes, limit_bytes: int) -> None:
    if len(payload) > limit_bytes:
        message = f"Request must be smaller than {limit_bytes} bytes for the InvokeFunction operation"
        raise ServiceRefusal(413, "RequestTooLargeException", message)


def _too_large() -> Outcome:
    message = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT_BYTES} bytes)."
    error_type = "Function.ResponseSizeTooLarge"
    return Outcome(json.dumps({"errorType": error_type, "errorMessage": message}).encode(), error_type)


def _report(function: _Function, request_id: str, run_ms: float, init_ms: float, peak_mb: int) -> None:
    """Write the REPORT line, with the billed time. AWS bills INIT too since August 2025."""
    line = (
        f"REPORT RequestId: {request_id}\tDuration: {run_ms:.2f} ms\tBilled Duration: {math.ceil(run_ms + init_ms)} ms"
        f"\tMemory Size: {function.config.memory_mb} MB\tMax Memory Used: {peak_mb} MB"
    )
    if init_ms:
        line += f"\tInit Duration: {init_ms:.2f} ms"
    _write(function, f"END RequestId: {request_id}\n{line}")


def _write(function: _Function, line: str) -> None:
    if not function.log.closed:
        function.log.write(f"{line}\n".encode())
