"""A shop's server: customers upload to S3, wait, and see their cut-out. Needs the standard library only.

    python docs/examples/shop.py [PORT]      with CUTLINE_URL and CUTLINE_API_KEY, then open http://127.0.0.1:8000

Set SHOP_URL, the address at which Cutline reaches this server, and CUTLINE_CALLBACK_KEY to receive callbacks. Without
them the server polls Cutline when the page polls the server. The API key stays on this server.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from callback import is_genuine

TASKS = "/api/tasks/visual/segmentation"
SHOP_URL, CALLBACK_KEY = os.environ.get("SHOP_URL", ""), os.environ.get("CUTLINE_CALLBACK_KEY", "")
MAX_BYTES = 65_536
PAGE = Path(__file__).with_name("upload.html")
# Callbacks by task id. A real shop uses a database, and sessions to know whose task it is.
ended: dict[str, Any] = {}


def ask(method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, Any]:
    """Calls Cutline with the shop's key. Returns status and JSON; 502 without an answer."""
    sent = {"X-API-KEY": os.environ["CUTLINE_API_KEY"], **(headers or {})}
    request = urllib.request.Request(os.environ["CUTLINE_URL"] + path, body or None, sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
    except OSError as error:
        return 502, {"message": f"Cutline did not answer: {error}"}


def ticket(upload: dict[str, Any]) -> tuple[int, Any]:
    """Gets an upload ticket, with which the browser can upload one picture of this type and size."""
    return ask("POST", "/uploads", json.dumps(upload).encode(), {"Content-Type": "application/json"})


def start(order: dict[str, Any]) -> tuple[int, Any]:
    """Starts a background task for an upload. A repeat starts no second one: the Idempotency-Key is the upload."""
    source = str(order.get("source", ""))
    if not source.startswith("upload:"):
        return 400, {"message": "`source` must be an upload"}
    fields = {"sync": "0", "type": "object", "image_url": source}
    if SHOP_URL and CALLBACK_KEY:
        fields["callback_url"] = f"{SHOP_URL}/callback"
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": source}
    return ask("POST", TASKS, urlencode(fields).encode(), headers)


def state_of(task_id: str) -> tuple[int, Any]:
    """Returns the task's state, from its callback or from Cutline."""
    if task_id in ended:
        return 200, ended[task_id]
    return ask("GET", f"{TASKS}/{quote(task_id, safe='')}")


class Shop(BaseHTTPRequestHandler):
    """Serves the page, its three requests and the callback."""

    def do_GET(self) -> None:
        """Serves the page, or a task's state."""
        if self.path == "/":
            self._send(200, PAGE.read_bytes(), "text/html; charset=utf-8")
        elif self.path.startswith("/task/"):
            self._answer(*state_of(self.path.removeprefix("/task/")))
        else:
            self._answer(404, {"message": "Not Found"})

    def do_POST(self) -> None:
        """Serves a request of the page, or a callback."""
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), MAX_BYTES))
        if self.path == "/callback":
            self._answer(*self._receive(body))
        elif self.path in ("/ticket", "/cut"):
            self._answer(*(ticket if self.path == "/ticket" else start)(json.loads(body)))
        else:
            self._answer(404, {"message": "Not Found"})

    def _receive(self, body: bytes) -> tuple[int, Any]:
        if not CALLBACK_KEY or not is_genuine(CALLBACK_KEY, self.headers.get("X-Cutline-Signature", ""), body):
            return 403, {"message": "Not signed by Cutline"}
        document = json.loads(body)
        ended[document["data"]["task_id"]] = document
        return 200, {"message": "Thank you"}

    def _answer(self, status: int, document: Any) -> None:
        self._send(status, json.dumps(document).encode(), "application/json")

    def _send(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8000), Shop)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
