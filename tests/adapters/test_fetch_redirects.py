"""Redirects of callers' addresses, and names beyond ASCII (contracts.md 0.4)."""

import socket
import time

import pytest

from cutline.adapters.fetch import MAX_REDIRECTS, deliver, fetch
from cutline.errors import InputRefused, Reason
from devkit.hostile_server import answer, serving
from tests.support.fetching import LOOPBACK, PUBLIC_ONLY, names, reason_of, refused


def test_redirects_are_followed_also_relative_ones() -> None:
    def script(connection: socket.socket) -> None:
        first = b"/x/y/a.png" in server.requests[-1]
        (answer("302 Found", "Location: ../b.png\r\n") if first else answer(body=b"ok"))(connection)

    with serving(script) as server:
        assert fetch(server.url("/x/y/a.png"), 10, LOOPBACK) == b"ok"
    assert server.requests[1].startswith(b"GET /x/b.png ")


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/商品/a b.jpg?q=é&r=%20#部", "/%E5%95%86%E5%93%81/a%20b.jpg?q=%C3%A9&r=%20"),
        ("/[1]/a+b;c=~.png?x=[2]&y=a b", "/[1]/a+b;c=~.png?x=[2]&y=a%20b"),
    ],
)
def test_a_path_beyond_ascii_is_percent_encoded(path: str, target: str) -> None:
    with serving(answer(body=b"x")) as server:
        fetch(server.url(path), 10, LOOPBACK)
    assert server.requests[0].decode().startswith(f"GET {target} HTTP/1.1\r\n")


def test_a_name_of_another_script_is_looked_up_and_called_in_idna() -> None:
    asked = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with serving(answer(body=b"x")) as server:
        fetch(server.url("/a.png", host="bücher.example"), 10, LOOPBACK, resolver)
    assert asked == ["xn--bcher-kva.example"]
    assert f"Host: xn--bcher-kva.example:{server.port}\r\n" in server.requests[0].decode()


def test_a_redirect_in_raw_utf8_is_followed() -> None:
    def script(connection: socket.socket) -> None:
        first = b"/a.png" in server.requests[-1]
        (answer("302 Found", "Location: /商品.png\r\n") if first else answer(body=b"ok"))(connection)

    with serving(script) as server:
        assert fetch(server.url(), 10, LOOPBACK) == b"ok"
    assert server.requests[1].startswith(b"GET /%E5%95%86%E5%93%81.png ")


@pytest.mark.parametrize("host", ["１２７.0.0.1", "ⓛocalhost", "bücher.example"])
def test_a_name_of_another_script_is_judged_by_where_it_leads(host: str) -> None:
    assert reason_of(f"http://{host}/a.png", policy=PUBLIC_ONLY, resolver=names("127.0.0.1")) is Reason.URL_UNREACHABLE


def test_a_callback_follows_no_redirect() -> None:
    with serving(answer("307 Temporary Redirect", "Location: /elsewhere\r\n")) as server:
        assert deliver(server.url(), b"{}", {"Content-Type": "application/json"}, LOOPBACK) == 307
    (request,) = server.requests
    assert request.startswith(b"POST /a.png ")


@pytest.mark.parametrize("text", ["\U0001f600" * 200_000, "é." * 200_000, "a" * 200_000])
def test_a_long_address_is_refused_before_it_is_parsed(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(InputRefused) as refused:
        fetch(f"https://{text}/a.jpg", 10, LOOPBACK)
    assert refused.value.reason is Reason.URL_UNREACHABLE
    assert time.process_time() - begun < 0.2


def test_a_redirect_loop_ends_after_five() -> None:
    with serving(answer("302 Found", "Location: /again\r\n")) as server:
        assert reason_of(server.url()) is Reason.URL_UNREACHABLE
    assert len(server.requests) == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://localhost:22/",
        "http://[::1]/",
        "http://[fd00:ec2::254]/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/a",
        "data:image/png;base64,AAAA",
        "http://user:pass@127.0.0.1/",
        "http://[::1",
        "//[",
        "http://[v1.x]/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1/a b",
        "http://b\u00fccher.example/",
    ],
)
def test_a_redirect_is_judged_like_the_first_address(location: str) -> None:
    def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.2"] if host == "localhost" else [host]

    head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n".encode("latin-1")
    with serving(lambda connection: connection.sendall(head)) as server:
        assert reason_of(server.url(), resolver=resolver) is Reason.URL_UNREACHABLE
    assert len(server.requests) == 1


def test_a_redirect_without_a_location_is_refused() -> None:
    assert refused(answer("302 Found")) is Reason.URL_UNREACHABLE
