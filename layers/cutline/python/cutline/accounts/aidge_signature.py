"""Aidge's two signatures: `sign_ver=v2` over the timestamp, and classic IOP over every parameter (contracts.md 4.1)."""

import hashlib
import hmac
import re
from dataclasses import dataclass

from cutline.contracts.forms import is_urlencoded, read_whole_form
from cutline.contracts.wire import Request
from cutline.errors import AccessRefused, InputRefused, Reason

# v2 signatures do not cover the body and can be replayed, so the window is no longer than clocks need.
WINDOW_S = 900


@dataclass(frozen=True)
class AidgeSignature:
    """The caller's key and signature; `parameters` is everything that a classic signature covers."""

    app_key: str
    timestamp: str
    sign: str
    version: str
    parameters: tuple[tuple[str, str], ...]


def parse_signature(request: Request) -> AidgeSignature:
    """Return the signature of the request, with its date checked against the clock. Raises AccessRefused."""
    parameters = dict(request.params)
    if request.method == "POST" and is_urlencoded(request):
        try:
            parameters |= read_whole_form(request).fields
        except InputRefused as error:
            raise AccessRefused(Reason.KEY_MISSING) from error
    for name, reason in (
        ("app_key", Reason.KEY_MISSING),
        ("timestamp", Reason.DATE_MISSING),
        ("sign", Reason.SIGNATURE_MISSING),
    ):
        if not parameters.get(name):
            raise AccessRefused(reason)
    _check_timestamp(parameters["timestamp"], request.received_at)
    covered = tuple(sorted((name, value) for name, value in parameters.items() if name != "sign"))
    return AidgeSignature(
        parameters["app_key"],
        parameters["timestamp"],
        parameters["sign"],
        parameters.get("sign_ver", ""),
        covered,
    )


def is_signed_by(request: Request, signature: AidgeSignature, secret: str) -> bool:
    """Return whether `secret` made the signature; case does not matter, the comparison takes constant time."""
    if signature.version == "v2":
        messages = [secret + signature.timestamp]
    else:
        body = "".join(name + value for name, value in signature.parameters)
        # Clients sign the API's name; the gateway prefixes /rest to it.
        name = request.path.removeprefix("/rest").rstrip("/")
        messages = [name + body, f"/rest{name}{body}"]
    matched = False
    for message in messages:
        expected = hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()
        matched |= hmac.compare_digest(expected.encode(), signature.sign.lower().encode("utf-8", "replace"))
    return matched and (signature.version == "v2" or not _is_overridden(request))


def _is_overridden(request: Request) -> bool:
    """Return whether a body that a classic signature does not cover says anew what the signed query says."""
    if request.method != "POST" or is_urlencoded(request):
        return False
    try:
        fields = read_whole_form(request).fields
    except InputRefused:  # the contract's to refuse
        return False
    return not fields.keys().isdisjoint(request.params)


def _check_timestamp(timestamp: str, now: float) -> None:
    if re.fullmatch(r"[0-9]{13}", timestamp, re.ASCII) is None:
        raise AccessRefused(Reason.DATE_MALFORMED)
    if abs(now - int(timestamp) / 1000) > WINDOW_S:
        raise AccessRefused(Reason.DATE_SKEWED)
