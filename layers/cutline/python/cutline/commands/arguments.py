"""Options that several commands share: the networks on this machine, framing, and marketplace profiles."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from cutline import resources
from cutline.commands.failure import CommandFailed
from cutline.errors import MattingError
from cutline.pipeline.inference.model_config import MODELS_FILE, names_with
from cutline.pipeline.layout.framing_parser import OPTION_NAMES, READERS, read_region
from cutline.pipeline.outputs.profiles import BUILT_IN, Profile, read_profiles

_MOST_THREADS = 64
_FRAMING = {
    "margin": "around the subject, with --crop: 1, 2 or 4 lengths such as 30px or '10%% 5%%'",
    "scale": "share of the result that the subject takes: 10%%..100%%",
    "position": "original, center, or where the free space goes, such as '50%% 100%%'",
    "ratio": "width to height of the result, such as 1:1 or 4:5",
    "least": "minimum size in pixels, such as 1000 or 800x1000; a smaller result is enlarged",
    "most": "maximum size in pixels",
}


def network_options() -> argparse.ArgumentParser:
    """The options, as a parent parser."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("network")
    cpus = min(len(os.sched_getaffinity(0)), _MOST_THREADS)
    group.add_argument("--model", default="matte", metavar="NAME", help="an entry of models.toml (%(default)s)")
    group.add_argument("--models", type=Path, metavar="DIR", help="folder of models.toml (CUTLINE_MODELS, else ours)")
    group.add_argument("--threads", type=_threads, default=cpus, metavar="N", help=f"CPU threads ({cpus})")
    return parser


def models_dir(arguments: argparse.Namespace) -> Path:
    """Return the folder of the networks, of which `--model` is one for cut-outs. Raises CommandFailed."""
    named = arguments.models or os.environ.get("CUTLINE_MODELS")
    folder = Path(named) if named else resources.models_dir()
    if not (folder / MODELS_FILE).is_file():
        raise CommandFailed(f"there are no networks in {folder}")
    try:
        names = names_with(folder)
    except MattingError as error:
        raise CommandFailed(error.detail) from error
    if arguments.model not in names:
        raise CommandFailed(f"{folder / MODELS_FILE} has no network {arguments.model!r}; it has {', '.join(names)}")
    return folder


def _threads(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= _MOST_THREADS:
        raise argparse.ArgumentTypeError(f"must be in 1..{_MOST_THREADS}")
    return int(text)


def framing_options() -> argparse.ArgumentParser:
    """The options, as a parent parser; their values are texts that the service reads too."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("which, and how it stands there")
    group.add_argument(
        "--roi",
        type=checked(read_region),
        metavar="REGION",
        help="look here alone: left, top, right, bottom, such as '0%% 0%% 50%% 100%%'",
    )
    for name, text in _FRAMING.items():
        option = OPTION_NAMES.get(name, name).replace("_", "-")
        group.add_argument(f"--{option}", dest=name, metavar=option.upper(), type=checked(READERS[name]), help=text)
    return parser


def framing_of(arguments: argparse.Namespace) -> dict[str, str]:
    """What was said of the framing, by the names of its fields."""
    return {name: getattr(arguments, name) for name in READERS if getattr(arguments, name) is not None}


def checked(reader: Callable[[str], object]) -> Callable[[str], str]:
    """The text, if the reader takes it; argparse tells what is wrong with it."""

    def check(text: str) -> str:
        try:
            reader(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return text

    return check


def profile_options() -> argparse.ArgumentParser:
    """The options, as a parent parser."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("as a marketplace asks for it")
    group.add_argument("--profile", metavar="NAME", help=f"one of {', '.join(read_profiles())}, or of --profiles")
    group.add_argument("--profiles", type=Path, metavar="FILE", help=f"profiles of your own, like {BUILT_IN}")
    return parser


def find_profile(name: str, file: Path | None) -> Profile:
    """The profile of that name, of the file before the built-in ones. Raises CommandFailed."""
    try:
        profiles = {**read_profiles(), **(read_profiles(file) if file else {})}
    except OSError as error:
        raise CommandFailed(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise CommandFailed(str(error)) from error
    if name not in profiles:
        raise CommandFailed(f"there is no profile {name!r}; there are {', '.join(sorted(profiles))}")
    return profiles[name]
