"""The gate in front of every API: authentication, authorisation, admission."""

import secrets
from collections.abc import Callable
from typing import Any

from cutline.accounts import jd_signature
from cutline.accounts.account import Account, AccountStore
from cutline.accounts.identity import Authenticator
from cutline.accounts.meter import HOLD_S, Meter, Reservation
from cutline.adapters.dynamodb import ConditionFailed, write_if
from cutline.contracts.wire import Contract, Request, Scheme
from cutline.errors import AccessRefused, Reason
from cutline.storage_keys import NONCE

# Longer than the signature window on both sides, so that a nonce is remembered while its signature is valid.
NONCE_KEEP_S = 2 * jd_signature.WINDOW_S + 60
# Length of a call's id: short, because every call writes an item that holds the ids of all calls in flight.
_ID_BYTES = 8


class Gate:
    """Authenticates, then reserves; `meter` ends what was reserved. `nonces`: the table that remembers JD's nonces."""

    def __init__(self, accounts: AccountStore, meter: Meter, nonces: Any, *, lenient_body_hash: bool = False) -> None:
        self._authenticator = Authenticator(accounts, lenient_body_hash=lenient_body_hash)
        self.meter = meter
        self._nonces = nonces

    def authenticate(self, contract: Contract, request: Request) -> Account:
        """Return the caller's account, enabled and allowed on this API. Raises AccessRefused."""
        account = self.identify(contract.SCHEME, request)
        if account.apis is not None and contract.NAME not in account.apis:
            raise AccessRefused(Reason.API_NOT_ALLOWED)
        return account

    def identify(self, scheme: Scheme, request: Request) -> Account:
        """Return the caller's enabled account, whichever APIs it may call. Raises AccessRefused."""
        caller = self._authenticator.prove(scheme, request)
        if caller.nonce is not None:
            self._remember_nonce(*caller.nonce, request.received_at)
        return caller.account

    def reserve(
        self,
        account: Account,
        contract: Contract,
        hold_s: int = HOLD_S,
        call_id: str = "",
        *,
        rate_limited: bool = True,
        again: bool = False,
    ) -> Reservation:
        """Reserve one call. Raises AccessRefused with the reason that the contract words, and counts it.

        call_id: of work that may come `again`. A call that waited has paid with rate: it is not `rate_limited`.
        """
        # An id of our own: the request's may be chosen by the caller, whose calls would then share one hold.
        call_id = call_id or secrets.token_hex(_ID_BYTES)
        return self._counted(
            account,
            contract,
            lambda: self.meter.reserve(account, call_id, hold_s=hold_s, rate_limited=rate_limited, again=again),
        )

    def wait(self, account: Account, contract: Contract) -> Reservation:
        """Admit a call that waits for another one. Raises AccessRefused, and counts the refusal."""
        return self._counted(account, contract, lambda: self.meter.wait(account, secrets.token_hex(_ID_BYTES)))

    def _counted(self, account: Account, contract: Contract, take: Callable[[], Reservation]) -> Reservation:
        try:
            return take()
        except AccessRefused:
            self.meter.refuse(account, contract.NAME)
            raise

    def _remember_nonce(self, access_key: str, nonce: str, now: float) -> None:
        owner = secrets.token_hex(_ID_BYTES)
        try:
            write_if(
                self._nonces.put_item,
                # DynamoDB deletes expired items late, so the condition looks at the time itself. The owner is this
                # very call: its write may come twice.
                "attribute_not_exists(pk) OR expires_at < :now OR #owner = :owner",
                Item={
                    "pk": f"{NONCE}{access_key}",
                    "sk": nonce[:128],
                    "owner": owner,
                    "expires_at": int(now) + NONCE_KEEP_S,
                },
                ExpressionAttributeNames={"#owner": "owner"},
                ExpressionAttributeValues={":now": int(now), ":owner": owner},
            )
        except ConditionFailed as error:
            raise AccessRefused(Reason.NONCE_REPLAYED) from error
