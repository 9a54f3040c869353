"""Clients of AWS share one TLS context, and still verify certificates."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import botocore.httpsession
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import SSLError

from cutline.adapters import aws_tls
from devkit.listening import QuietHandler, listening
from tests.support.certificate import self_signed


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The files of certificates that were read, while clients share their context."""
    files: list[Any] = []
    really = ssl.SSLContext.load_verify_locations

    def load(self: ssl.SSLContext, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:
        files.append(cafile)
        really(self, cafile, capath, cadata)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", load)
    monkeypatch.setattr(botocore.httpsession, "create_urllib3_context", aws_tls._make_context)
    aws_tls._shared_context.cache_clear()
    aws_tls.share_tls_context()
    yield files
    aws_tls._shared_context.cache_clear()


class _Answers(QuietHandler):
    """Nothing, to every question."""

    asked: ClassVar[list[str]]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(self.headers["X-Amz-Target"])
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")


@contextmanager
def serving(certificate: Path) -> Iterator[tuple[str, list[str]]]:
    """A server's address, by the name localhost, and the requests it got."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    asked: list[str] = []
    with listening(type("Handler", (_Answers,), {"asked": asked}), context) as url:
        yield url.replace("127.0.0.1", "localhost"), asked


def client(service: str, url: str, trusted: Path | None) -> Any:
    return botocore.session.Session().create_client(
        service,
        "eu-west-1",
        aws_access_key_id="id",
        aws_secret_access_key="key",
        endpoint_url=url,
        verify=None if trusted is None else str(trusted),
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_certificates_are_read_once_for_all_clients_and_connections(read: list[Any], tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, "localhost")
    with serving(certificate) as (url, asked):
        secrets, kms = client("secretsmanager", url, certificate), client("kms", url, certificate)
        for _ in range(2):
            secrets.list_secrets()
            kms.list_keys()
        assert asked == ["secretsmanager.ListSecrets", "TrentService.ListKeys"] * 2
    assert read == [str(certificate)]


def test_an_untrusted_server_certificate_is_refused(read: list[Any], tmp_path: Path) -> None:
    with serving(self_signed(tmp_path, "localhost")) as (url, asked):
        with pytest.raises(SSLError):
            client("kms", url, None).list_keys()
        assert asked == []
    assert len(read) == 1


def test_a_trusted_certificate_of_another_name_is_refused(read: list[Any], tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, "elsewhere.example.com")
    with serving(certificate) as (url, asked):
        with pytest.raises(SSLError):
            client("kms", url, certificate).list_keys()
        assert asked == []
    assert read == [str(certificate)]
