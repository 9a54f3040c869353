"""All accounts and their credentials, as the operator's command line sees and changes them.

The table has no index: the functions read only by key. Listing accounts, which operators do now and then, is a Scan of
the whole table: about two thousand accounts per megabyte and request.
"""

import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cutline.accounts.account import Account, AccountStore, Cipher, account_from, account_key, stored_options
from cutline.adapters.dynamodb import ConditionFailed, every_item, write_if
from cutline.contracts.wire import Scheme
from cutline.storage_keys import CREDENTIAL

# What an operator issues and replaces as one: an API key serves both APIs that take a key in a header.
KINDS: Mapping[str, tuple[Scheme, ...]] = {
    "jd": (Scheme.JD,),
    "aidge": (Scheme.AIDGE,),
    "api-key": (Scheme.API_KEY, Scheme.AILAB),
}


class AccountTaken(Exception):
    """An account of that name exists."""


@dataclass(frozen=True)
class CredentialRecord:
    """A stored credential; `label` is the public access key, or how an API key ends.

    `keys` are its partition keys: an API key has one per header that it is sent in.
    """

    keys: tuple[str, ...]
    kind: str
    label: str
    enabled: bool
    created_at: int


@dataclass(frozen=True)
class Issued:
    """A new credential. This is the only time that its key and secret are seen together."""

    kind: str
    key: str
    secret: str


class Registry:
    """Creates, lists and changes accounts; functions see a change when their cache is old enough (`CACHE_S`)."""

    def __init__(self, table: Any, cipher: Cipher) -> None:
        self._table = table
        self._store = AccountStore(table, cipher)

    def create(self, account: Account) -> None:
        """Raises AccountTaken."""
        try:
            self._store.put_account(account, new=True)
        except ConditionFailed as error:
            raise AccountTaken(account.account_id) from error

    def change(self, account: Account, names: Collection[str]) -> None:
        """Writes the named options of `account` and leaves all others, which another operator may have set.

        Raises ConditionFailed where the account has been removed meanwhile.
        """
        options = {name: value for name, value in stored_options(account).items() if name in names}
        if not options:
            return
        sets = [f"#{name} = :{name}" for name, value in options.items() if value is not None]
        removes = [f"#{name}" for name, value in options.items() if value is None]
        values = {f":{name}": value for name, value in options.items() if value is not None}
        clauses = [f"{verb} {', '.join(parts)}" for verb, parts in (("SET", sets), ("REMOVE", removes)) if parts]
        write_if(
            self._table.update_item,
            "attribute_exists(pk)",
            Key={"pk": account_key(account.account_id)},
            UpdateExpression=" ".join(clauses),
            ExpressionAttributeNames={f"#{name}": name for name in options},
            **({"ExpressionAttributeValues": values} if values else {}),
        )

    def find(self, account_id: str) -> Account | None:
        """Return the account, or None."""
        return self._store.account(account_id)

    def accounts(self) -> list[Account]:
        """Return every account, by name."""
        found = (account_from(item) for item in self._scan("begins_with(pk, :prefix)", {":prefix": account_key("")}))
        return sorted(found, key=lambda account: account.account_id)

    def credentials(self, account_id: str) -> list[CredentialRecord]:
        """Return the account's credentials, oldest first of each kind."""
        wanted = "begins_with(pk, :prefix) AND account_id = :account"
        found: dict[tuple[str, str], CredentialRecord] = {}
        for item in self._scan(wanted, {":prefix": CREDENTIAL, ":account": account_id}):
            record = _record_from(item)
            other = found.get((record.kind, record.label), record)
            keys = tuple(sorted({*record.keys, *other.keys}))
            found[record.kind, record.label] = replace(record, keys=keys, enabled=record.enabled or other.enabled)
        return sorted(found.values(), key=lambda record: (record.kind, record.created_at))

    def issue(self, account_id: str, kind: str) -> Issued:
        """Store and return a new credential of the kind."""
        issued = _generate(kind)
        for scheme in KINDS[kind]:
            self._store.put_credential(scheme, issued.key, account_id, issued.secret, new=True)
        return issued

    def remove(self, record: CredentialRecord) -> None:
        """Deletes the credential: its key is unknown from then on."""
        for pk in record.keys:
            self._table.delete_item(Key={"pk": pk})

    def enable_account(self, account_id: str, enabled: bool) -> None:
        """Switches an account on or off."""
        self._enable(account_key(account_id), enabled)

    def enable_credential(self, record: CredentialRecord, enabled: bool) -> None:
        """Switches a credential on or off."""
        for pk in record.keys:
            self._enable(pk, enabled)

    def _enable(self, pk: str, enabled: bool) -> None:
        self._table.update_item(
            Key={"pk": pk},
            UpdateExpression="SET enabled = :enabled",
            ConditionExpression="attribute_exists(pk)",  # never half an item, should another operator remove it
            ExpressionAttributeValues={":enabled": enabled},
        )

    def _scan(self, wanted: str, values: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        return every_item(
            self._table.scan, FilterExpression=wanted, ExpressionAttributeValues=values, ConsistentRead=True
        )


def _generate(kind: str) -> Issued:
    """Keys in their vendors' forms, so that clients which check them are content: 128 bits of secret or more."""
    if kind == "jd":
        return Issued(kind, secrets.token_hex(16).upper(), secrets.token_hex(16).upper())
    if kind == "aidge":
        return Issued(kind, str(10**11 + secrets.randbelow(9 * 10**11)), secrets.token_hex(16))
    return Issued(kind, secrets.token_hex(24), "")


def _record_from(item: Mapping[str, Any]) -> CredentialRecord:
    _, scheme, key_id = item["pk"].split("#", 2)
    kind = next(kind for kind, schemes in KINDS.items() if Scheme(scheme) in schemes)
    label = key_id if kind != "api-key" else f"...{item.get('ending', '')}"
    return CredentialRecord((item["pk"],), kind, label, bool(item["enabled"]), int(item.get("created_at", 0)))
