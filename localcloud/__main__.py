"""`python -m localcloud`: runs the local cloud until Ctrl-C."""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from cutline.accounts.demo import seed_demo_account
from localcloud import PACKAGE, ROOT
from localcloud.aws_account import HOST, OPERATOR_FILE, enter_account, write_operator_file

if TYPE_CHECKING:
    from localcloud.cloud import LocalCloud

_BUSY = 2
_POLL_S = 0.5


def main() -> int:
    """0 after a clean stop, 1 if the start failed, 2 if the port is taken; with --run the command's own status."""
    begun = time.monotonic()
    arguments = _arguments()
    # SIGINT too: a shell without job control starts background jobs with SIGINT ignored.
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, _interrupt)
    try:
        return _serve(arguments, begun)
    except KeyboardInterrupt:
        return 0


def _serve(arguments: argparse.Namespace, begun: float) -> int:
    try:
        listener = _listen(arguments.host, arguments.port)
    except OSError as error:
        _warn(f"Port {arguments.port} cannot be used ({error.strerror}): stop what holds it, or set PORT")
        return _BUSY
    # Slow imports, which --help and a busy port do not need.
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    from localcloud.aws.models import read_models_once  # noqa: PLC0415

    read_models_once()
    from localcloud.cloud import LocalCloud, StartFailed  # noqa: PLC0415

    enter_account(listener.getsockname()[1])
    for folder in ("logs", "tmp"):
        shutil.rmtree(arguments.state / folder, ignore_errors=True)
    arguments.state.mkdir(parents=True, exist_ok=True)
    cloud = LocalCloud(listener, arguments.state)
    try:
        _start(cloud, arguments, begun)
        if arguments.run:
            return subprocess.run(arguments.run, env={**os.environ, "CUTLINE_URL": cloud.url}, check=False).returncode
        while True:
            # Not one long wait: a signal to another thread would not interrupt it.
            time.sleep(_POLL_S)
    except (StartFailed, ValueError, BotoCoreError, ClientError) as error:
        _warn(f"The local cloud did not start: {error}")
        return 1
    finally:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.SIG_IGN)  # a second Ctrl-C must not leave orphans
        cloud.stop()


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket, on a free port for 0. Raises OSError if the address or port cannot be used."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Without it a restart within a minute fails on connections in TIME_WAIT.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _start(cloud: "LocalCloud", arguments: argparse.Namespace, begun: float) -> None:
    from localcloud.welcome import welcome  # noqa: PLC0415

    deployment, gateway = cloud.start(arguments.template, dict(arguments.parameter))
    write_operator_file(arguments.state / OPERATOR_FILE, cloud.port, PACKAGE, deployment.resources)
    seeded = "AccountsTable" in deployment.resources
    if seeded:
        seed_demo_account(deployment.resources)
    cloud.wait_until_healthy(gateway)
    if deployment.left_out:
        kinds = Counter(name.partition("(")[2].rstrip(")") for name in deployment.left_out)
        print("Not emulated: " + ", ".join(f"{kind} ({count})" for kind, count in kinds.items()))
    print(f"{len(deployment.functions)} functions from {arguments.template.name} in {time.monotonic() - begun:.1f} s")
    print(welcome(cloud.url, gateway.routes.paths(), seeded, arguments.state), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m localcloud", description=__doc__)
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 3000), help="0 takes a free one")
    parser.add_argument("--host", default=HOST, help="address to listen on; anyone who reaches it knows the demo keys")
    parser.add_argument("--template", type=Path, default=ROOT / "template.yaml")
    parser.add_argument("--parameter", type=_pair, action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--state", type=Path, default=ROOT / ".localcloud", help="logs and resource names go here")
    parser.add_argument("--run", nargs=argparse.REMAINDER, help="run a command with CUTLINE_URL set, then stop")
    return parser.parse_args()


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text} is not NAME=VALUE")
    return name, value


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _warn(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # Not sys.exit: an execution in the state machine interpreter may hold a thread that never ends.
    os._exit(status)
