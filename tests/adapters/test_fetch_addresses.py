"""Every block of addresses that IANA reserves, from its first address to its last, in every version of Python."""

import ipaddress

import pytest

from cutline.adapters.fetch import FetchPolicy

PUBLIC_ONLY = FetchPolicy()
# The special-purpose registries of IPv4 and IPv6 (RFC 6890), multicast, and the two blocks that Amazon lives in.
BLOCKS = {
    "this network": "0.0.0.0/8",
    "private, class A": "10.0.0.0/8",
    "shared by carriers (CGNAT)": "100.64.0.0/10",
    "loopback": "127.0.0.0/8",
    "link-local": "169.254.0.0/16",
    "instance metadata": "169.254.169.254/32",
    "task credentials": "169.254.170.2/32",
    "private, class B": "172.16.0.0/12",
    "protocol assignments": "192.0.0.0/24",
    "documentation 1": "192.0.2.0/24",
    "6to4 relays": "192.88.99.0/24",
    "private, class C": "192.168.0.0/16",
    "benchmarks": "198.18.0.0/15",
    "documentation 2": "198.51.100.0/24",
    "documentation 3": "203.0.113.0/24",
    "multicast": "224.0.0.0/4",
    "reserved": "240.0.0.0/4",
    "broadcast": "255.255.255.255/32",
    "unspecified, IPv6": "::/128",
    "loopback, IPv6": "::1/128",
    "IPv4-compatible": "::/96",
    "IPv4-translated": "::ffff:0:0:0/96",
    "local NAT64": "64:ff9b:1::/48",
    "discard only": "100::/64",
    "dummy prefix": "100:0:0:1::/64",
    "protocol assignments, IPv6": "2001::/23",
    "Teredo": "2001::/32",
    "benchmarks, IPv6": "2001:2::/48",
    "ORCHID": "2001:10::/28",
    "ORCHID 2": "2001:20::/28",
    "documentation, IPv6": "2001:db8::/32",
    "documentation 2, IPv6": "3fff::/20",
    "segment routing": "5f00::/16",
    "unique local": "fc00::/7",
    "Amazon's metadata and DNS": "fd00:ec2::/32",
    "link-local, IPv6": "fe80::/10",
    "site-local": "fec0::/10",
    "multicast, IPv6": "ff00::/8",
}
# How IPv6 carries an IPv4 address: mapped, NAT64, 6to4.
SPELLINGS = {
    "mapped": lambda inner: (0xFFFF << 32) + inner,
    "NAT64": lambda inner: (0x64FF9B << 96) + inner,
    "6to4": lambda inner: (0x2002 << 112) + (inner << 80) + 1,
}
V4 = {name: block for name, block in BLOCKS.items() if "." in block}


def some_of(block: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The first, the middle and the last address."""
    network = ipaddress.ip_network(block)
    return [network[0], network[network.num_addresses // 2], network[-1]]


@pytest.mark.parametrize("name", BLOCKS)
def test_a_reserved_block_is_refused_from_end_to_end(name: str) -> None:
    assert [str(address) for address in some_of(BLOCKS[name]) if PUBLIC_ONLY.permits(address)] == []


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("name", V4)
def test_so_it_is_inside_ipv6(name: str, spelling: str) -> None:
    inside = [ipaddress.IPv6Address(SPELLINGS[spelling](int(address))) for address in some_of(V4[name])]
    assert [str(address) for address in inside if PUBLIC_ONLY.permits(address)] == []


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_public_address_stays_public_inside_ipv6(spelling: str) -> None:
    inside = ipaddress.IPv6Address(SPELLINGS[spelling](int(ipaddress.IPv4Address("1.1.1.1"))))
    assert PUBLIC_ONLY.permits(inside)


@pytest.mark.parametrize(
    "address",
    [
        "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
        "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0",
        "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
        "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
        "2001:200::", "2001:db7:ffff::", "2001:db9::", "2600::", "3ffe:ffff::", "3fff:1000::",
    ],
)  # fmt: skip
def test_its_neighbours_are_not_refused_with_it(address: str) -> None:
    assert PUBLIC_ONLY.permits(ipaddress.ip_address(address))


def test_a_reserved_address_that_the_operator_allows_is_permitted() -> None:
    policy = FetchPolicy((ipaddress.ip_network("192.0.0.0/24"), ipaddress.ip_network("fd00::/8")))
    assert policy.permits(ipaddress.ip_address("192.0.0.200"))
    assert policy.permits(ipaddress.ip_address("fd12::1"))
    assert not policy.permits(ipaddress.ip_address("192.88.99.1"))
