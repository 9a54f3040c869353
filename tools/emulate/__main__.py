"""Deploys the stack into LocalStack in host mode and works with its storage and queues: `python -m tools.emulate`.

Ends with 1 unless every resource was created and all that can be checked there holds.
"""

import contextlib
import functools
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.emulate.stack import ROOT, create
from tools.emulate.work import World, checks, pause_consumers

_PYTHON = ROOT / "build" / "localstack" / "bin" / "python"
_START_S = 120.0
CANNOT = """Not checked, because LocalStack's host mode does not do it:
  functions, which need Docker, and with them the API's routes, the flow's steps and the queues' consumers
  policies of roles, buckets and queues, which it does not enforce; encryption at rest; what alarms would say
  layers' and functions' code: one empty file stands for each
  DynamoDB of its own, which it would download: moto's stands for it"""


def main() -> int:
    """1 where anything failed."""
    if not _PYTHON.exists():
        print("make emulate installs LocalStack first", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, emulator(Path(folder)) as url:
        import boto3  # noqa: PLC0415 (after the environment is set)

        clients = functools.cache(lambda service: boto3.client(service, endpoint_url=url))
        names, whole = create(clients)
        pause_consumers(clients)
        table = boto3.resource("dynamodb", endpoint_url=url).Table
        failed = [name for name, check in checks() if not holds(name, check, World(clients, table, names))]
    print(CANNOT)
    return 1 if failed or not whole else 0


def holds(name: str, check: Any, world: World) -> bool:
    """Whether a check passes; prints its line."""
    try:
        check(world)
    except Exception as error:  # the boundary of one check: whatever happened, the others are tried
        print(f"{name:52} FAILED: {type(error).__name__}: {str(error)[:300]}")
        return False
    print(f"{name:52} ok")
    return True


@contextlib.contextmanager
def emulator(folder: Path) -> Iterator[str]:
    """LocalStack's address, while it runs; its log goes to build/localstack/log.txt."""
    port, tables = free_port(), free_port()
    local = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ.update(local | {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull})
    own = {
        **{"GATEWAY_LISTEN": f"127.0.0.1:{port}", "LOCALSTACK_HOST": f"127.0.0.1:{port}", "DISABLE_EVENTS": "1"},
        **{"SKIP_SSL_CERT_DOWNLOAD": "1", "FILESYSTEM_ROOT": str(folder), "TMPDIR": str(folder), "DNS_ADDRESS": "0"},
        **{"LAMBDA_IGNORE_ARCHITECTURE": "1", "LAMBDA_SYNCHRONOUS_CREATE": "0"},
    }
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | own
    moto = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(tables)]
    command = [str(_PYTHON), str(Path(__file__).with_name("server.py")), str(tables)]
    with (_PYTHON.parents[1] / "log.txt").open("wb") as log:
        processes = [subprocess.Popen(moto, stdout=log, stderr=log)]
        processes.append(subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log))
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_ready(f"{url}/_localstack/health", processes[-1])
            yield url
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(address: str, process: "subprocess.Popen[bytes]") -> None:
    """Raises SystemExit where LocalStack does not start."""
    limit = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < limit:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.5)
    raise SystemExit("LocalStack did not start: see build/localstack/log.txt")


if __name__ == "__main__":
    sys.exit(main())
