"""`cutline doctor`: what a deployment would stumble over, before it is begun."""

import argparse
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cutline.commands.deployment import DEFAULT_STACK
from cutline.commands.doctor_checks import AT_AWS, AT_HOME, Clients, Finding, Plan, Verdict, run
from cutline.commands.failure import CommandFailed
from cutline.commands.sam_project import SamConfig, read_samconfig

_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 3})


def add_to(commands: Any) -> None:
    """Declares `doctor`."""
    text = "look at the AWS account, the quotas and what was built, before a deployment; changes nothing"
    parser = commands.add_parser("doctor", help=text, description=text)
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("samconfig.toml"),
        metavar="FILE",
        help="what sam deploy is told (%(default)s)",
    )
    parser.add_argument("--stack", help=f"the stack's name (the file's, else {DEFAULT_STACK})")
    parser.add_argument("--region", help="AWS region (the file's, else AWS's usual places)")
    parser.add_argument("--profile", help="profile of the AWS configuration (the file's, else AWS_PROFILE)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    """Prints a line per finding. Raises CommandFailed if one of them is a failure."""
    failures = 0
    for finding in findings(arguments):
        print(f"{finding.verdict:9}{finding.what:14}{finding.text}", flush=True)
        failures += finding.verdict is Verdict.FAILURE
    if failures:
        raise CommandFailed(f"{failures} to mend before a deployment")


def findings(arguments: argparse.Namespace) -> Iterator[Finding]:
    """All checks; those at AWS only with credentials and a region to ask with."""
    config = read_samconfig(arguments.config) if arguments.config.exists() else SamConfig()
    if not arguments.config.exists():
        text = f"no {arguments.config}: looked at are the template's defaults. cp samconfig.toml.example samconfig.toml"
        yield Finding(Verdict.WARNING, "configuration", text)
    try:
        session = boto3.Session(
            profile_name=arguments.profile or config.profile or None,
            region_name=arguments.region or config.region or None,
        )
    except BotoCoreError as error:
        yield Finding(Verdict.FAILURE, "credentials", f"{error}: aws configure, or another --profile")
        return
    plan = Plan(
        arguments.stack or config.stack or DEFAULT_STACK,
        session.region_name or "",
        arguments.config.resolve().parent,
        config.parameters,
    )
    for check in AT_HOME:
        yield from run(check, plan, session.client)
    clients = cache(lambda service: session.client(service, config=_CONFIG))
    ready = True
    for finding in _way_in(session, plan, clients):
        ready = ready and finding.verdict is not Verdict.FAILURE
        yield finding
    for check in AT_AWS if ready else ():
        yield from run(check, plan, clients)


def _way_in(session: Any, plan: Plan, clients: Clients) -> Iterator[Finding]:
    """Region and credentials, without which nothing else can be asked."""
    if not plan.region:
        text = "none: set region in samconfig.toml, or AWS_REGION"
        yield Finding(Verdict.FAILURE, "region", text)
        return
    try:
        known = session.get_available_regions("lambda", session.get_partition_for_region(plan.region))
    except BotoCoreError as error:
        yield Finding(Verdict.FAILURE, "region", str(error))
        return
    if plan.region in known:
        yield Finding(Verdict.OK, "region", plan.region)
    else:
        text = f"this boto3 knows no Lambda in {plan.region}: is it spelt right?"
        yield Finding(Verdict.WARNING, "region", text)
    try:
        yield Finding(Verdict.OK, "credentials", clients("sts").get_caller_identity()["Arn"])
    except (BotoCoreError, ClientError) as error:
        yield Finding(Verdict.FAILURE, "credentials", f"{error}: aws configure, or another --profile")
