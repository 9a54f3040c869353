"""The command line, `cutline COMMAND ...`: pictures on this machine, and deployments, local or AWS's.

A command is a module of this package with `add_to(commands)`, which declares its arguments and sets `run`: a function
of the parsed arguments that raises CommandFailed. List the module in COMMANDS and it is there. Only the module of the
command that was asked for is imported, so `cutline cut` never waits for AWS's libraries.

cut, batch, review, calibrate, compare_with, find_usage, serve, account, doctor, bench
                 one command each
console          tables, JSON, messages and the progress bar
failure          how a command ends that failed
arguments        options of several commands: networks, framing, profiles
account_options  an account's options as arguments
pictures         input pictures, and where their results go
comparison       one picture's cut-out against another service's, and the page that shows both
deployment       where a deployment keeps its accounts
doctor_checks    the checks of `doctor`
sam_project      a checkout's samconfig.toml and build
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

import cutline
from cutline.commands.failure import EXIT_STATUS, CommandFailed

COMMANDS = ("cut", "batch", "review", "calibrate", "compare-with", "find-usage", "serve", "account", "doctor", "bench")
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status; argparse itself ends with 2 for bad arguments."""
    words = sys.argv[1:] if argv is None else list(argv)
    text = "Background removal: cut out pictures here, or operate the service."
    parser = argparse.ArgumentParser(prog="cutline", description=text, epilog=EXIT_STATUS)
    parser.add_argument("--version", action="version", version=f"cutline {cutline.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in [words[0]] if words[:1] and words[0] in COMMANDS else COMMANDS:
        importlib.import_module(f"cutline.commands.{command.replace('-', '_')}").add_to(commands)
    arguments = parser.parse_args(words)
    try:
        arguments.run(arguments)
    except CommandFailed as error:
        print(f"cutline: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0
