"""What the command line prints: documents, as tables for people or as JSON for scripts."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cutline.accounts.account import Account
from cutline.accounts.registry import CredentialRecord, Issued
from cutline.contracts.usage import amount

# What a kind of credential is called where it is used: its key, and its secret if it has one.
_USED_AS = {
    "jd": ("JD access key", "JD secret key"),
    "aidge": ("Aidge app_key", "Aidge secret"),
    "api-key": ("X-API-KEY, ailabapi-api-key", ""),
}


def account_document(account: Account) -> dict[str, Any]:
    """An account's terms; None is no limit."""
    return {
        "account": account.account_id,
        "enabled": account.enabled,
        "qps": account.qps,
        "quota": account.daily_quota,
        "apis": None if account.apis is None else sorted(account.apis),
        "prices": {api: amount(micros) for api, micros in sorted(account.price_micros.items())},
        "retention": "on" if account.retains else "off",
    }


def credential_document(record: CredentialRecord) -> dict[str, Any]:
    """A credential without its secret."""
    created = datetime.fromtimestamp(record.created_at, UTC).isoformat().replace("+00:00", "Z")
    return {"kind": record.kind, "key": record.label, "enabled": record.enabled, "created": created}


def print_issued(account: Account, issued: Sequence[Issued], *, as_json: bool) -> None:
    """New credentials, the only time that they are shown."""
    if as_json:
        credentials = [{"kind": new.kind, "key": new.key, "secret": new.secret or None} for new in issued]
        print_json({**account_document(account), "credentials": credentials})
        return
    print(f"Credentials of {account.account_id}. They are not shown again: what is kept is hashed or encrypted.\n")
    for new in issued:
        for use, value in zip(_USED_AS[new.kind], (new.key, new.secret), strict=True):
            if value:
                print(f"  {use:28} {value}")


def print_json(document: object) -> None:
    """The document, indented."""
    print(json.dumps(document, indent=2))


def print_table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """The rows under a header line, numbers to the right."""
    lines = [list(columns), *([cell_text(row[column]) for column in columns] for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    right = [bool(rows) and all(_is_number(row[column]) for row in rows) for column in columns]
    for line in lines:
        cells = (
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, right, strict=True)
        )
        print("  ".join(cells).rstrip())


def cell_text(value: object) -> str:
    """A value as a table shows it."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case Mapping():
            return " ".join(f"{name}={item}" for name, item in value.items()) or "-"
        case list():
            return ",".join(map(str, value))
        case float():
            return f"{value:g}"
    return str(value)


def _is_number(value: object) -> bool:
    text = value if isinstance(value, str) else "0" if isinstance(value, int | float) else ""
    return text.replace(".", "", 1).isdigit() and not isinstance(value, bool)
