"""A server whose answers a test lists."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from devkit.listening import QuietHandler, listening


@contextmanager
def answering(*answers: tuple[int, dict[str, str], Any]) -> Iterator[tuple[str, list[str]]]:
    """A server that gives these answers one after the other, then the last; and the paths that it was asked for."""
    left, asked = list(answers), []

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status, headers, document = left.pop(0) if len(left) > 1 else left[0]
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

    with listening(Handler) as address:
        yield address, asked
