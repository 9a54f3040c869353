"""The review page with an editor, on 127.0.0.1 only: `cutline review FOLDER --open`.

Its address holds a random token, without which there is only 404. A page of another origin cannot reach it: the Host
header must name this address, so no name can be rebound to it, and an Origin must be its own.
"""

from __future__ import annotations

import hmac
import json
import mimetypes
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cutline.batch.report import ReportLine
from cutline.errors import MattingError
from cutline.local_file import read_file
from cutline.review.editor import Editor
from cutline.review.page import page_items, render_page
from cutline.review.remake import NotEditable

MAX_BODY_BYTES = 1 << 20
_MAX_LENGTH_CHARS = 15
_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    content_type: str
    body: bytes


class Refused(Exception):
    """A request that is not answered; `status` says why."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class ReviewServer(ThreadingHTTPServer):
    """Serves one report's page; `address` is what a browser opens."""

    daemon_threads = True

    def __init__(self, editor: Editor, order: list[str], folder: Path, *, sampled: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.editor, self.order, self.folder, self.sampled = editor, order, folder, sampled
        self.token = secrets.token_hex(16)
        self.hosts = {f"{name}:{self.server_port}" for name in ("127.0.0.1", "localhost")}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/{self.token}/"

    def line(self, number: str) -> ReportLine:
        """Return the line with this place in the page's order. Raises Refused."""
        if not number.isascii() or not number.isdigit() or int(number) >= len(self.order):
            raise Refused(HTTPStatus.NOT_FOUND)
        return self.editor.lines[self.order[int(number)]]


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        self._answer(
            {
                "": self._page,
                "before": self._before,
                "after": self._after,
                "photo": self._photo,
                "strokes": self._strokes,
            }
        )

    def do_POST(self) -> None:
        self._answer({"preview": self._preview, "save": self._save})

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: an address holds the token."""

    def _answer(self, routes: Mapping[str, Callable[[], Answer]]) -> None:
        try:
            answer = routes[self._route(routes)]()
        except Refused as error:
            self.close_connection = True  # the body may not have been read
            answer = _text(error.status, error.status.phrase)
        except (NotEditable, ValueError, MattingError, OSError) as error:
            answer = _text(HTTPStatus.BAD_REQUEST, _reason(error))
        self.send_response(answer.status)
        for name, value in {**_HEADERS, "Content-Type": answer.content_type}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _route(self, routes: Mapping[str, object]) -> str:
        """Return which of the routes is asked for. Raises Refused for another host, origin, token or path."""
        host = self.headers.get("Host", "")
        if host not in self.server.hosts or self.headers.get("Origin", f"http://{host}") != f"http://{host}":
            raise Refused(HTTPStatus.FORBIDDEN)
        token, _, name = urlsplit(self.path).path.removeprefix("/").partition("/")
        if not hmac.compare_digest(token.encode(), self.server.token.encode()) or name not in routes:
            raise Refused(HTTPStatus.NOT_FOUND)
        return name

    def _line(self) -> ReportLine:
        return self.server.line(parse_qs(urlsplit(self.path).query).get("item", [""])[0])

    def _body(self) -> Any:
        """Return the JSON of the body. Raises Refused and ValueError."""
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or len(length) > _MAX_LENGTH_CHARS:
            raise Refused(HTTPStatus.LENGTH_REQUIRED)
        if int(length) > MAX_BODY_BYTES:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        try:
            return json.loads(self.rfile.read(int(length)))
        except RecursionError as error:
            raise ValueError("the JSON is nested too deeply") from error

    def _page(self) -> Answer:
        lines = [self.server.editor.lines[key] for key in self.server.order]
        page = render_page(lines, self.server.folder, sampled=self.server.sampled, served=True)
        return Answer(HTTPStatus.OK, "text/html; charset=utf-8", page.encode("utf-8", "surrogateescape"))

    def _before(self) -> Answer:
        return _file(Path(self._line().picture))

    def _after(self) -> Answer:
        return _file(self.server.folder / self._line().result)

    def _photo(self) -> Answer:
        return Answer(HTTPStatus.OK, "image/jpeg", self.server.editor.photo(self._line().key)[0])

    def _strokes(self) -> Answer:
        return _json(self.server.editor.photo(self._line().key)[1])

    def _preview(self) -> Answer:
        line, strokes = self._line(), self._body()
        return Answer(HTTPStatus.OK, "image/png", self.server.editor.preview(line.key, strokes))

    def _save(self) -> Answer:
        line, strokes = self._line(), self._body()
        (item,) = page_items([self.server.editor.save(line.key, strokes)], self.server.folder)
        return _json(item)


def _file(path: Path) -> Answer:
    if not path.is_file():
        raise Refused(HTTPStatus.NOT_FOUND)
    content_type = mimetypes.guess_type(path.name)[0] or ""
    # A picture can be shown as nothing else.
    shown = content_type if content_type.startswith("image/") and "svg" not in content_type else "image/x-unknown"
    return Answer(HTTPStatus.OK, shown, read_file(path))


def _json(value: object) -> Answer:
    return Answer(HTTPStatus.OK, "application/json", json.dumps(value).encode("utf-8", "surrogateescape"))


def _text(status: HTTPStatus, text: str) -> Answer:
    return Answer(status, "text/plain; charset=utf-8", text.encode("utf-8", "replace"))


def _reason(error: Exception) -> str:
    if isinstance(error, MattingError):
        return error.detail or str(error.reason)
    return str(error)
