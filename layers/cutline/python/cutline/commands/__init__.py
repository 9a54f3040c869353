"""The command line, `cutline COMMAND ...`: pictures on this machine, and deployments, local or AWS's.

A command is a module of this package with `add_to(commands)`, which declares its arguments and sets `run`: a function
of the parsed arguments that raises CommandFailed. COMMANDS lists them. Only the module of the
command that was asked for is imported, so `cutline cut` does not load AWS's libraries.

cut, batch, review, calibrate, learn, check, mcp, compare_with, find_usage, serve, account, rotate_links, results_key,
smoke_key, health, doctor, bench
                 one command each
console          tables, JSON, messages and the progress bar
failure          how a command ends that failed
arguments        options of several commands: networks, framing, profiles
account_options  an account's options as arguments
pictures         input pictures, and where their results go
cut_work         what `cut` does with one picture
comparison       one picture's cut-out against another service's, and the page that shows both
deployment       where a deployment keeps its accounts
doctor_checks    the checks of `doctor`
release_checks   those of it that ask what a release needs next to what runs
leftovers        what deleted and failed stacks have left
sam_project      a checkout's samconfig.toml and build
"""

import argparse
import importlib
import io
import sys
from collections.abc import Sequence

import cutline
from cutline.commands.failure import EXIT_STATUS, CommandFailed

COMMANDS = (
    "cut",
    "batch",
    "review",
    "calibrate",
    "learn",
    "check",
    "mcp",
    "compare-with",
    "find-usage",
    "serve",
    "account",
    "rotate-links",
    "results-key",
    "smoke-key",
    "health",
    "doctor",
    "bench",
)
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status; argparse itself exits with 2 for bad arguments."""
    _keep_file_names()
    words = sys.argv[1:] if argv is None else list(argv)
    text = "Remove backgrounds from pictures on this machine, or operate the service."
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
        return error.status
    except OSError as error:
        print(f"cutline: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _keep_file_names() -> None:
    """Let stdout take file names in any encoding: Python holds bytes that are not UTF-8 as surrogates."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")
