"""The caller of a request: its credential, proved in its own scheme."""

from dataclasses import dataclass

from cutline.accounts import aidge_signature, jd_signature
from cutline.accounts.account import Account, AccountStore, Credential
from cutline.contracts.wire import Request, Scheme
from cutline.errors import AccessRefused, Reason

# A signature of an unknown key is checked against this, so that its refusal takes the same work as a known key's.
_UNKNOWN_SECRET = "0" * 32


@dataclass(frozen=True)
class Caller:
    """A proved caller. `nonce` is the access key and nonce that a JD call may use once; None in other schemes."""

    account: Account
    nonce: tuple[str, str] | None = None


class Authenticator:
    """Proves callers. It checks neither rate nor quota and writes nothing."""

    def __init__(self, accounts: AccountStore, *, lenient_body_hash: bool = False) -> None:
        self._accounts = accounts
        self._lenient_body_hash = lenient_body_hash

    def prove(self, scheme: Scheme, request: Request) -> Caller:
        """Return the caller, who owns an enabled credential of an enabled account. Raises AccessRefused."""
        if scheme is Scheme.JD:
            return self._prove_jd(request)
        if scheme is Scheme.AIDGE:
            return Caller(self._prove_aidge(request))
        key = request.headers.get(scheme.value, "").strip() or _bearer(scheme, request)
        if not key:
            raise AccessRefused(Reason.KEY_MISSING)
        return Caller(_admitted(self._accounts.find(scheme, key), proved=True))

    def _prove_jd(self, request: Request) -> Caller:
        authorization = jd_signature.parse_authorization(request)
        credential = self._accounts.find(Scheme.JD, authorization.access_key)
        proved = jd_signature.is_signed_by(
            request, authorization, _secret_of(credential), lenient_body_hash=self._lenient_body_hash
        )
        return Caller(_admitted(credential, proved=proved), (authorization.access_key, authorization.nonce))

    def _prove_aidge(self, request: Request) -> Account:
        signature = aidge_signature.parse_signature(request)
        credential = self._accounts.find(Scheme.AIDGE, signature.app_key)
        return _admitted(credential, proved=aidge_signature.is_signed_by(request, signature, _secret_of(credential)))


def _bearer(scheme: Scheme, request: Request) -> str:
    """Return the key in `Authorization: Bearer`, which some clients send in place of the header."""
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme is Scheme.API_KEY and kind.lower() == "bearer" else ""


def _secret_of(credential: Credential | None) -> str:
    return _UNKNOWN_SECRET if credential is None else credential.secret


def _admitted(credential: Credential | None, *, proved: bool) -> Account:
    """Return the account. Only a caller with a valid credential learns that it is disabled."""
    if credential is None:
        raise AccessRefused(Reason.KEY_UNKNOWN)
    if not proved:
        raise AccessRefused(Reason.SIGNATURE_WRONG)
    if not (credential.enabled and credential.account.enabled):
        raise AccessRefused(Reason.ACCOUNT_DISABLED)
    return credential.account
