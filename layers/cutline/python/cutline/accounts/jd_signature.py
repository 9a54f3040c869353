"""JDCLOUD2-HMAC-SHA256 and JDCLOUD3-HMAC-SHA256, checked over the raw body (contracts.md 1.7).

SDKs differ in how they canonicalise, so verification recomputes the signature for a bounded set of readings of the
same request: the path with and without the stage, header values collapsed or not, the query normalised or raw, the
host as received, without a default port, and the public host.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from urllib.parse import quote, unquote_to_bytes, urlsplit

from cutline.contracts.wire import Request
from cutline.errors import AccessRefused, Reason

WINDOW_S = 300
_SCOPE_PARTS = 4
# SDKs sign three to eight. Each name is read once per reading, before it is known who calls.
_MAX_SIGNED_HEADERS = 40
_UNRESERVED = "-_.~"
_ALGORITHM = re.compile(r"\s*(JDCLOUD([23]))-HMAC-SHA256\s*(.*)\Z", re.DOTALL)
_FIELD = re.compile(r"(Credential|SignedHeaders|Signature)\s*=\s*([^,\s]*)")
_EMPTY_BODY_SHA256 = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class JdAuthorization:
    """A parsed `Authorization` header; `scope` is date, region, service and terminator.

    `nonce` is what makes the request unique: the nonce if it is signed, otherwise the signature. JD's own Python SDK
    adds date and nonce after signing; the date is still bound by the string to sign, an unsigned nonce by nothing.
    """

    version: str
    access_key: str
    scope: tuple[str, ...]
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str
    nonce: str


def parse_authorization(request: Request) -> JdAuthorization:
    """Return the Authorization header of the request, with its date checked against the clock. Raises AccessRefused."""
    match = _ALGORITHM.match(request.headers.get("authorization", ""))
    fields = dict(_FIELD.findall(match.group(3))) if match else {}
    if match is None or not fields.get("Credential"):
        raise AccessRefused(Reason.KEY_MISSING)
    if not fields.get("Signature"):
        raise AccessRefused(Reason.SIGNATURE_MISSING)
    access_key, *scope = fields["Credential"].split("/")
    signed = tuple(sorted(name for name in fields.get("SignedHeaders", "").lower().split(";") if name))
    timestamp = request.headers.get("x-jdcloud-date", "").strip()
    _check_date(timestamp, request.received_at)
    # With blanks collapsed, as for the signature: a nonce with more blanks is the same nonce.
    nonce = " ".join(request.headers.get("x-jdcloud-nonce", "").split())
    version = match.group(2)
    well_formed = (
        len(scope) == _SCOPE_PARTS
        and scope[-1] == f"jdcloud{version}_request"
        and scope[0] == timestamp[:8]
        and nonce
        and len(set(signed)) == len(signed) <= _MAX_SIGNED_HEADERS
    )
    if not well_formed:
        raise AccessRefused(Reason.SIGNATURE_WRONG)
    if "x-jdcloud-nonce" not in signed:
        nonce = fields["Signature"].lower()
    return JdAuthorization(version, access_key, tuple(scope), signed, fields["Signature"], timestamp, nonce)


def is_signed_by(
    request: Request, authorization: JdAuthorization, secret: str, *, lenient_body_hash: bool = False
) -> bool:
    """Return whether an accepted reading of the request was signed with `secret`; comparisons take constant time.

    `lenient_body_hash` also accepts a signed `x-jdcloud-content-sha256` or the hash of an empty body, for old SDKs
    that do not hash the bytes on the wire.
    """
    body_hash = hashlib.sha256(request.body).hexdigest()
    declared = request.headers.get("x-jdcloud-content-sha256", "").strip().lower()
    body_hashes = [body_hash]
    if lenient_body_hash:
        body_hashes.append(_EMPTY_BODY_SHA256)
        if "x-jdcloud-content-sha256" in authorization.signed_headers:
            body_hashes.append(declared)
    elif declared and declared != body_hash:
        return False
    key = signing_key(secret, authorization)
    matched = False
    for canonical in canonical_requests(request, authorization.signed_headers, body_hashes):
        expected = hmac.new(key, string_to_sign(authorization, canonical).encode(), hashlib.sha256).hexdigest()
        matched |= hmac.compare_digest(expected.encode(), authorization.signature.lower().encode("utf-8", "replace"))
    return matched


def signing_key(secret: str, authorization: JdAuthorization) -> bytes:
    """Return kSigning: the secret folded with date, region, service and terminator."""
    key = f"JDCLOUD{authorization.version}{secret}".encode()
    for part in authorization.scope:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def string_to_sign(authorization: JdAuthorization, canonical_request: str) -> str:
    """Algorithm, date, scope and hash of the canonical request."""
    hashed = hashlib.sha256(canonical_request.encode()).hexdigest()
    algorithm, scope = f"JDCLOUD{authorization.version}-HMAC-SHA256", "/".join(authorization.scope)
    return f"{algorithm}\n{authorization.timestamp}\n{scope}\n{hashed}"


def canonical_requests(request: Request, signed_headers: tuple[str, ...], body_hashes: list[str]) -> Iterator[str]:
    """Return every distinct accepted reading of the request, the documented one first."""
    paths = dict.fromkeys(_canonical_path(path) for path in (request.path, request.raw_path))
    encoded = "&".join(f"{name}={value}" for name, value in _encoded_query(request))
    raw = "&".join(f"{name}={value}" for name, value in request.query)
    queries = dict.fromkeys((encoded, raw))
    blocks = dict.fromkeys(
        _canonical_headers({**request.headers, "host": host}, signed_headers, collapse)
        for host, collapse in product(_hosts(request), (False, True))
    )
    for path, query, block, body_hash in product(paths, queries, blocks, dict.fromkeys(body_hashes)):
        yield "\n".join((request.method.upper(), path, query, block, ";".join(signed_headers), body_hash))


def _check_date(timestamp: str, now: float) -> None:
    if not timestamp:
        raise AccessRefused(Reason.DATE_MISSING)
    try:
        signed_at = datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError as error:
        raise AccessRefused(Reason.DATE_MALFORMED) from error
    if abs(now - signed_at) > WINDOW_S:
        raise AccessRefused(Reason.DATE_SKEWED)


def _canonical_path(path: str) -> str:
    decoded = unquote_to_bytes(re.sub(r"/{2,}", "/", path or "/"))
    encoded = quote(decoded, safe="/" + _UNRESERVED)
    return encoded if encoded.startswith("/") else f"/{encoded}"


def _encoded_query(request: Request) -> list[tuple[str, str]]:
    return sorted(
        (quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)) for name, value in request.query if name
    )


def _hosts(request: Request) -> tuple[str, ...]:
    """Return the host as received, without a default port (SDKs drop it before signing), and the public host."""
    received = request.headers.get("host", "").strip()
    return received, re.sub(r":(80|443)\Z", "", received), urlsplit(request.base_url).netloc


def _canonical_headers(headers: Mapping[str, str], names: tuple[str, ...], collapse: bool) -> str:
    values = ((name, headers.get(name, "").strip()) for name in names)
    return "".join(f"{name}:{' '.join(value.split()) if collapse else value}\n" for name, value in values)
