"""What an account may do, as arguments of the command line."""

import argparse
import re
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from cutline.accounts.account import EVERY_API, Account
from cutline.contracts.apis import APIS

_ALL = "all"
_NONE = "none"
_RETENTION = {"on": True, "off": False}


def add_terms(parser: argparse.ArgumentParser) -> None:
    """Declares the options; none of them is required."""
    parser.add_argument("--qps", type=_rate, metavar="N", help="calls per second (new accounts: 2)")
    parser.add_argument("--quota", type=_quota, metavar="N", help=f"calls per UTC day, or {_NONE} (new accounts: none)")
    parser.add_argument(
        "--api", action="append", choices=(*APIS, _ALL), help="allow this API (repeat; new accounts: all)"
    )
    parser.add_argument(
        "--price",
        action="append",
        type=_price,
        metavar="API=AMOUNT",
        help=f"price of a call, such as {next(iter(APIS))}=0.002; {EVERY_API}=AMOUNT is for all others "
        "(repeat; new accounts: 0)",
    )
    parser.add_argument(
        "--retention",
        choices=_RETENTION,
        help="off: nothing of its calls is stored but the meter; results come inline (new accounts: on)",
    )


def with_terms(account: Account, arguments: argparse.Namespace) -> Account:
    """The account with what the arguments name; what they do not name stays."""
    return replace(account, **_terms(account, arguments))


def named_terms(arguments: argparse.Namespace) -> set[str]:
    """What the arguments name, as the account's fields."""
    return set(_terms(Account("any"), arguments))


def _terms(account: Account, arguments: argparse.Namespace) -> dict[str, Any]:
    terms: dict[str, Any] = {}
    if arguments.qps is not None:
        terms["qps"] = arguments.qps
    if arguments.quota is not None:
        terms["daily_quota"] = None if arguments.quota == _NONE else arguments.quota
    if arguments.api:
        terms["apis"] = None if _ALL in arguments.api else frozenset(arguments.api)
    if arguments.price:
        terms["price_micros"] = {**account.price_micros, **dict(arguments.price)}
    if arguments.retention:
        terms["retains"] = _RETENTION[arguments.retention]
    return terms


def account_name(text: str) -> str:
    """A name that is safe in keys of tables and buckets."""
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", text, re.ASCII) is None:
        raise argparse.ArgumentTypeError("must be up to 63 lower case letters, digits, - and _")
    return text


def _rate(text: str) -> float:
    value = _decimal(text)
    if not Decimal("0.001") <= value <= 100_000:  # noqa: PLR2004
        raise argparse.ArgumentTypeError("must be in 0.001..100000; `disable` refuses every call")
    return float(value)


def _quota(text: str) -> int | str:
    if text == _NONE:
        return text
    if re.fullmatch(r"[0-9]{1,15}", text, re.ASCII) is None:
        raise argparse.ArgumentTypeError(f"must be a number of calls, or {_NONE}")
    return int(text)


def _price(text: str) -> tuple[str, int]:
    """The API and its price in millionths."""
    api, _, amount = text.partition("=")
    if api not in (*APIS, EVERY_API):
        raise argparse.ArgumentTypeError(f"the API must be one of {', '.join(APIS)} or {EVERY_API}")
    micros = _decimal(amount) * 1_000_000
    if micros != int(micros) or not 0 <= micros <= 10**12:
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
