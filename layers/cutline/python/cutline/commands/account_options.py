"""An account's rate, quota, APIs, prices and retention as arguments of the command line."""

import argparse
import re
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from cutline.accounts.account import EVERY_API, Account
from cutline.contracts.apis import APIS, CALLS

_ALL = "all"
_NONE = "none"
_RETENTION = {"on": True, "off": False}


def add_account_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options; none is required."""
    parser.add_argument("--qps", type=_rate, metavar="N", help="calls per second (new accounts: 2)")
    parser.add_argument("--quota", type=_quota, metavar="N", help=f"calls per UTC day, or {_NONE} (new accounts: none)")
    parser.add_argument(
        "--api", action="append", choices=(*APIS, _ALL), help="allow only this API; repeatable (new accounts: all)"
    )
    parser.add_argument(
        "--price",
        action="append",
        type=_price,
        metavar="API=AMOUNT",
        help=f"price of a call, such as {next(iter(APIS))}=0.002; {EVERY_API}=AMOUNT for all other APIs but mends; "
        "repeatable (new accounts: 0)",
    )
    parser.add_argument(
        "--retention",
        choices=_RETENTION,
        help="off: store only usage counters and return results inline (new accounts: on)",
    )


def with_options(account: Account, arguments: argparse.Namespace) -> Account:
    """Return the account with the given options changed."""
    return replace(account, **_options(account, arguments))


def named_options(arguments: argparse.Namespace) -> set[str]:
    """Return the account's fields that the given options change."""
    return set(_options(Account("any"), arguments))


def _options(account: Account, arguments: argparse.Namespace) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if arguments.qps is not None:
        options["qps"] = arguments.qps
    if arguments.quota is not None:
        options["daily_quota"] = None if arguments.quota == _NONE else arguments.quota
    if arguments.api:
        options["apis"] = None if _ALL in arguments.api else frozenset(arguments.api)
    if arguments.price:
        options["price_micros"] = {**account.price_micros, **dict(arguments.price)}
    if arguments.retention:
        options["retains"] = _RETENTION[arguments.retention]
    return options


def account_name(text: str) -> str:
    """Check a name, which becomes part of keys in tables and buckets."""
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", text, re.ASCII) is None:
        raise argparse.ArgumentTypeError(
            "must be 1 to 63 lower-case letters, digits, - and _, and start with a letter or digit"
        )
    return text


def _rate(text: str) -> float:
    value = _decimal(text)
    if not Decimal("0.001") <= value <= 100_000:  # noqa: PLR2004
        raise argparse.ArgumentTypeError("must be in 0.001..100000; to refuse all calls use `cutline account disable`")
    return float(value)


def _quota(text: str) -> int | str:
    if text == _NONE:
        return text
    if re.fullmatch(r"[0-9]{1,15}", text, re.ASCII) is None:
        raise argparse.ArgumentTypeError(f"must be a number of calls, or {_NONE}")
    return int(text)


def _price(text: str) -> tuple[str, int]:
    """Parse an API and its price in millionths."""
    api, _, amount = text.partition("=")
    if api not in (*CALLS, EVERY_API):
        raise argparse.ArgumentTypeError(f"the API must be one of {', '.join(CALLS)} or {EVERY_API}")
    value = _decimal(amount)
    # Its size first: 1e999999 is a number whose millionths, or digits, take forever.
    if not 0 <= value <= 10**6 or (micros := value * 1_000_000) != int(micros):
        raise argparse.ArgumentTypeError("the amount must be in 0..1000000, with up to six decimals")
    return api, int(micros)


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from error
    if not value.is_finite():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return value
