"""Fetching callers' addresses, from hostile servers and names (contracts.md 0.4)."""

import gzip
import ipaddress
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from cutline.adapters.fetch import FetchPolicy, fetch
from cutline.errors import Reason
from devkit.hostile_server import Script, answer, drip, serving
from devkit.patience import scaled
from tests.support.fetching import HASTY, LOOPBACK, PICTURE, PUBLIC_ONLY, names, reason_of, refused


def fetched(script: Script, max_bytes: int = 10**6) -> bytes:
    with serving(script) as server:
        return fetch(server.url(), max_bytes, LOOPBACK)


@pytest.mark.parametrize("length", [True, False], ids=["with a length", "until the end"])
def test_a_picture_arrives_byte_for_byte(length: bool) -> None:
    assert fetched(answer(body=PICTURE, length=length)) == PICTURE


def test_a_chunked_picture_arrives_byte_for_byte() -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (PICTURE[:7], PICTURE[7:])) + b"0\r\n\r\n"
    assert fetched(answer(headers="Transfer-Encoding: chunked\r\n", body=chunks, length=False)) == PICTURE


def test_the_server_sees_the_named_host_and_no_credentials() -> None:
    with serving(answer(body=b"x")) as server:
        fetch(server.url("/p/a.png?x=1&y=2#part", host="shop.example.com"), 10, LOOPBACK, names("127.0.0.1"))
    lines = server.requests[0].decode().split("\r\n")
    assert lines[0] == "GET /p/a.png?x=1&y=2 HTTP/1.1"
    assert f"Host: shop.example.com:{server.port}" in lines
    assert "Accept-Encoding: identity" in lines
    assert not [line for line in lines if line.lower().startswith(("authorization", "cookie", "x-amz"))]


@pytest.mark.parametrize("length", [True, False], ids=["declared", "undeclared"])
def test_one_byte_over_the_cap_is_too_large_and_the_cap_itself_is_not(length: bool) -> None:
    assert fetched(answer(body=PICTURE, length=length), len(PICTURE)) == PICTURE
    assert refused(answer(body=PICTURE, length=length), len(PICTURE) - 1) is Reason.URL_TOO_LARGE


def test_a_declared_terabyte_is_refused_before_the_body() -> None:
    started = time.monotonic()
    script = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n", b"x")
    assert refused(script) is Reason.URL_TOO_LARGE
    assert time.monotonic() - started < scaled(4)


def test_an_endless_body_is_cut_at_the_cap() -> None:
    assert refused(drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536, 0, 10_000), 10**5) is Reason.URL_TOO_LARGE


@pytest.mark.parametrize(
    ("coding", "pack"),
    [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress)],
)
def test_an_unrequested_compression_is_undone(coding: str, pack: Callable[[bytes], bytes]) -> None:
    assert fetched(answer(headers=f"Content-Encoding: {coding}\r\n", body=pack(PICTURE))) == PICTURE


@pytest.mark.parametrize("coding", ["gzip", "aws-chunked", "utf-8", "br"])
def test_a_compression_that_is_none_or_unknown_leaves_the_body_as_it_is(coding: str) -> None:
    assert fetched(answer(headers=f"Content-Encoding: {coding}\r\n", body=PICTURE)) == PICTURE


def test_a_compressed_bomb_is_unpacked_no_further_than_the_cap() -> None:
    bomb = gzip.compress(bytes(10**8))
    tracemalloc.start()
    try:
        assert refused(answer(headers="Content-Encoding: gzip\r\n", body=bomb), 10**6) is Reason.URL_TOO_LARGE
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()
    packed = gzip.compress(PICTURE)
    assert fetched(answer(headers="Content-Encoding: gzip\r\n", body=packed), max(len(PICTURE), len(packed))) == PICTURE


def test_a_compressed_body_that_ends_early_is_refused() -> None:
    assert (
        refused(answer(headers="Content-Encoding: gzip\r\n", body=gzip.compress(PICTURE)[:-9]))
        is Reason.URL_UNREACHABLE
    )


def test_a_dead_address_of_several_is_passed_over() -> None:
    with serving(answer(body=PICTURE)) as server:
        url = server.url(host="shop.example.com")
        everywhere = FetchPolicy((ipaddress.ip_network("127.0.0.0/8"),), timeout_s=5)
        # No server listens on 127.0.0.2 and 127.0.0.3.
        assert fetch(url, 10**6, everywhere, names("127.0.0.2", "127.0.0.3", "127.0.0.1")) == PICTURE
        assert reason_of(url, policy=everywhere, resolver=names("127.0.0.2", "127.0.0.3")) is Reason.URL_UNREACHABLE


def test_addresses_that_never_answer_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []

    def silent(address: tuple[str, int], timeout: float) -> socket.socket:
        given.append(timeout)
        time.sleep(timeout)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", silent)
    begun = time.monotonic()
    hasty = FetchPolicy((ipaddress.ip_network("127.0.0.0/8"),), timeout_s=0.8)
    assert reason_of("http://a.example/", policy=hasty, resolver=names(*["127.0.0.1"] * 9)) is Reason.URL_UNREACHABLE
    assert len(given) == 4
    assert max(given) < 0.3
    assert time.monotonic() - begun < scaled(2)


def test_a_body_that_ends_early_is_refused() -> None:
    assert refused(lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")) is Reason.URL_UNREACHABLE


@pytest.mark.parametrize(
    "script",
    [
        drip(b"", b"H"),
        drip(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        drip(b"HTTP/1.1 200 OK\r\nX-A: ", b"b"),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"x"),
        drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
        drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Trailer: b\r\n"),
        drip(b"", b"", pieces=20),
    ],
    ids=[
        "status line",
        "header by header",
        "inside a header",
        "continue for ever",
        "body with a length",
        "body without one",
        "chunk size",
        "trailer",
        "silence",
    ],
)
def test_a_server_that_drips_is_given_up_at_the_deadline(script: Script) -> None:
    with serving(script) as server:
        started = time.monotonic()
        assert reason_of(server.url(), policy=HASTY) is Reason.URL_UNREACHABLE
        assert 0.3 < time.monotonic() - started < scaled(2.5)


def test_a_tls_handshake_that_never_comes_is_given_up_at_the_deadline() -> None:
    with serving(drip(b"\x16", b"\x03", 0.1, 30)) as server:
        started = time.monotonic()
        assert reason_of(server.url(scheme="https"), policy=HASTY) is Reason.URL_UNREACHABLE
        assert time.monotonic() - started < scaled(2.5)


def test_a_name_that_does_not_resolve_in_time_is_given_up_at_the_deadline() -> None:
    given_up = threading.Event()

    def slow(host: str, port: int) -> list[str]:
        given_up.wait(30)
        return ["127.0.0.1"]

    started = time.monotonic()
    assert reason_of("http://slow.example.com/", policy=HASTY, resolver=slow) is Reason.URL_UNREACHABLE
    assert time.monotonic() - started < scaled(20)
    given_up.set()


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "204 No Content", "206 Partial Content", "304 Same"])
def test_any_status_but_200_is_refused(status: str) -> None:
    assert refused(answer(status)) is Reason.URL_UNREACHABLE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not http\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: \u00b2\r\n\r\n".encode("latin-1"),
        b"\xff" * 5000,
    ],
    ids=[
        "none",
        "no http",
        "no status",
        "300 headers",
        "huge header",
        "bad chunk",
        "negative chunk",
        "odd length",
        "?",
    ],
)
def test_an_answer_that_is_not_http_is_refused(data: bytes) -> None:
    assert refused(lambda connection: connection.sendall(data)) is Reason.URL_UNREACHABLE


def test_a_closed_port_is_refused() -> None:
    with serving(answer()) as server:
        url = server.url()
    assert reason_of(url) is Reason.URL_UNREACHABLE


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "169.254.170.2",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "240.0.0.1",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "::a00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:0:a00:1::1",
        "4000::1",
    ],
)
def test_an_address_that_is_not_public_is_refused_in_every_spelling(address: str) -> None:
    assert reason_of("http://shop.example.com/", policy=PUBLIC_ONLY, resolver=names(address)) is Reason.URL_UNREACHABLE


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"]
)
def test_a_public_address_is_permitted(address: str) -> None:
    assert PUBLIC_ONLY.permits(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "localhost", "[::1]", "0", "127.0.0.1."]
)
def test_no_spelling_of_this_machine_gets_through_the_real_resolver(host: str) -> None:
    assert reason_of(f"http://{host}/", policy=PUBLIC_ONLY) is Reason.URL_UNREACHABLE


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    resolver = names("1.1.1.1", "10.0.0.1")
    assert reason_of("http://mixed.example.com/", policy=PUBLIC_ONLY, resolver=resolver) is Reason.URL_UNREACHABLE


@pytest.mark.parametrize("resolver", [names(), names("not an address")], ids=["none", "nonsense"])
def test_a_name_without_a_usable_address_is_refused(resolver) -> None:
    assert reason_of("http://odd.example.com/", resolver=resolver) is Reason.URL_UNREACHABLE


def test_a_name_that_changes_its_mind_is_asked_once_and_taken_at_its_word() -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    with serving(answer(body=b"ok")) as server:
        assert fetch(server.url(host="rebind.example.com"), 10, LOOPBACK, rebinding) == b"ok"
    assert asked == ["rebind.example.com"]


def test_the_second_hop_of_a_rebinding_name_is_judged_again() -> None:
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    with serving(answer("302 Found", "Location: /b\r\n")) as server:
        url = server.url(host="rebind.example.com")
        assert reason_of(url, resolver=lambda host, port: next(answers)) is Reason.URL_UNREACHABLE
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.png",
        "//shop.example.com/a.png",
        "file:///etc/passwd",
        "ftp://shop.example.com/a.png",
        "data:image/png;base64,AAAA",
        "gopher://127.0.0.1:6379/_x",
        "javascript:alert(1)",
        "http://",
        "http:///a.png",
        "http://user@shop.example.com/",
        "http://user:pass@shop.example.com/",
        "http://@shop.example.com/",
        "http://shop.example.com:0/",
        "http://shop.example.com:65536/",
        "http://shop.example.com:-1/",
        "http://shop.example.com:abc/",
        "http://a b.example.com/",
        "http://shop.example.com/\r\nHost: evil",
        "http://shop.example.com/\tx",
        "http://shop.example.com/\u5546\n\u54c1",
        "http://b\u00fccher..example/",
        "http://evil\u2100.example/",
        "http://user:p\u00e4ss@shop.example.com/",
        "http://shop.example.com/\ud800",
        "http://shop.example.com/" + "\u5546" * 300,
        "http://[::1",
        "http://shop.example.com/" + "a" * 2048,
    ],
)
def test_an_address_of_another_kind_is_refused_before_any_lookup(url: str) -> None:
    def never(host: str, port: int) -> list[str]:
        raise AssertionError("a refused address was looked up")

    assert reason_of(url, resolver=never) is Reason.URL_UNREACHABLE


def test_a_label_too_long_for_dns_is_refused() -> None:
    assert reason_of(f"http://{'a' * 300}.example.com/") is Reason.URL_UNREACHABLE


def test_nothing_is_left_open_between_calls(recwarn: pytest.WarningsRecorder) -> None:
    for _ in range(3):
        assert refused(answer("404 Not Found")) is Reason.URL_UNREACHABLE
    assert not list(recwarn)
