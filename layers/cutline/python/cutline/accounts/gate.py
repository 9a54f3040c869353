"""The gate in front of every API: who is calling, may they, and is there room."""

from typing import Any

from botocore.exceptions import ClientError

from cutline.accounts import aidge_signature, jd_signature
from cutline.accounts.account import Account, AccountStore, Credential
from cutline.accounts.meter import HOLD_S, Meter, Reservation
from cutline.contracts.wire import Contract, Request, Scheme
from cutline.errors import AccessRefused, Reason

# Longer than the signature window on both sides, so that a nonce is remembered while its signature is valid.
NONCE_KEEP_S = 2 * jd_signature.WINDOW_S + 60


class Gate:
    """Authenticates, then reserves. `nonces` is the table that remembers JD's nonces."""

    def __init__(self, accounts: AccountStore, meter: Meter, nonces: Any, *, lenient_body_hash: bool = False) -> None:
        self._accounts = accounts
        self._meter = meter
        self._nonces = nonces
        self._lenient_body_hash = lenient_body_hash

    def authenticate(self, contract: Contract, request: Request) -> Account:
        """The caller's account, enabled and allowed on this API. Raises AccessRefused."""
        if contract.SCHEME is Scheme.JD:
            account = self._authenticate_jd(request)
        elif contract.SCHEME is Scheme.AIDGE:
            account = self._authenticate_aidge(request)
        else:
            account = self._authenticate_key(contract.SCHEME, request)
        if account.apis is not None and contract.NAME not in account.apis:
            raise AccessRefused(Reason.API_NOT_ALLOWED)
        return account

    def reserve(self, account: Account, request: Request, hold_s: int = HOLD_S) -> Reservation:
        """Room for one call. Raises AccessRefused with the reason that the contract words."""
        return self._meter.reserve(account, request.request_id, request.received_at, hold_s)

    def settle(self, reservation: Reservation, api: str) -> None:
        """Ends a served call."""
        self._meter.settle(reservation, api)

    def release(self, reservation: Reservation, api: str) -> None:
        """Ends a call that was not served."""
        self._meter.release(reservation, api)

    def _authenticate_jd(self, request: Request) -> Account:
        claim = jd_signature.parse_authorization(request)
        credential = self._known(Scheme.JD, claim.access_key)
        signed = jd_signature.is_signed_by(request, claim, credential.secret, lenient_body_hash=self._lenient_body_hash)
        if not signed:
            raise AccessRefused(Reason.SIGNATURE_WRONG)
        account = _enabled(credential)
        self._remember_nonce(claim.access_key, claim.nonce, request.received_at)
        return account

    def _authenticate_aidge(self, request: Request) -> Account:
        claim = aidge_signature.parse_claim(request)
        credential = self._known(Scheme.AIDGE, claim.app_key)
        if not aidge_signature.is_signed_by(request, claim, credential.secret):
            raise AccessRefused(Reason.SIGNATURE_WRONG)
        return _enabled(credential)

    def _authenticate_key(self, scheme: Scheme, request: Request) -> Account:
        key = request.headers.get(scheme.value, "").strip()
        if not key:
            raise AccessRefused(Reason.KEY_MISSING)
        return _enabled(self._known(scheme, key))

    def _known(self, scheme: Scheme, key: str) -> Credential:
        credential = self._accounts.find(scheme, key)
        if credential is None:
            raise AccessRefused(Reason.KEY_UNKNOWN)
        return credential

    def _remember_nonce(self, access_key: str, nonce: str, now: float) -> None:
        try:
            self._nonces.put_item(
                Item={"pk": f"NONCE#{access_key}", "sk": nonce[:128], "expires_at": int(now) + NONCE_KEEP_S},
                # Expired items linger until DynamoDB gets round to them, so the condition looks at the time itself.
                ConditionExpression="attribute_not_exists(pk) OR expires_at < :now",
                ExpressionAttributeValues={":now": int(now)},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            raise AccessRefused(Reason.NONCE_REPLAYED) from error


def _enabled(credential: Credential) -> Account:
    """The account, refused only after the caller has proved to own the credential."""
    if not (credential.enabled and credential.account.enabled):
        raise AccessRefused(Reason.ACCOUNT_DISABLED)
    return credential.account
