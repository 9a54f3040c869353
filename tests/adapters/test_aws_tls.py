"""Clients of AWS share what they trust, and still trust nobody else."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import botocore.httpsession
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import SSLError

from cutline.adapters import aws_tls
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


class _Answers(BaseHTTPRequestHandler):
    """Nothing, to every question, on a connection of its own."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(self.headers["X-Amz-Target"])  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    asked: list[str]

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is what some tests are about."""


@contextmanager
def serving(certificate: Path) -> Iterator[_Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with _Server(("127.0.0.1", 0), _Answers) as server:
        server.asked = []
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def client(service: str, server: _Server, trusted: Path | None) -> Any:
    return botocore.session.Session().create_client(
        service,
        "eu-west-1",
        aws_access_key_id="id",
        aws_secret_access_key="key",
        endpoint_url=f"https://localhost:{server.server_port}",
        verify=None if trusted is None else str(trusted),
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_certificates_are_read_once_for_all_clients_and_connections(read: list[Any], tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, "localhost")
    with serving(certificate) as server:
        secrets, kms = client("secretsmanager", server, certificate), client("kms", server, certificate)
        for _ in range(2):
            secrets.list_secrets()
            kms.list_keys()
        assert server.asked == ["secretsmanager.ListSecrets", "TrentService.ListKeys"] * 2
    assert read == [str(certificate)]


def test_a_server_that_nobody_vouches_for_is_refused(read: list[Any], tmp_path: Path) -> None:
    with serving(self_signed(tmp_path, "localhost")) as server:
        with pytest.raises(SSLError):
            client("kms", server, None).list_keys()
        assert server.asked == []
    assert len(read) == 1


def test_a_trusted_certificate_of_another_name_is_refused(read: list[Any], tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, "elsewhere.example.com")
    with serving(certificate) as server:
        with pytest.raises(SSLError):
            client("kms", server, certificate).list_keys()
        assert server.asked == []
    assert read == [str(certificate)]
