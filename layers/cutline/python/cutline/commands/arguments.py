"""What several commands share: how one is declared, options of networks, framing and marketplace profiles."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cutline import resources
from cutline.commands.failure import CommandFailed
from cutline.contracts.addresses import read_address
from cutline.errors import MattingError
from cutline.pipeline.finish.options import FITS, SHADOWS, read_shadow
from cutline.pipeline.inference.model_config import MODELS_FILE, names_with
from cutline.pipeline.layout.framing_parser import OPTION_NAMES, READERS, read_region
from cutline.pipeline.options import DEPTHS, METADATA_MODES
from cutline.pipeline.outputs.profiles import BUILT_IN, Profile, read_profiles

_MAX_THREADS = 64
_FRAMING = {
    "margin": "margin around the subject, with --crop: 1, 2 or 4 lengths such as 30px or '10%% 5%%'",
    "scale": "the subject's share of the result, 10%%..100%%",
    "position": "original, center, or shares of the free space left of and above the subject, such as '50%% 100%%'",
    "ratio": "width to height of the result, such as 1:1 or 4:5",
    "least": "minimum size in pixels, such as 1000 or 800x1000; a smaller result is enlarged",
    "most": "maximum size in pixels",
}


def declare(
    commands: Any, name: str, text: str, epilog: str, run: Callable[..., None], *parents: argparse.ArgumentParser
) -> argparse.ArgumentParser:
    """Declare a command that ends its help with `epilog`; `refuse` of its arguments ends it with a usage error."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text,
        epilog=epilog,
        parents=parents,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, refuse=parser.error)
    return parser


def network_options() -> argparse.ArgumentParser:
    """Return the options as a parent parser."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("network")
    cpus = min(len(os.sched_getaffinity(0)), _MAX_THREADS)
    group.add_argument(
        "--model", default="matte", metavar="NAME", help="network, an entry of models.toml (default: %(default)s)"
    )
    folder = "folder of models.toml (default: CUTLINE_MODELS, else the installed one)"
    group.add_argument("--models", type=Path, metavar="DIR", help=folder)
    group.add_argument("--threads", type=_threads, default=cpus, metavar="N", help=f"CPU threads (default: {cpus})")
    return parser


def models_dir(arguments: argparse.Namespace) -> Path:
    """Return the folder of the networks, of which `--model` is one for cut-outs. Raises CommandFailed."""
    named = arguments.models or os.environ.get("CUTLINE_MODELS")
    folder = Path(named) if named else resources.models_dir()
    if not (folder / MODELS_FILE).is_file():
        raise CommandFailed(f"no networks in {folder}: it has no {MODELS_FILE}")
    try:
        names = names_with(folder)
    except MattingError as error:
        raise CommandFailed(error.detail) from error
    if arguments.model not in names:
        raise CommandFailed(
            f"{folder / MODELS_FILE} has no network {arguments.model!r}; choose from {', '.join(names)}"
        )
    return folder


def _threads(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= _MAX_THREADS:
        raise argparse.ArgumentTypeError(f"must be in 1..{_MAX_THREADS}")
    return int(text)


def finish_options() -> argparse.ArgumentParser:
    """Return the options as a parent parser; their values are texts in the service's own syntax."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("shadow, background and metadata")
    group.add_argument(
        "--shadow",
        type=checked(read_shadow),
        metavar="KIND",
        help=f"{', '.join(SHADOWS)}: keep the photograph's own or draw one, with opacity, softness and angle: "
        "'drop 60%% 30%% 20deg'; 'whole' makes --crop hold it too (default: none)",
    )
    group.add_argument(
        "--background",
        dest="behind",
        metavar="WHAT",
        help="a colour (ffffff), a gradient (ffffff,d0d0d0 or ffffff,d0d0d0,90deg), blur for the photograph's own, a "
        "picture (file or https address), or transparent",
    )
    group.add_argument(
        "--background-fit", choices=FITS, help="a background picture fills the result or fits into it (default: cover)"
    )
    group.add_argument(
        "--metadata",
        choices=METADATA_MODES,
        default=METADATA_MODES[0],
        help="what results keep of the file's Exif, XMP and resolution; all includes the place (default: none)",
    )
    group.add_argument(
        "--depth",
        choices=tuple(DEPTHS),
        default="8",
        help="bits of a sample: 16 for a transparent PNG, of a PNG or TIFF with them; others are scaled (default: 8)",
    )
    return parser


def framing_options() -> argparse.ArgumentParser:
    """Return the options as a parent parser; their values are texts in the service's own syntax."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("framing")
    group.add_argument(
        "--roi",
        type=checked(read_region),
        metavar="REGION",
        help="region with the subject: left, top, right, bottom, such as '0%% 0%% 50%% 100%%'",
    )
    for name, text in _FRAMING.items():
        option = OPTION_NAMES.get(name, name).replace("_", "-")
        group.add_argument(f"--{option}", dest=name, metavar=option.upper(), type=checked(READERS[name]), help=text)
    return parser


def framing_of(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the given framing options by the names of the service's fields."""
    return {name: getattr(arguments, name) for name in READERS if getattr(arguments, name) is not None}


def checked(reader: Callable[[str], object]) -> Callable[[str], str]:
    """Return an argument type that checks a text with `reader` and keeps it as text."""

    def check(text: str) -> str:
        try:
            reader(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return text

    return check


def check_address(option: str, address: str) -> None:
    """Raise CommandFailed for an address that no request can be sent to."""
    try:
        if not address.isascii() or " " in address:
            raise ValueError
        read_address(address)
    except ValueError as error:
        raise CommandFailed(f"{option} must be an address such as https://HOST, not {address!r}") from error


def profile_options() -> argparse.ArgumentParser:
    """Return the options as a parent parser."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("marketplace profile")
    group.add_argument(
        "--profile",
        metavar="NAME",
        help=f"rules of a marketplace: {', '.join(read_profiles())}, or a name in --profiles",
    )
    group.add_argument("--profiles", type=Path, metavar="FILE", help=f"your own profiles, in the format of {BUILT_IN}")
    return parser


def find_profile(name: str, file: Path | None) -> Profile:
    """Return a profile by name, from the file before the built-in ones. Raises CommandFailed."""
    profiles = all_profiles(file)
    if name not in profiles:
        raise CommandFailed(f"unknown profile {name!r}; choose from {', '.join(sorted(profiles))}")
    return profiles[name]


def all_profiles(file: Path | None) -> dict[str, Profile]:
    """Return the profiles of the file and the built-in ones by name. Raises CommandFailed."""
    try:
        return {**read_profiles(), **(read_profiles(file) if file else {})}
    except OSError as error:
        raise CommandFailed(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise CommandFailed(str(error)) from error
