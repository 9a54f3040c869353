"""CloudFront's signed URLs of results: they are checked at the edge, so that following a link calls no function.

The secret holds private keys, the newest first, as `cutline results-key` writes them. A key signs once its public key
is part of the stack, so that neither a new key in the secret nor a new public key in the stack breaks links for itself.

    https://HOST/KEY?variants=ADDRESS&Expires=SECONDS&Signature=...&Key-Pair-Id=ID&Hash-Algorithm=SHA256

is CloudFront's canned policy; the signature is over the JSON of address and expiry, without white space.
"""

import base64
import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from urllib.parse import quote

from cutline.adapters import p256
from cutline.errors import Reason, ServiceFault

# Base64 as CloudFront wants it in a query.
_QUERY_SAFE = str.maketrans("+=/", "-_~")
# A link must live on while its successor signs, and no longer.
_KEPT_KEYS = 2


class UrlSigner:
    """Signs the addresses of objects behind one distribution.

    `load_keys` yields the secret's text and is called once. `deployed`: the ids of CloudFront's public keys by the
    key itself, as `public_text` writes it.
    """

    def __init__(self, front: str, load_keys: Callable[[], str], deployed: Mapping[str, str]) -> None:
        self._front = front
        self._load_keys = load_keys
        self._deployed = deployed

    def url(self, key: str, expires_at: int, variants: str = "") -> str:
        """Return the address of an object until `expires_at` (unix seconds). Raises ServiceFault(STORE_FAILED).

        variants: the address at which variants of the object are asked for, to be named in the query.
        """
        key_id, private = self._signer
        address = f"{self._front}/{quote(key)}"
        if variants:
            address += f"?variants={quote(variants, safe='')}"
        policy = {"Statement": [{"Resource": address, "Condition": {"DateLessThan": {"AWS:EpochTime": expires_at}}}]}
        raw = p256.sign(private, json.dumps(policy, separators=(",", ":")).encode())
        signature = base64.b64encode(raw).decode().translate(_QUERY_SAFE)
        sign = "&" if variants else "?"
        terms = f"Expires={expires_at}&Signature={signature}&Key-Pair-Id={key_id}&Hash-Algorithm=SHA256"
        return f"{address}{sign}{terms}"

    @cached_property
    def _signer(self) -> tuple[str, int]:
        for private in read_keys(self._load_keys()):
            key_id = self._deployed.get(public_text(private))
            if key_id:
                return key_id, private
        raise ServiceFault(Reason.STORE_FAILED, "no key of the results' secret has its public key in the stack")


def read_keys(text: str) -> list[int]:
    """Return the private keys of the secret, the newest first; none in a secret that was not written yet."""
    try:
        return [int(key, 16) for key in json.loads(text)["keys"]]
    except (ValueError, KeyError, TypeError):
        return []


def with_new_key(text: str) -> tuple[str, int]:
    """Return the secret's text with a new key before the newest one of the old, and the new key."""
    private = 2 + secrets.randbelow(p256.ORDER - 2)
    return json.dumps({"keys": [f"{key:064x}" for key in (private, *read_keys(text))[:_KEPT_KEYS]]}), private


def public_text(private: int) -> str:
    """Return the public key as ResultsKeyA and ResultsKeyB have it: the lines of its PEM, with commas."""
    text = base64.b64encode(p256.public_key(private)).decode()
    return f"{text[:64]},{text[64:]}"


def read_deployed(pairs: Iterable[str]) -> dict[str, str]:
    """Return the ids of deployed public keys by key, of the texts `ID=KEY` in the functions' environment."""
    return {key: key_id for key_id, _, key in (pair.partition("=") for pair in pairs)}
