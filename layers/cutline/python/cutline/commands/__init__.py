"""The command line, `cutline COMMAND ...`: pictures on this machine, and deployments, local or AWS's.

A command is a module of this package with `add_to(commands)`, which declares its arguments and sets `run`: a function
of the parsed arguments that raises CommandFailed. List the module in COMMANDS and it is there. What only one command
needs and is slow to import (the networks, the local cloud), it imports when it runs.
"""

import argparse
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

import cutline
from cutline.adapters.dynamodb import ConditionFailed
from cutline.commands import account, batch, bench, cut, serve
from cutline.commands.failure import EXIT_STATUS, CommandFailed

COMMANDS = (cut, batch, serve, account, bench)
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status; argparse itself ends with 2 for bad arguments."""
    text = "Background removal: cut out pictures here, or operate the service."
    parser = argparse.ArgumentParser(prog="cutline", description=text, epilog=EXIT_STATUS)
    parser.add_argument("--version", action="version", version=f"cutline {cutline.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    arguments = parser.parse_args(argv)
    try:
        arguments.run(arguments)
    except (CommandFailed, ConditionFailed, ClientError, BotoCoreError) as error:
        print(f"cutline: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0
