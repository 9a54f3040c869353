"""A server on 127.0.0.1 that answers every connection with what a test scripted, however wrong."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Script = Callable[[socket.socket], None]


@dataclass
class HostileServer:
    """`port` to call, `requests` that arrived; `script` answers one connection."""

    port: int
    script: Script
    requests: list[bytes] = field(default_factory=list)

    def url(self, path: str = "/a.png", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


@contextmanager
def serving(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[HostileServer]:
    """The server while the block runs."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        server = HostileServer(listener.getsockname()[1], script)
        thread = threading.Thread(target=_accept, args=(listener, server, tls), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _accept(listener: socket.socket, server: HostileServer, tls: ssl.SSLContext | None) -> None:
    with suppress(OSError):
        while True:
            plain, _ = listener.accept()
            with plain, suppress(OSError):
                plain.settimeout(5)
                connection = tls.wrap_socket(plain, server_side=True) if tls else plain
                with connection:
                    server.requests.append(connection.recv(65536))
                    server.script(connection)


def answer(status: str = "200 OK", headers: str = "", body: bytes = b"", *, length: bool = True) -> Script:
    """Answers with one whole response."""
    sized = f"Content-Length: {len(body)}\r\n" if length else ""
    data = f"HTTP/1.1 {status}\r\n{headers}{sized}Connection: close\r\n\r\n".encode() + body
    return lambda connection: connection.sendall(data)


def drip(head: bytes, piece: bytes, gap_s: float = 0.05, pieces: int = 100) -> Script:
    """Sends `head` and then a little now and again, for longer than anybody should wait."""

    def script(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(pieces):
            connection.sendall(piece)
            threading.Event().wait(gap_s)

    return script
