"""`cutline account`: accounts, their credentials, limits and prices, and their usage."""

import argparse

# Names of a credential's key and secret in the APIs' clients, by kind.
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from cutline.accounts.account import CACHE_S, Account
from cutline.accounts.registry import KINDS, AccountTaken, CredentialRecord, Issued
from cutline.accounts.usage_report import read_usage
from cutline.commands.account_options import account_name, add_account_options, named_options, with_options
from cutline.commands.console import cell_text, print_json, print_table
from cutline.commands.deployment import Deployment, deployment_options
from cutline.commands.failure import CommandFailed, aws_errors_as_failures
from cutline.contracts.usage import COLUMNS, UsageQuery, amount, parse_period, report, to_csv, totals
from cutline.errors import InputRefused
from cutline.tasks.callback import callback_secret

_USED_AS = {
    "jd": ("JD access key", "JD secret key"),
    "aidge": ("Aidge app_key", "Aidge secret"),
    "api-key": ("X-API-KEY, ailabapi-api-key", ""),
}
_EFFECT = f"The change takes effect within {CACHE_S:.0f} seconds."


def add_to(commands: Any) -> None:
    """Declare `account` and its actions."""
    text = "manage accounts: credentials, limits, prices, usage"
    actions = commands.add_parser("account", help=text, description=text).add_subparsers(
        title="actions", metavar="ACTION", required=True
    )
    options = deployment_options()

    def add(name: str, run: Callable[[argparse.Namespace], None], text: str, *flags: str) -> argparse.ArgumentParser:
        action: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text, parents=[options])
        action.set_defaults(run=aws_errors_as_failures()(run))
        if "NAME" in flags:
            action.add_argument("name", metavar="NAME", type=account_name, help="the account")
        if "--json" in flags:
            action.add_argument("--json", action="store_true", help="print JSON")
        return action

    add_account_options(add("create", _create, "create an account and print its credentials, once", "NAME", "--json"))
    add("list", _list, "list all accounts (reads the whole table)", "--json")
    add("show", _show, "show an account and its credentials, without secrets", "NAME", "--json")
    add_account_options(add("set", _set, "change an account's limits, APIs, prices or retention", "NAME", "--json"))
    rotate = add("rotate", _rotate, "issue new credentials, print them once, and remove the old ones", "NAME", "--json")
    rotate.add_argument("--only", choices=KINDS, help="replace only this kind")
    rotate.add_argument(
        "--keep-old", action="store_true", help="keep the old credentials valid until the next rotation"
    )
    for switch in (
        add("disable", _disable, "disable an account, or one of its credentials", "NAME"),
        add("enable", _enable, "enable an account, or one of its credentials", "NAME"),
    ):
        switch.add_argument(
            "--credential", metavar="KEY", help="one credential, by its key as printed by `cutline account show`"
        )
    add("callback-key", _callback_key, "print the key that signs an account's callbacks", "NAME")
    usage = add("usage", _usage, "calls, charges and refusals per day and API", "NAME")
    usage.add_argument(
        "--from", dest="first", default="", metavar="DATE", help="first day, YYYY-MM-DD (default: 30 days up to --to)"
    )
    usage.add_argument(
        "--to", dest="last", default="", metavar="DATE", help="last day, YYYY-MM-DD (default: today, UTC)"
    )
    usage.add_argument("--format", choices=("table", "csv", "json"), default="table", help="(default: table)")


def _create(arguments: argparse.Namespace) -> None:
    registry = Deployment(arguments).registry
    account = with_options(Account(arguments.name), arguments)
    try:
        registry.create(account)
    except AccountTaken as error:
        message = f"account {error} already exists; use `set` to change it, `rotate` to replace its credentials"
        raise CommandFailed(message) from error
    issued = [registry.issue(account.account_id, kind) for kind in KINDS]
    _print_issued(account, issued, as_json=arguments.json)


def _list(arguments: argparse.Namespace) -> None:
    accounts = [_account_document(account) for account in Deployment(arguments).registry.accounts()]
    if arguments.json:
        print_json(accounts)
    else:
        print_table(("account", "enabled", "qps", "quota", "apis", "prices", "retention"), accounts)


def _show(arguments: argparse.Namespace) -> None:
    deployment = Deployment(arguments)
    account = _existing(deployment, arguments.name)
    credentials = [_credential_document(record) for record in deployment.registry.credentials(account.account_id)]
    if arguments.json:
        print_json({**_account_document(account), "credentials": credentials})
        return
    for name, value in _account_document(account).items():
        print(f"{name:10} {cell_text(value)}")
    print()
    print_table(("kind", "key", "enabled", "created"), credentials)


def _set(arguments: argparse.Namespace) -> None:
    deployment = Deployment(arguments)
    account = with_options(_existing(deployment, arguments.name), arguments)
    # Only the options given: another operator may be changing the others, or disabling the account.
    deployment.registry.change(account, named_options(arguments))
    if arguments.json:
        print_json(_account_document(account))
    else:
        print(f"Account {account.account_id} changed. {_EFFECT}")


def _rotate(arguments: argparse.Namespace) -> None:
    deployment = Deployment(arguments)
    account, registry = _existing(deployment, arguments.name), deployment.registry
    old = registry.credentials(account.account_id)
    kinds = [arguments.only] if arguments.only else sorted({record.kind for record in old} or KINDS)
    # Printed before the old ones are removed: if that fails, the operator has the new ones and can try again.
    _print_issued(account, [registry.issue(account.account_id, kind) for kind in kinds], as_json=arguments.json)
    if not arguments.keep_old:
        for record in old:
            if record.kind in kinds:
                registry.remove(record)


def _disable(arguments: argparse.Namespace) -> None:
    _switch(arguments, enabled=False)


def _enable(arguments: argparse.Namespace) -> None:
    _switch(arguments, enabled=True)


def _switch(arguments: argparse.Namespace, *, enabled: bool) -> None:
    deployment = Deployment(arguments)
    account = _existing(deployment, arguments.name)
    what = f"Account {account.account_id}"
    if arguments.credential is None:
        deployment.registry.enable_account(account.account_id, enabled)
    else:
        what = f"{what}'s credential {arguments.credential}"
        records = deployment.registry.credentials(account.account_id)
        wanted = [record for record in records if record.label == arguments.credential]
        if not wanted:
            raise CommandFailed(
                f"account {account.account_id} has no credential {arguments.credential}; `show` lists them"
            )
        for record in wanted:
            deployment.registry.enable_credential(record, enabled)
    print(f"{what} is {'enabled' if enabled else 'disabled'}. {_EFFECT}")


def _callback_key(arguments: argparse.Namespace) -> None:
    deployment = Deployment(arguments)
    print(
        callback_secret(deployment.link_secret().callbacks.encode(), _existing(deployment, arguments.name).account_id)
    )


def _usage(arguments: argparse.Namespace) -> None:
    deployment = Deployment(arguments)
    account_id = _existing(deployment, arguments.name).account_id
    try:
        query = UsageQuery(*parse_period(arguments.first, arguments.last, datetime.now(UTC).date()))
    except InputRefused as error:
        raise CommandFailed(error.detail) from error
    rows = read_usage(deployment.meters, account_id, query.first, query.last)
    if arguments.format == "csv":
        print(to_csv(rows), end="")
    elif arguments.format == "json":
        print_json(report(query, account_id, rows))
    else:
        total = {**dict.fromkeys(COLUMNS, ""), "day": "total", **totals(rows)}
        print_table(COLUMNS, [*(row.cells() for row in rows), total])


def _existing(deployment: Deployment, name: str) -> Account:
    account = deployment.registry.find(name)
    if account is None:
        raise CommandFailed(f"account {name} not found")
    return account


def _account_document(account: Account) -> dict[str, Any]:
    """Return an account's options; None is no limit."""
    return {
        "account": account.account_id,
        "enabled": account.enabled,
        "qps": account.qps,
        "quota": account.daily_quota,
        "apis": None if account.apis is None else sorted(account.apis),
        "prices": {api: amount(micros) for api, micros in sorted(account.price_micros.items())},
        "retention": "on" if account.retains else "off",
    }


def _credential_document(record: CredentialRecord) -> dict[str, Any]:
    """Return a credential without its secret."""
    created = datetime.fromtimestamp(record.created_at, UTC).isoformat().replace("+00:00", "Z")
    return {"kind": record.kind, "key": record.label, "enabled": record.enabled, "created": created}


def _print_issued(account: Account, issued: Sequence[Issued], *, as_json: bool) -> None:
    """Print new credentials: the only time that their secrets are shown."""
    if as_json:
        credentials = [{"kind": new.kind, "key": new.key, "secret": new.secret or None} for new in issued]
        print_json({**_account_document(account), "credentials": credentials})
        return
    print(f"Credentials of {account.account_id}. Save them now: they cannot be shown again.\n")
    for new in issued:
        for use, value in zip(_USED_AS[new.kind], (new.key, new.secret), strict=True):
            if value:
                print(f"  {use:28} {value}")
