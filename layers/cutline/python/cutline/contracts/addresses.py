"""Addresses of pictures and of callbacks, as callers write them."""

from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

MAX_URL_CHARS = 2048
# By scheme.
PORTS = {"http": 80, "https": 443}
# Of RFC 3986: what stands for itself in a path or a query, and the sign of what is encoded already.
_PLAIN = "%/:?[]@!$&'()*+,;=~"
# What an undecodable byte or a control character has become.
_REPLACED = "\ufffd"


def to_uri(address: str) -> str:
    """Return `address` as it goes over the wire: blanks and non-ASCII encoded (RFC 3987 3.1), hosts in IDNA.

    Raises ValueError where there is no such form.
    """
    if address.isascii() and " " not in address:
        return address
    parts = urlsplit(address)
    host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    return urlunsplit((parts.scheme, host, quote(parts.path, _PLAIN), quote(parts.query, _PLAIN), ""))


def read_address(address: str) -> SplitResult:
    """Parse an absolute http or https address without credentials. Raises ValueError for any other text."""
    # Before anything else: the parser drops line breaks silently, and takes long for long texts, which it keeps.
    if len(address) > MAX_URL_CHARS or _REPLACED in address or any(character < " " for character in address):
        raise ValueError("too long, or with control characters")
    uri = to_uri(address)
    parts = urlsplit(uri)
    valid = (
        len(uri) <= MAX_URL_CHARS
        and uri.isprintable()
        and " " not in uri
        and parts.scheme in PORTS
        and bool(parts.hostname)
        and parts.username is None
        and parts.port != 0
    )
    if not valid:
        raise ValueError("not an absolute http or https address without credentials")
    return parts
