"""`cutline smoke-key`: the account and the key of the scheduled smoke (SmokeMinutes)."""

import argparse
from contextlib import suppress
from typing import Any

from cutline.accounts.account import Account
from cutline.accounts.registry import AccountTaken
from cutline.commands.deployment import Deployment, deployment_options
from cutline.commands.failure import aws_errors_as_failures
from cutline.contracts import ailabtools, picwish
from cutline.watch.smoke import key_text

# Both ways twelve times an hour, and as many again; the daily quota bounds what a stolen key costs.
ACCOUNT = Account("scheduled-smoke", qps=2, daily_quota=1200, apis=frozenset({ailabtools.NAME, picwish.NAME}))
_KIND = "api-key"


def add_to(commands: Any) -> None:
    """Declare `smoke-key`."""
    text = f"make the account {ACCOUNT.account_id} of the scheduled smoke (SmokeMinutes), or give it a new key"
    command = commands.add_parser("smoke-key", help=text, description=text, parents=[deployment_options()])
    command.set_defaults(run=aws_errors_as_failures()(_run))


def _run(arguments: argparse.Namespace) -> None:
    """Store a new key before the old ones go, so that no smoke is sent with a removed one."""
    deployment = Deployment(arguments)
    registry, secret = deployment.registry, deployment.smoke_key
    with suppress(AccountTaken):
        registry.create(ACCOUNT)
    old = registry.credentials(ACCOUNT.account_id)
    secret(key_text(registry.issue(ACCOUNT.account_id, _KIND).key))
    for record in old:
        registry.remove(record)
    print(f"Account {ACCOUNT.account_id} has a new key, and the secret holds it.")
