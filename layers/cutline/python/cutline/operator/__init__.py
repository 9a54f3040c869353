"""The operator's command line, `cutline COMMAND ...`, against the local cloud and AWS alike.

A command is a module of this package with `add_to(commands)`, which declares its arguments and sets `run`: a function
of the parsed arguments that raises CommandFailed. List the module in COMMANDS and it is there.
"""

import argparse
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

import cutline
from cutline.operator import account, batch
from cutline.operator.deployment import CommandFailed

COMMANDS = (account, batch)


def main(argv: Sequence[str] | None = None) -> int:
    """0, or 1 with a line on stderr when the command failed; argparse itself ends with 2 for bad arguments."""
    parser = argparse.ArgumentParser(prog="cutline", description="Operates a deployment of Cutline.")
    parser.add_argument("--version", action="version", version=f"cutline {cutline.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    arguments = parser.parse_args(argv)
    try:
        arguments.run(arguments)
    except (CommandFailed, ClientError, BotoCoreError) as error:
        print(f"cutline: {error}", file=sys.stderr)
        return 1
    return 0
