"""`cutline doctor`: checks before a deployment. They are in `doctor_checks`: one module would exceed 300 lines."""

import argparse
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cutline.commands.deployment import DEFAULT_STACK
from cutline.commands.doctor_checks import AWS_CHECKS, LOCAL_CHECKS, Clients, Finding, Plan, Verdict, run
from cutline.commands.failure import CommandFailed
from cutline.commands.release_checks import RELEASE_CHECKS
from cutline.commands.sam_project import SamConfig, read_samconfig
from cutline.local_file import real_path

_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 3})


def add_to(commands: Any) -> None:
    """Declare `doctor`."""
    text = "check the AWS account, its quotas and the build before a deployment; changes nothing"
    parser = commands.add_parser("doctor", help=text, description=text)
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("samconfig.toml"),
        metavar="FILE",
        help="configuration of `sam deploy` (default: %(default)s)",
    )
    parser.add_argument("--stack", help=f"stack name (default: the file's, else {DEFAULT_STACK})")
    parser.add_argument("--region", help="AWS region (default: the file's, else as the AWS CLI)")
    parser.add_argument("--profile", help="profile of the AWS configuration (default: the file's, else AWS_PROFILE)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    """Print a line per finding. Raises CommandFailed if one of them is a failure."""
    failures = 0
    for finding in findings(arguments):
        print(f"{finding.verdict:9}{finding.what:14}{finding.text}", flush=True)
        failures += finding.verdict is Verdict.FAILURE
    if failures:
        raise CommandFailed(f"{failures} {'problem' if failures == 1 else 'problems'} to fix before a deployment")


def findings(arguments: argparse.Namespace) -> Iterator[Finding]:
    """Run all checks; those that call AWS only with valid credentials and a region."""
    config = read_samconfig(arguments.config) if arguments.config.exists() else SamConfig()
    if not arguments.config.exists():
        text = f"{arguments.config} not found: checked the defaults. Run cp samconfig.toml.example samconfig.toml"
        yield Finding(Verdict.WARNING, "configuration", text)
    try:
        session = boto3.Session(
            profile_name=arguments.profile or config.profile or None,
            region_name=arguments.region or config.region or None,
        )
    except BotoCoreError as error:
        yield Finding(Verdict.FAILURE, "credentials", f"{error}. Run aws configure, or use another --profile")
        return
    plan = Plan(
        arguments.stack or config.stack or DEFAULT_STACK,
        session.region_name or "",
        real_path(arguments.config).parent,
        config.parameters,
        config.rollout,
    )
    for check in LOCAL_CHECKS:
        yield from run(check, plan, session.client)
    clients = cache(lambda service: session.client(service, config=_CONFIG))
    ready = True
    for finding in _check_access(session, plan, clients):
        ready = ready and finding.verdict is not Verdict.FAILURE
        yield finding
    for check in (*AWS_CHECKS, *RELEASE_CHECKS) if ready else ():
        yield from run(check, plan, clients)


def _check_access(session: Any, plan: Plan, clients: Clients) -> Iterator[Finding]:
    """Check region and credentials, which all calls of AWS need."""
    if not plan.region:
        text = "not set: set region in samconfig.toml, or AWS_REGION"
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
        text = f"this version of boto3 has no Lambda in {plan.region}: check the spelling"
        yield Finding(Verdict.WARNING, "region", text)
    try:
        yield Finding(Verdict.OK, "credentials", clients("sts").get_caller_identity()["Arn"])
    except (BotoCoreError, ClientError) as error:
        yield Finding(Verdict.FAILURE, "credentials", f"{error}. Run aws configure, or use another --profile")
