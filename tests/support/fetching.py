"""Policies and resolvers for tests that fetch from this machine."""

import ipaddress
from collections.abc import Callable

import pytest

from cutline.adapters.fetch import FetchPolicy, fetch, resolve
from cutline.errors import InputRefused, Reason

LOOPBACK = FetchPolicy((ipaddress.ip_network("127.0.0.1/32"),), timeout_s=5)
HASTY = FetchPolicy(LOOPBACK.allowed, timeout_s=0.4)
PICTURE = bytes(range(256)) * 40


def names(*addresses: str) -> Callable[[str, int], list[str]]:
    """A resolver that gives every name these addresses."""
    return lambda host, port: list(addresses)


def reason_of(url: str, max_bytes: int = 10**6, policy: FetchPolicy = LOOPBACK, resolver=resolve) -> Reason:
    with pytest.raises(InputRefused) as refusal:
        fetch(url, max_bytes, policy, resolver)
    return refusal.value.reason
