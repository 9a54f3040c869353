"""`cutline serve`: the local cloud, the whole service on this machine."""

import argparse
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

from cutline.commands.failure import CommandFailed

_REPOSITORY = Path(__file__).resolve().parents[5]


def add_to(commands: Any) -> None:
    """Declares `serve`."""
    text = "run the whole service on this machine, as `make run` does; Ctrl-C ends it"
    serve: argparse.ArgumentParser = commands.add_parser("serve", help=text, description=text)
    serve.set_defaults(run=_run)
    serve.add_argument("--port", type=int, default=3000, metavar="N", help="on 127.0.0.1 (3000); 0 takes a free one")
    serve.add_argument("--state", type=Path, metavar="DIR", help="where logs go (.localcloud of the repository)")


def _run(arguments: argparse.Namespace) -> None:
    if not (_REPOSITORY / "localcloud").is_dir() or importlib.util.find_spec("moto") is None:
        raise CommandFailed("the local cloud needs the repository and its environment: run `make run` there")
    options = ["--port", str(arguments.port)]
    if arguments.state:
        options += ["--state", str(arguments.state.resolve())]
    os.chdir(_REPOSITORY)
    # In place of this process, so that signals and exit status are the cloud's own.
    os.execv(sys.executable, [sys.executable, "-m", "localcloud", *options])
