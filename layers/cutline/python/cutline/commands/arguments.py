"""Options of the commands that run the networks on this machine, and where those lie."""

import argparse
import os
from pathlib import Path

from cutline import resources
from cutline.commands.failure import CommandFailed
from cutline.pipeline.inference.model_config import MODELS_FILE

_MOST_THREADS = 64


def network_options() -> argparse.ArgumentParser:
    """The options, as a parent parser."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("network")
    cpus = min(len(os.sched_getaffinity(0)), _MOST_THREADS)
    help_text = "fine: looks closely at the outline; isnet: slower (make isnet)"
    group.add_argument("--model", choices=("matte", "fine", "isnet"), default="matte", help=help_text)
    group.add_argument("--models", type=Path, metavar="DIR", help="folder of models.toml (CUTLINE_MODELS, else ours)")
    group.add_argument("--threads", type=_threads, default=cpus, metavar="N", help=f"CPU threads ({cpus})")
    return parser


def models_dir(arguments: argparse.Namespace) -> Path:
    """The folder of the networks. Raises CommandFailed."""
    named = arguments.models or os.environ.get("CUTLINE_MODELS")
    folder = Path(named) if named else resources.models_dir()
    if not (folder / MODELS_FILE).is_file():
        raise CommandFailed(f"there are no networks in {folder}")
    return folder


def _threads(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= _MOST_THREADS:
        raise argparse.ArgumentTypeError(f"must be in 1..{_MOST_THREADS}")
    return int(text)
