"""Options of the commands that make pictures as a marketplace asks for them."""

import argparse
from pathlib import Path

from cutline.commands.failure import CommandFailed
from cutline.pipeline.outputs.profiles import BUILT_IN, Profile, read_profiles


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
