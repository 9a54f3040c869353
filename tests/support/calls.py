"""Calls as the contracts see them, made from what a test cares about."""

import json
from dataclasses import dataclass
from typing import Any

from cutline.contracts.wire import Outcome, Request, Response

REQUEST_ID = "5b1f3a52-6f0e-4f6e-9a5e-0d8f1f4f9c11"
LINK = "https://files.example.net/r/6f0c9d2e41.png?sig=abc&x=1"
OUTCOME = Outcome(640, 480, {"image": LINK})


def call(
    body: bytes = b"",
    *,
    method: str = "POST",
    path: str = "/api/cutout/",
    query: tuple[tuple[str, str], ...] = (),
    headers: dict[str, str] | None = None,
) -> Request:
    """A request; header names are given in lower case, as `Request` holds them."""
    return Request(method, path, f"/v1{path}", query, headers or {}, body, REQUEST_ID, 1.7e9, "https://example.com")


def json_call(document: Any) -> Request:
    """A JSON POST to Aidge."""
    return call(json.dumps(document).encode(), path="/ai/image/cut/out", headers={"content-type": "application/json"})


def json_of(response: Response) -> Any:
    """The JSON document of an answer, after checking that it says it is one."""
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    return json.loads(response.body)


@dataclass(frozen=True)
class Part:
    """One part of a multipart body; `disposition` is everything after `form-data`."""

    disposition: str
    payload: bytes
    headers: str = ""


def multipart(*parts: Part, boundary: str = "X-BOUNDARY", preamble: bytes = b"") -> bytes:
    """The body that RFC 2046 makes of the parts."""
    sections = [preamble]
    for part in parts:
        head = f"--{boundary}\r\nContent-Disposition: form-data{part.disposition}\r\n{part.headers}\r\n"
        sections += [head.encode(), part.payload, b"\r\n"]
    return b"".join([*sections, f"--{boundary}--\r\n".encode()])


def multipart_call(body: bytes, boundary: str = "X-BOUNDARY", path: str = "/api/cutout/") -> Request:
    """A multipart POST whose Content-Type names the boundary."""
    return call(body, path=path, headers={"content-type": f'multipart/form-data; boundary="{boundary}"'})
