"""`cutline health`: what each part of a deployment says of itself."""

import argparse
from typing import Any

from cutline.commands.console import print_json
from cutline.commands.deployment import Deployment, deployment_options
from cutline.commands.failure import CommandFailed, aws_errors_as_failures

# As of BacklogAlarm.
_MAX_AGE_S = 600


def add_to(commands: Any) -> None:
    """Declare `health`."""
    text = "try every part of a deployment: networks, tables, buckets, queues, keys, endpoint"
    command = commands.add_parser("health", help=text, description=text, parents=[deployment_options()])
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=aws_errors_as_failures()(_run))


def _run(arguments: argparse.Namespace) -> None:
    """Print a line per part. Raises CommandFailed if one of them is broken."""
    deployment = Deployment(arguments)
    found = deployment.health()
    found["oldest_task_s"] = age = deployment.oldest_task_s()
    if arguments.json:
        print_json(found)
    else:
        print(f"version {found['version']}; {', '.join(found['layers'])}")
        print(", ".join(f"{name} {version}" for name, version in found["packages"].items()))
        for name, part in found["parts"].items():
            print(f"{'ok' if part['ok'] else 'BROKEN':8}{name:30}{part['ms']:6} ms  {part['detail']}")
        print(f"oldest task: {'unknown' if age is None else f'{age:.0f} s'}")
    broken = [name for name, part in found["parts"].items() if not part["ok"]]
    if age is not None and age > _MAX_AGE_S:
        broken.append("age of the oldest task")
    if broken:
        raise CommandFailed(f"broken: {', '.join(broken)}")
