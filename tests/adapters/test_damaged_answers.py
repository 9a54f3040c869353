"""Answers of pictures' and callbacks' servers with damaged heads: the body, or the download's own refusal."""

import socket
import time
from ipaddress import ip_network
from typing import Any

import pytest

from cutline.adapters.fetch import FetchPolicy, Unreachable, deliver, fetch
from cutline.errors import InputRefused, Reason
from devkit.hostile_server import serving
from tests.support.damaged import TEXTS

LOCAL = FetchPolicy((ip_network("127.0.0.1/32"),), timeout_s=2.0)
_BODY = b"picture"
_HEADERS = ("Location", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Retry-After", "")
_LINES = ("200 OK", "302 Found", "429 Too Many Requests")
_SHORT = [text for text in TEXTS if 0 < len(text) < 60_000 and "\U0001f600" not in text and "\n" not in text]


def said(line: str, header: str, text: str) -> Any:
    head = f"HTTP/1.1 {line}\r\n" + (f"{header}: {text}\r\n" if header else f"{text}\r\n") + "Connection: close\r\n\r\n"

    def script(connection: socket.socket) -> None:
        connection.sendall(head.encode("utf-8", "replace") + _BODY)

    return script


@pytest.mark.parametrize("header", _HEADERS)
def test_a_damaged_head_is_an_answer_or_a_refusal(header: str) -> None:
    begun = time.process_time()
    for line in _LINES:
        for text in _SHORT:
            with serving(said(line, header, text)) as server:
                try:
                    assert fetch(server.url(), 1000, LOCAL).endswith(_BODY)
                except Unreachable as error:
                    assert error.retry_after_s is None or 0 <= error.retry_after_s < 1e6, text
                except InputRefused as error:
                    assert error.reason is Reason.URL_TOO_LARGE, text
                try:
                    assert deliver(server.url(), b"{}", {}, LOCAL) in (200, 302, 429)
                except InputRefused as error:
                    assert error.reason is Reason.URL_UNREACHABLE
    assert time.process_time() - begun < 10
