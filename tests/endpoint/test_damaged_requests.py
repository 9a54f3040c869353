"""Requests of the container's protocol with damaged heads and bodies: a refusal, and the next picture is served."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from cutline.pipeline.inference.network import Network
from devkit.patience import WAIT_S
from devkit.serving import Caller, encoded, noise, serving
from tests.support.damaged import TEXTS
from tools.trust.bomb_files import BOMBS

PICTURE = encoded(noise(1))
_SHORT = [text for text in TEXTS if len(text) < 60_000 and not {"\r", "\n"} & set(text)]


@pytest.fixture(scope="module")
def opened(tiny: Network) -> Iterator[Caller]:
    with serving() as (server, caller):
        server.open(tiny)
        yield caller


def status_of(caller: Caller, head: str, body: bytes = PICTURE) -> int:
    """The status of a raw POST; 0 for a connection that was closed."""
    with socket.create_connection(("127.0.0.1", caller.port), WAIT_S) as connection:
        raw = f"POST /invocations HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode("latin-1", "replace")
        answer = b""
        with suppress(OSError):  # a refusal may close the connection before the body is sent
            connection.sendall(raw + body)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(1000)
    return int(answer.split(b" ", 2)[1]) if answer else 0


@pytest.mark.parametrize("text", _SHORT, ids=lambda text: ascii(text[:12]))
def test_a_damaged_head_is_refused_and_the_next_call_is_served(opened: Caller, text: str) -> None:
    sized = f"Content-Length: {len(PICTURE)}"
    heads = [f"Content-Type: image/png\r\nContent-Length: {text}", f"{sized}\r\nContent-Type: {text}"]
    heads += [f"{sized}\r\nContent-Type: image/png; {text}", f"Transfer-Encoding: chunked{text}"]
    for head in heads:
        assert status_of(opened, head) in (0, 200, 400, 411, 413, 415, 431), head[:80]
    assert opened.invoke(PICTURE).status == 200


@pytest.mark.parametrize("name", ["PNG claims 2^31 - 1", "PNG of 500,000 chunks", "PNG unfolds to a gigabyte"])
def test_a_bomb_is_refused_and_the_next_call_is_served(opened: Caller, name: str) -> None:
    assert opened.invoke(BOMBS[name]()).status in (200, 400, 413)
    assert opened.invoke(PICTURE).status == 200
