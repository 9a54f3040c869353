"""One Lambda sandbox: a real awslambdaric process with Lambda's environment, memory limit and time limit."""

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from localcloud.aws_account import credentials_environment
from localcloud.functions.launch import launch_command
from localcloud.functions.log_pipe import LogPipe
from localcloud.functions.process_tree import ProcessTree
from localcloud.functions.runtime_api import Outcome, RuntimeApi
from localcloud.stack.template import python_paths

INIT_LIMIT_S = 10.0
_SAMPLE_S = 0.05
_VCPU_MB = 1769  # Lambda gives one vCPU per 1,769 MB

# PR_SET_PDEATHSIG fires when the forking *thread* ends, so one thread that never ends forks all children.
forker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forker")


@dataclass(frozen=True)
class FunctionConfig:
    """A function with its values resolved by CloudFormation; `layers` are local folders in the template's order."""

    logical_id: str
    name: str
    arn: str
    handler: str
    runtime: str
    memory_mb: int
    timeout_s: int
    environment: dict[str, str]
    log_format: str
    code: Path
    layers: tuple[Path, ...]
    reserved: int | None


class SandboxDied(Exception):
    """The process has ended; do not use the sandbox again."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


class Sandbox:
    """Use from one thread at a time: `start`, then `invoke` any number of times, then `close`."""

    def __init__(self, config: FunctionConfig, port: int, log: IO[bytes], tmp_root: Path) -> None:
        self.config = config
        self.init_ms = 0.0
        self.idle_since = time.monotonic()
        self._port = port
        self._output = LogPipe(log)
        self._tmp = tempfile.mkdtemp(dir=tmp_root)
        self._api = RuntimeApi(config.arn)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Outcome | None:
        """Run INIT. Returns the function's init error, if any. Raises SandboxDied on exit and after a limit."""
        begun = time.monotonic()
        self._process = forker.submit(self._fork).result()
        self._tree = ProcessTree(self._process.pid)
        # AWS repeats a long INIT inside the first invocation, under the function's own timeout.
        limit = INIT_LIMIT_S + self.config.timeout_s
        while not self._api.ready.wait(_SAMPLE_S):
            self._output.copy()
            self._check_alive("INIT")
            if time.monotonic() - begun > limit:
                raise SandboxDied("Sandbox.Timedout", f"INIT took more than {limit:.0f} seconds")
        self.init_ms = (time.monotonic() - begun) * 1000
        self._output.copy()
        return None if self._api.answers.empty() else self._api.answers.get()

    def invoke(self, request_id: str, payload: bytes) -> Outcome:
        """The function's answer. Raises SandboxDied on timeout, memory and exit."""
        deadline = time.time() + self.config.timeout_s
        self._api.send(request_id, payload, int(deadline * 1000))
        while True:
            try:
                outcome = self._api.answers.get(timeout=max(0.001, min(_SAMPLE_S, deadline - time.time())))
                self._output.copy()  # what the function wrote is in the log when its caller reads the answer
                self._check_memory(request_id)
                return outcome
            except queue.Empty:
                self._output.copy()
                self._check_alive(request_id)
            if time.time() >= deadline:
                message = f"RequestId: {request_id} Error: Task timed out after {self.config.timeout_s:.2f} seconds"
                raise SandboxDied("Sandbox.Timedout", message)

    def peak_mb(self) -> int:
        """The most memory so far that the process and those that it started held together (`ProcessTree`)."""
        return self._tree.peak_mb()

    def cpu_ms(self) -> float:
        """CPU time so far of the process and those that it started and that still run, together."""
        return self._tree.cpu_ms()

    def close(self) -> None:
        """Kill the process and its children."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):  # it ended by itself
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._output.close()
        self._api.close()
        shutil.rmtree(self._tmp, ignore_errors=True)

    def _check_alive(self, request_id: str) -> None:
        assert self._process is not None
        self._check_memory(request_id)
        code = self._process.poll()
        # An answer may have arrived just before the process ended, as after an init error.
        if code is not None and self._api.answers.empty():
            reason = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
            raise SandboxDied(
                "Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited with error: {reason}"
            )

    def _check_memory(self, request_id: str) -> None:
        if self.peak_mb() > self.config.memory_mb:
            message = f"RequestId: {request_id} Error: Runtime exited with error: signal: killed"
            raise SandboxDied("Runtime.OutOfMemory", message)

    def _fork(self) -> subprocess.Popen[bytes]:
        backstop_bytes = self.config.memory_mb * 3 // 2 * 1024 * 1024
        return subprocess.Popen(
            launch_command("-m", "awslambdaric", self.config.handler, backstop_bytes=backstop_bytes),
            cwd=self.config.code,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._output.writer,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _environment(self) -> dict[str, str]:
        """Lambda's variables, then the template's own; none of the developer's shell."""
        config = self.config
        vcpus = max(1, round(config.memory_mb / _VCPU_MB))
        lambda_variables = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "TMPDIR": self._tmp,
            "LAMBDA_TASK_ROOT": str(config.code),
            "LAMBDA_RUNTIME_DIR": str(Path(sys.prefix)),
            "_HANDLER": config.handler,
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_LAMBDA_FUNCTION_NAME": config.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.memory_mb),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{config.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "local",
            "AWS_LAMBDA_LOG_FORMAT": config.log_format,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.runtime}",
            "PYTHONPATH": os.pathsep.join([str(config.code), *python_paths(config.layers)]),
            # The CPU share is not scaled down, but the thread pools are as small as on AWS.
            "OMP_NUM_THREADS": str(vcpus),
            # LAMBDA_TASK_ROOT makes the tracer expect an X-Ray daemon, and there is none.
            "POWERTOOLS_TRACE_DISABLED": "true",
            # The playground can offer the demo account, which exists here only.
            "CUTLINE_LOCAL": "true",
            "AWS_XRAY_SDK_ENABLED": "false",
        }
        return lambda_variables | config.environment | credentials_environment(self._port, config.logical_id)
