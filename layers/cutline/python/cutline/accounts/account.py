"""An account and its credentials in DynamoDB: one item per credential, one per account.

    CRED#<scheme>#<key id>   account_id, enabled, created_at, secret (HMAC schemes: KMS ciphertext) or
                             ending (API keys: the last characters, by which operators know a key)
    ACCOUNT#<id>             enabled, qps, daily_quota, apis, price_micros, retains

API keys are secrets themselves, so their key id is the SHA-256 of the key; access keys of HMAC schemes are public.
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from cutline.adapters.dynamodb import write_if
from cutline.contracts import mend
from cutline.contracts.wire import Scheme
from cutline.storage_keys import ACCOUNT, CREDENTIAL

CACHE_S = 30.0
EVERY_API = "*"
# Calls that EVERY_API's price does not count for: they are free until they have a price of their own.
_FREE = frozenset({mend.NAME})
_CACHE_ENTRIES = 10_000
# DynamoDB refuses partition keys beyond 2048 bytes; no key that was ever issued comes near this.
_MAX_KEY_CHARS = 256
_ENDING_CHARS = 6
_HMAC_SCHEMES = frozenset({Scheme.JD, Scheme.AIDGE})


@dataclass(frozen=True)
class Account:
    """An account. `qps` calls per second, `daily_quota` calls per UTC day (None: unlimited), `apis` None: all.

    `price_micros` is the price of one call in millionths of the operator's currency, by API name; "*" is the default,
    but of mends. Without `retains` nothing of its calls is stored but the meter.
    """

    account_id: str
    enabled: bool = True
    qps: float = 2.0
    daily_quota: int | None = None
    apis: frozenset[str] | None = None
    price_micros: Mapping[str, int] = field(default_factory=dict)
    retains: bool = True

    def __post_init__(self) -> None:
        if self.qps <= 0:
            raise ValueError("qps must be greater than 0; disable the account to refuse every call")

    def price_of(self, api: str) -> int:
        """Return the price of one call to `api`, in millionths."""
        return self.price_micros.get(api, 0 if api in _FREE else self.price_micros.get(EVERY_API, 0))


@dataclass(frozen=True)
class Credential:
    """A way in to an account; `secret` is empty for API keys, which are their own proof."""

    account: Account
    enabled: bool
    secret: str


class Cipher(Protocol):
    """Encrypts the HMAC secrets at rest."""

    def encrypt(self, plaintext: str, context: Mapping[str, str]) -> bytes:
        """Ciphertext that only decrypts with the same context."""

    def decrypt(self, ciphertext: bytes, context: Mapping[str, str]) -> str:
        """Return the plaintext that `encrypt` got."""


class AccountStore:
    """Reads and writes accounts; reads are remembered for `CACHE_S`, so disabling a key works within that time."""

    def __init__(self, table: Any, cipher: Cipher) -> None:
        self._table = table
        self._cipher = cipher
        self._cache: dict[str, tuple[float, Credential | None]] = {}
        # Plaintexts by ciphertext: a secret does not change while its ciphertext is the same.
        self._secrets: dict[tuple[str, bytes], str] = {}

    def find(self, scheme: Scheme, key: str) -> Credential | None:
        """Return the credential, or None where there is none; unknown keys are remembered too."""
        if len(key) > _MAX_KEY_CHARS:
            return None
        pk = credential_key(scheme, key)
        cached = self._cache.get(pk)
        if cached is not None and time.monotonic() - cached[0] < CACHE_S:
            return cached[1]
        if len(self._cache) > _CACHE_ENTRIES:  # a flood of unknown keys must not grow the process
            self._cache.clear()
            self._secrets.clear()
        credential = self._load(pk)
        self._cache[pk] = (time.monotonic(), credential)
        return credential

    def account(self, account_id: str) -> Account | None:
        """Return the account by its own name, read without the cache, or None."""
        item = self._table.get_item(Key={"pk": account_key(account_id)}, ConsistentRead=True).get("Item")
        return None if item is None else account_from(item)

    def put_account(self, account: Account, *, new: bool = False) -> None:
        """Creates or replaces the account; a `new` one must not exist yet: ConditionFailed."""
        values = {name: value for name, value in stored_options(account).items() if value is not None}
        self._put({"pk": account_key(account.account_id), "account_id": account.account_id, **values}, new)

    def put_credential(self, scheme: Scheme, key: str, account_id: str, secret: str = "", *, new: bool = False) -> None:
        """Creates or replaces a credential; the secret is encrypted with the credential's key as context."""
        pk = credential_key(scheme, key)
        item: dict[str, Any] = {"pk": pk, "account_id": account_id, "enabled": True, "created_at": int(time.time())}
        if secret:
            item["secret"] = self._cipher.encrypt(secret, {"credential": pk})
        else:
            item["ending"] = key[-_ENDING_CHARS:]
        self._put(item, new)

    def _put(self, item: Mapping[str, Any], new: bool) -> None:
        if new:
            write_if(self._table.put_item, "attribute_not_exists(pk)", Item=item)
        else:
            self._table.put_item(Item=item)

    def _load(self, pk: str) -> Credential | None:
        item = self._table.get_item(Key={"pk": pk}).get("Item")
        if item is None:
            return None
        record = self._table.get_item(Key={"pk": account_key(item["account_id"])}).get("Item")
        if record is None:
            return None
        secret = self._secret(pk, bytes(item["secret"])) if "secret" in item else ""
        return Credential(account_from(record), bool(item["enabled"]), secret)

    def _secret(self, pk: str, ciphertext: bytes) -> str:
        known = self._secrets.get((pk, ciphertext))
        if known is None:
            known = self._secrets[pk, ciphertext] = self._cipher.decrypt(ciphertext, {"credential": pk})
        return known


def credential_key(scheme: Scheme, key: str) -> str:
    """Return the partition key of a credential; an API key goes in hashed."""
    key_id = key if scheme in _HMAC_SCHEMES else hashlib.sha256(key.encode()).hexdigest()
    return f"{CREDENTIAL}{scheme.value}#{key_id}"


def account_key(account_id: str) -> str:
    """Return the partition key of an account."""
    return ACCOUNT + account_id


def stored_options(account: Account) -> dict[str, Any]:
    """Return the account's attributes in stored form; None for those that are not stored."""
    return {
        "enabled": account.enabled,
        "qps": Decimal(str(account.qps)),
        "daily_quota": account.daily_quota,
        "apis": None if account.apis is None else sorted(account.apis),
        "price_micros": dict(account.price_micros),
        "retains": account.retains,
    }


def account_from(record: Mapping[str, Any]) -> Account:
    """Return the account behind a stored item."""
    quota = record.get("daily_quota")
    apis = record.get("apis")
    return Account(
        account_id=record["account_id"],
        enabled=bool(record["enabled"]),
        qps=float(record["qps"]),
        daily_quota=None if quota is None else int(quota),
        apis=None if apis is None else frozenset(apis),
        price_micros={api: int(price) for api, price in record.get("price_micros", {}).items()},
        retains=bool(record.get("retains", True)),
    )
