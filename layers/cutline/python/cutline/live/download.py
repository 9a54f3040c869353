"""Downloads of pictures: guarded against private addresses, no faster than asked, tried again if a server fails."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cutline.adapters.fetch import FetchPolicy, Unreachable, fetch, resolve
from cutline.contracts.addresses import PORTS, read_address
from cutline.errors import InputRefused, Reason
from cutline.limits import MIB

# The largest picture that a marketplace takes has 20 MB.
MAX_BYTES = 64 * MIB
_TRIES = 4
_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0


@dataclass
class Downloads:
    """At most `per_second` downloads begin in a second.

    shop: the address of the shop that the person named, whose pictures may be on a private address, and be fetched
    without TLS; all others must be https and public.
    """

    per_second: float
    shop: str = ""
    sleep: Callable[[float], None] = time.sleep
    _next_at: float = field(default=0.0, init=False)
    _own: FetchPolicy | None = field(default=None, init=False)

    def get(self, address: str) -> bytes:
        """Return the file. Raises InputRefused."""
        policy = self._policy(address)
        for attempt in range(_TRIES):
            self._wait()
            try:
                return fetch(address, MAX_BYTES, policy)
            except Unreachable as error:
                if not error.passing or attempt == _TRIES - 1:
                    raise
                pause_s = _PAUSE_S * 2**attempt if error.retry_after_s is None else error.retry_after_s
                self._next_at = max(self._next_at, time.monotonic() + min(pause_s, _LONGEST_PAUSE_S))
        raise AssertionError("the last try returns or raises")

    def _wait(self) -> None:
        now = time.monotonic()
        self.sleep(max(0.0, self._next_at - now))
        self._next_at = max(now, self._next_at) + 1 / self.per_second

    def _policy(self, address: str) -> FetchPolicy:
        try:
            parts, own = read_address(address), urlsplit(self.shop)
        except ValueError as error:
            raise InputRefused(Reason.URL_UNREACHABLE, "the address is not an absolute http or https one") from error
        if own.hostname and parts.hostname == own.hostname:
            if self._own is None:
                self._own = _policy_of(own.hostname, own.port or PORTS.get(own.scheme, 443))
            return self._own
        if parts.scheme != "https":
            raise InputRefused(Reason.URL_UNREACHABLE, "the address is not https")
        return FetchPolicy()


def _policy_of(host: str, port: int) -> FetchPolicy:
    """Return the policy that permits a host's own addresses, whichever they are."""
    try:
        found = resolve(host, port)
    except OSError:
        return FetchPolicy()
    return FetchPolicy(tuple(ipaddress.ip_network(text.partition("%")[0]) for text in found))
