"""Fetching a picture from an address that a caller chose, and calling one back (contracts.md 0.4).

The host name is resolved once, every address it has must be a global one, and the connection goes to the first of those
judged that takes it, so a name that changes its mind in between gains nothing. Each redirect is judged again.

A socket's own time-out bounds one receive, not an exchange: a server that sends a byte now and then would hold the call
for ever. One deadline therefore covers everything, and a watchdog shuts the connection down when it passes.
"""

import functools
import http.client
import ipaddress
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin

from cutline.contracts.addresses import PORTS, read_address
from cutline.errors import InputRefused, Reason

MAX_REDIRECTS = 5
TIMEOUT_S = 10.0
_CHUNK_BYTES = 64 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK = 200
_COMPRESSED = frozenset({"gzip", "x-gzip", "deflate"})
# If a name has more addresses, only the first ones are tried.
_MAX_ADDRESSES = 4
_MAX_WAIT_CHARS = 6
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# All that has been handed out of IPv6; the rest holds forms that `is_global` knows nothing of, such as ::127.0.0.1.
_UNICAST_IPV6 = ipaddress.ip_network("2000::/3")
# Reserved by IANA, but global to one Python or another: protocol assignments, relays of 6to4, documentation.
_RESERVED = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20")))

_TOO_MANY, _FAULT = 429, 500

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Sequence[str]]


class Unreachable(InputRefused):
    """No file came from the address; `passing`: another try may bring it, `retry_after_s` later if the server says."""

    def __init__(self, detail: str, *, passing: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(Reason.URL_UNREACHABLE, detail)
        self.passing = passing
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class FetchPolicy:
    """`allowed` names networks that may be fetched from although they are not global; empty by default."""

    allowed: tuple[IpNetwork, ...] = ()
    timeout_s: float = TIMEOUT_S

    def permits(self, address: IpAddress) -> bool:
        """Whether a picture may be fetched from `address`; IPv4 inside IPv6 is judged as IPv4."""
        inner = _embedded_ipv4(address)
        if inner is not None:
            return self.permits(inner)
        if _is_in(address, self.allowed):
            return True
        if _is_in(address, _RESERVED):
            return False
        if isinstance(address, ipaddress.IPv6Address) and address not in _UNICAST_IPV6:
            return False
        return address.is_global and not address.is_multicast


def resolve(host: str, port: int) -> list[str]:
    """Every address of `host`."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def fetch(url: str, max_bytes: int, policy: FetchPolicy, resolver: Resolver = resolve) -> bytes:
    """The body behind `url`. Raises InputRefused(URL_UNREACHABLE | URL_TOO_LARGE); never reads past `max_bytes`."""
    deadline = time.monotonic() + policy.timeout_s
    for _ in range(MAX_REDIRECTS + 1):
        body, location = _fetch_once(url, max_bytes, policy, resolver, deadline)
        if location is None:
            return body
        url = _joined(url, location)
    raise Unreachable("too many redirects")


def deliver(url: str, body: bytes, headers: Mapping[str, str], policy: FetchPolicy) -> int:
    """The status that a POST of `body` to `url` is answered with, under the guards of `fetch`; redirects are answers.

    Raises InputRefused(URL_UNREACHABLE).
    """
    deadline = time.monotonic() + policy.timeout_s
    with _answer(_Call("POST", url, body, headers), policy, resolve, deadline) as answer:
        return answer.status


@dataclass(frozen=True)
class _Call:
    method: str
    url: str
    body: bytes | None
    headers: Mapping[str, str]


_GET_HEADERS = {"Accept": "image/*,*/*;q=0.5"}


def _fetch_once(
    url: str, max_bytes: int, policy: FetchPolicy, resolver: Resolver, deadline: float
) -> tuple[bytes, str | None]:
    """The body, or the address that the answer redirects to."""
    with _answer(_Call("GET", url, None, _GET_HEADERS), policy, resolver, deadline) as answer:
        if answer.status in _REDIRECTS and answer.getheader("Location"):
            return b"", answer.getheader("Location")
        if answer.status != _OK:
            raise _refused(answer)
        body = _read(answer, max_bytes, deadline)
        return _unpacked(body, answer.getheader("Content-Encoding", ""), max_bytes), None


@contextmanager
def _answer(
    call: _Call, policy: FetchPolicy, resolver: Resolver, deadline: float
) -> Iterator[http.client.HTTPResponse]:
    """One exchange with the judged address. Every failure on the way is InputRefused(URL_UNREACHABLE)."""
    parts = _checked(call.url)
    port = parts.port or PORTS[parts.scheme]
    try:
        addresses = _judged_addresses(parts.hostname or "", port, policy, resolver, _left(deadline))
        with _connected(parts, addresses, port, deadline) as connection:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request(call.method, target, call.body, {"User-Agent": "Cutline", **call.headers})
            with connection.getresponse() as answer:
                _left(deadline)  # headers that the watchdog cut short look like complete ones
                yield answer
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable("the address could not be reached", passing=isinstance(error, OSError)) from error


def _refused(answer: http.client.HTTPResponse) -> Unreachable:
    passing = answer.status == _TOO_MANY or answer.status >= _FAULT
    after = answer.getheader("Retry-After", "")
    wait_s = float(after) if after.isascii() and after.isdecimal() and len(after) <= _MAX_WAIT_CHARS else None
    return Unreachable(f"HTTP status {answer.status}", passing=passing, retry_after_s=wait_s)


def _joined(url: str, location: str) -> str:
    """The address that a redirect means. Raises InputRefused(URL_UNREACHABLE)."""
    try:
        return urljoin(url, _read_as_utf8(location))
    except ValueError as error:
        raise Unreachable("the image redirects to a malformed address") from error


def _read_as_utf8(header: str) -> str:
    """A header that holds raw UTF-8, which HTTP's own reading takes for Latin-1."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


def _checked(url: str) -> SplitResult:
    """The parts of an acceptable address. Raises InputRefused(URL_UNREACHABLE)."""
    try:
        return read_address(url)
    except ValueError as error:
        raise Unreachable("the address must be an absolute http or https URL without credentials") from error


def _judged_addresses(host: str, port: int, policy: FetchPolicy, resolver: Resolver, timeout_s: float) -> list[str]:
    pool = ThreadPoolExecutor(1)  # getaddrinfo takes no time-out and is not interrupted by signals
    try:
        texts = pool.submit(resolver, host, port).result(timeout_s)
    finally:
        pool.shutdown(wait=False)
    addresses = [ipaddress.ip_address(text.partition("%")[0]) for text in texts]
    if not addresses or not all(policy.permits(address) for address in addresses):
        raise Unreachable("the address is not a public one")
    return [str(address) for address in addresses[:_MAX_ADDRESSES]]


@contextmanager
def _connected(
    parts: SplitResult, addresses: Sequence[str], port: int, deadline: float
) -> Iterator[http.client.HTTPConnection]:
    """A connection to a judged address that still speaks to the named host and ends at the deadline."""
    host = parts.hostname or ""
    with _first_connection(addresses, port, deadline) as plain, _watched(plain, deadline):
        connection = http.client.HTTPConnection(host, port)
        if parts.scheme == "https":
            connection.default_port = PORTS["https"]  # keeps ":443" out of the Host header
            connection.sock = _tls().wrap_socket(plain, server_hostname=host)
        else:
            connection.sock = plain
        try:
            yield connection
        finally:
            connection.close()


@functools.cache
def _tls() -> ssl.SSLContext:
    """What we trust, read once in a process: OpenSSL 3 takes 18 ms of CPU for it."""
    return ssl.create_default_context()


def _first_connection(addresses: Sequence[str], port: int, deadline: float) -> socket.socket:
    """To the first address that takes one; each may use up an equal share of the time that is left. Raises OSError."""
    for untried, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        try:
            plain = socket.create_connection((address, port), timeout=_left(deadline) / untried)
        except OSError:
            continue
        plain.settimeout(_left(deadline))
        return plain
    raise OSError("no address takes a connection")


@contextmanager
def _watched(connected: socket.socket, deadline: float) -> Iterator[None]:
    """Shuts the connection down at the deadline, through a duplicate that outlives what TLS does to the socket."""

    def shut_down() -> None:
        with suppress(OSError):
            duplicate.shutdown(socket.SHUT_RDWR)

    with connected.dup() as duplicate:
        watchdog = threading.Timer(max(deadline - time.monotonic(), 0), shut_down)
        watchdog.daemon = True
        watchdog.start()
        try:
            yield
        finally:
            watchdog.cancel()
            watchdog.join()


def _read(answer: http.client.HTTPResponse, max_bytes: int, deadline: float) -> bytes:
    declared = answer.getheader("Content-Length", "")
    if declared.isdigit() and int(declared) > max_bytes:
        raise InputRefused(Reason.URL_TOO_LARGE, f"the image exceeds {max_bytes} bytes")
    body = bytearray()
    while chunk := answer.read1(_CHUNK_BYTES):
        body += chunk
        if len(body) > max_bytes:
            raise InputRefused(Reason.URL_TOO_LARGE, f"the image exceeds {max_bytes} bytes")
    _left(deadline)
    if answer.length:
        raise Unreachable("the download ended early", passing=True)
    return bytes(body)


def _unpacked(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """The body without a compression that was not asked for; unchanged where it has none or another.

    Raises InputRefused(URL_TOO_LARGE | URL_UNREACHABLE), and never holds more than `max_bytes` and one.
    """
    if encoding.strip().lower() not in _COMPRESSED:
        return body
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)  # either kind of header
    try:
        plain = unpacker.decompress(body, max_bytes + 1)
    except zlib.error:
        return body  # a server that says it of every file
    if len(plain) > max_bytes:
        raise InputRefused(Reason.URL_TOO_LARGE, f"the image exceeds {max_bytes} bytes")
    if not unpacker.eof:
        raise Unreachable("the download ended early")
    return plain


def _left(deadline: float) -> float:
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise Unreachable("the download took too long", passing=True)
    return left_s


def _is_in(address: IpAddress, networks: Sequence[IpNetwork]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _embedded_ipv4(address: IpAddress) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:  # RFC 6052
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
