"""The gate in front of every API: who is calling, may they, and is there room."""

import uuid
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


class Gate:
    """Authenticates, then reserves. `nonces` is the table that remembers JD's nonces."""

    def __init__(self, accounts: AccountStore, meter: Meter, nonces: Any, *, lenient_body_hash: bool = False) -> None:
        self._authenticator = Authenticator(accounts, lenient_body_hash=lenient_body_hash)
        self._meter = meter
        self._nonces = nonces

    def authenticate(self, contract: Contract, request: Request) -> Account:
        """The caller's account, enabled and allowed on this API. Raises AccessRefused."""
        account = self.identify(contract.SCHEME, request)
        if account.apis is not None and contract.NAME not in account.apis:
            raise AccessRefused(Reason.API_NOT_ALLOWED)
        return account

    def identify(self, scheme: Scheme, request: Request) -> Account:
        """The caller's enabled account, whatever it is allowed to call. Raises AccessRefused."""
        caller = self._authenticator.prove(scheme, request)
        if caller.nonce is not None:
            self._remember_nonce(*caller.nonce, request.received_at)
        return caller.account

    def reserve(self, account: Account, contract: Contract, hold_s: int = HOLD_S) -> Reservation:
        """Room for one call. Raises AccessRefused with the reason that the contract words, and counts it."""
        try:
            # An id of our own: the request's may be chosen by the caller, whose calls would then share one hold.
            return self._meter.reserve(account, uuid.uuid4().hex, hold_s=hold_s)
        except AccessRefused:
            self._meter.refuse(account, contract.NAME)
            raise

    def settle(self, reservation: Reservation, api: str) -> None:
        """Ends a served call."""
        self._meter.settle(reservation, api)

    def release(self, reservation: Reservation, api: str) -> None:
        """Ends a call that was not served."""
        self._meter.release(reservation, api)

    def _remember_nonce(self, access_key: str, nonce: str, now: float) -> None:
        try:
            write_if(
                self._nonces.put_item,
                # DynamoDB deletes expired items late, so the condition looks at the time itself.
                "attribute_not_exists(pk) OR expires_at < :now",
                Item={"pk": f"{NONCE}{access_key}", "sk": nonce[:128], "expires_at": int(now) + NONCE_KEEP_S},
                ExpressionAttributeValues={":now": int(now)},
            )
        except ConditionFailed as error:
            raise AccessRefused(Reason.NONCE_REPLAYED) from error
