"""Fetching over TLS: whose word counts, and for how long (contracts.md 0.4)."""

import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cutline.adapters.fetch import _tls, fetch
from cutline.errors import Reason
from devkit.hostile_server import Script, answer, drip, serving
from devkit.patience import scaled
from tests.support.certificate import self_signed
from tests.support.fetching import HASTY, LOOPBACK, PICTURE, names, reason_of


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key for shop.example.com, self-signed."""
    return self_signed(tmp_path_factory.mktemp("tls"), "shop.example.com")


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes the certificate one that the machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    _tls.cache_clear()
    yield
    _tls.cache_clear()


def test_an_untrusted_certificate_is_refused(tls: ssl.SSLContext) -> None:
    with serving(answer(body=b"x"), tls) as server:
        url = server.url(host="shop.example.com", scheme="https")
        assert reason_of(url, resolver=names("127.0.0.1")) is Reason.URL_UNREACHABLE
    assert server.requests == []


@pytest.mark.usefixtures("trusted")
def test_a_trusted_certificate_counts_only_for_its_own_name(tls: ssl.SSLContext) -> None:
    with serving(answer(body=PICTURE), tls) as server:
        right = server.url(host="shop.example.com", scheme="https")
        wrong = server.url(host="evil.example.com", scheme="https")
        for _ in range(2):
            assert fetch(right, 10**6, LOOPBACK, names("127.0.0.1")) == PICTURE
        assert reason_of(wrong, resolver=names("127.0.0.1")) is Reason.URL_UNREACHABLE


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    "script",
    [drip(b"", b"H"), drip(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"x")],
    ids=["headers", "body"],
)
def test_dripping_through_tls_is_given_up_at_the_deadline_too(tls: ssl.SSLContext, script: Script) -> None:
    with serving(script, tls) as server:
        started = time.monotonic()
        url = server.url(host="shop.example.com", scheme="https")
        assert reason_of(url, policy=HASTY, resolver=names("127.0.0.1")) is Reason.URL_UNREACHABLE
        assert time.monotonic() - started < scaled(2.5)
