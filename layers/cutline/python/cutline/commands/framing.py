"""Options of the commands that say which subject is meant and how it stands in the result."""

import argparse
from collections.abc import Callable

from cutline.pipeline.layout.framing_parser import READERS, read_region

_FRAMING = {
    "margin": "around the subject, with --crop: 1, 2 or 4 lengths such as 30px or '10%% 5%%'",
    "scale": "share of the result that the subject takes: 10%%..100%%",
    "position": "original, center, or where the free space goes, such as '50%% 100%%'",
    "ratio": "width to height of the result, such as 1:1 or 4:5",
    "least": "pixels that the result has at least, such as 1000 or 800x1000; smaller ones are enlarged",
    "most": "pixels that the result has at most",
}


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
        group.add_argument(f"--{name}", type=checked(READERS[name]), help=text)
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
