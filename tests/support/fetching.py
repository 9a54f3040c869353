"""Policies and resolvers for tests that fetch from this machine."""

import ipaddress
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from cutline.adapters.fetch import FetchPolicy, fetch, resolve
from cutline.errors import InputRefused, Reason
from devkit.hostile_server import Script, serving
from devkit.listening import QuietHandler, listening

LOOPBACK = FetchPolicy((ipaddress.ip_network("127.0.0.1/32"),), timeout_s=30)
PUBLIC_ONLY = FetchPolicy()
HASTY = FetchPolicy(LOOPBACK.allowed, timeout_s=0.4)
PICTURE = bytes(range(256)) * 40


@contextmanager
def picture_server(data: bytes) -> Iterator[str]:
    """The address of a picture on this machine; every other path is a 404."""

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            body = data if self.path == "/picture" else b""
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with listening(Handler) as url:
        yield f"{url}/picture"


def names(*addresses: str) -> Callable[[str, int], list[str]]:
    """A resolver that gives every name these addresses."""
    return lambda host, port: list(addresses)


def reason_of(url: str, max_bytes: int = 10**6, policy: FetchPolicy = LOOPBACK, resolver=resolve) -> Reason:
    with pytest.raises(InputRefused) as refusal:
        fetch(url, max_bytes, policy, resolver)
    return refusal.value.reason


def refused(script: Script, max_bytes: int = 10**6, policy: FetchPolicy = LOOPBACK) -> Reason:
    """Why the answers of a server are no picture."""
    with serving(script) as server:
        return reason_of(server.url(), max_bytes, policy)
