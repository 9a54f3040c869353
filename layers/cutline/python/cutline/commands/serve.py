"""`cutline serve`: the local cloud, which runs the whole service on this machine."""

import argparse
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

from cutline import resources
from cutline.commands.failure import CommandFailed
from cutline.local_file import real_path


def add_to(commands: Any) -> None:
    """Declare `serve`."""
    text = "run the whole service on this machine, as `make run` does; stop it with Ctrl-C"
    serve: argparse.ArgumentParser = commands.add_parser("serve", help=text, description=text)
    serve.set_defaults(run=_run)
    serve.add_argument(
        "--port", type=int, default=3000, metavar="N", help="port on 127.0.0.1; 0 picks a free one (default: 3000)"
    )
    serve.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on; the demo keys are public, so 0.0.0.0 is for containers (default: 127.0.0.1)",
    )
    serve.add_argument(
        "--state", type=Path, default=Path(".localcloud"), metavar="DIR", help="folder for logs (default: .localcloud)"
    )


def _run(arguments: argparse.Namespace) -> None:
    if any(importlib.util.find_spec(module) is None for module in ("moto", "samtranslator", "awslambdaric")):
        extra = "pip install 'cutline[serve]'" if resources.is_installed() else "run `make run` in the repository"
        raise CommandFailed(f"packages of the local cloud are missing: {extra}")
    stack = resources.stack_dir()
    options = ["--host", arguments.host, "--port", str(arguments.port), "--state", str(real_path(arguments.state))]
    if not resources.is_installed():
        os.chdir(stack)  # where the package `localcloud` is
    # Replaces this process, so that signals and exit status are the local cloud's.
    os.execv(sys.executable, [sys.executable, "-m", "localcloud", "--template", str(stack / "template.yaml"), *options])
