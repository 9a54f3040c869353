"""How the batch's caller takes what a service may answer."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from cutline.batch import client as module
from cutline.batch.client import Refused, Stopped, TasksClient, Unrecoverable
from devkit.listening import QuietHandler, listening

Scripted = tuple[int, dict[str, str], bytes]
TASK: Scripted = (200, {}, b'{"data":{"task_id":"t","state":0}}')


@dataclass
class Script:
    """Answers one after another, the last one for ever; and the requests that came."""

    answers: list[Scripted]
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def next(self) -> Scripted:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    monkeypatch.setattr(module, "_PAUSE_S", 0.001)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    found = Script([TASK])

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            status, headers, answer = found.next()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET

    with listening(Handler) as found.url:
        yield found


def client(script: Script, stop: threading.Event | None = None) -> TasksClient:
    return TasksClient(script.url + "/", "a key", stop or threading.Event())


def test_a_task_is_asked_for_with_its_key_and_its_picture(script: Script) -> None:
    assert client(script).submit({"sync": "0"}, b"\r\n--picture", "once") == "t"
    ((path, headers, body),) = script.requests
    assert path == "/api/tasks/visual/segmentation"
    assert (headers["x-api-key"], headers["idempotency-key"]) == ("a key", "once")
    assert body.count(b"\r\n\r\n\r\n--picture\r\n--") == 1
    assert b'name="sync"\r\n\r\n0\r\n' in body


def test_a_service_that_stumbles_is_asked_again_with_the_same_key(script: Script) -> None:
    script.answers = [(500, {}, b""), (503, {}, b"{}"), (429, {"Retry-After": "0"}, b""), TASK]
    assert client(script).submit({}, b"x", "once") == "t"
    assert {headers["idempotency-key"] for _, headers, _ in script.requests} == {"once"}
    assert len(script.requests) == 4


def test_the_rate_is_waited_for_as_long_as_it_takes(script: Script) -> None:
    throttled: tuple[int, dict[str, str], bytes] = (429, {}, b'{"code":"THROTTLED","message":"Too Many Requests"}')
    script.answers = [throttled] * 20 + [TASK]
    assert client(script).submit({}, b"x", "k") == "t"


def test_a_requested_wait_holds_for_every_thread_and_ends_with_the_batch(script: Script) -> None:
    script.answers = [(429, {"Retry-After": "3600"}, b""), TASK]
    stop = threading.Event()
    caller = client(script, stop)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(caller.show, "t")
        while not caller.must_wait:
            assert not first.done()
        second = pool.submit(caller.show, "t")
        stop.set()
        for asked in (first, second):
            with pytest.raises(Stopped):
                asked.result(10)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        ((401, {}, b'{"status":401,"message":"Unauthorized"}'), Unrecoverable, "the API key is not valid"),
        ((429, {}, b'{"status":429,"message":"Too Many Requests"}'), Unrecoverable, "the account's quota for the day"),
        ((400, {}, b'{"status":400,"message":"Invalid crop"}'), Refused, "Invalid crop"),
        ((413, {}, b"<html>"), Refused, "the service returned HTTP status 413"),
        ((502, {}, b""), Unrecoverable, "the service returned HTTP status 502"),
    ],
)
def test_what_cannot_be_helped_is_reported(
    script: Script, answer: Scripted, error: type[Exception], message: str
) -> None:
    script.answers = [answer]
    with pytest.raises(error, match=message):
        client(script).submit({}, b"x", "k")


def test_a_closed_port_is_hopeless(script: Script) -> None:
    caller = TasksClient("http://127.0.0.1:9", "k", threading.Event())
    with pytest.raises(Unrecoverable, match="cannot reach"):
        caller.show("t")


def test_a_forgotten_task_is_none(script: Script) -> None:
    script.answers = [(404, {}, b'{"status":404,"message":"Not Found"}')]
    assert client(script).show("t") is None


def test_an_upload_goes_where_the_ticket_says_without_the_key(script: Script) -> None:
    ticket = b'{"url":"%s/bucket","fields":{"key":"u/a/b","policy":"p"},"source":"upload:u/a/b"}' % script.url.encode()
    script.answers = [(200, {}, ticket), (204, {}, b"")]
    assert client(script).upload(b"picture") == "upload:u/a/b"
    (asked, _, wanted), (path, headers, body) = script.requests
    assert (asked, wanted) == ("/uploads", b'{"size": 7}')
    assert path == "/bucket"
    assert "x-api-key" not in headers
    assert body.index(b'name="policy"') < body.index(b'name="file"; filename="picture"\r\n\r\npicture\r\n')


def test_a_refused_upload_is_the_pictures_failure(script: Script) -> None:
    script.answers = [(200, {}, b'{"url":"%s/b","fields":{},"source":"s"}' % script.url.encode()), (400, {}, b"")]
    with pytest.raises(Refused, match="the upload failed with HTTP status 400"):
        client(script).upload(b"picture")


def test_a_result_is_followed_to_its_file(script: Script) -> None:
    script.answers = [(302, {"Location": "/file"}, b""), (200, {"Content-Type": "image/png"}, b"result")]
    file, headers = client(script).download(f"{script.url}/r/token.png")
    assert (file, headers["content-type"]) == (b"result", "image/png")
    assert [path for path, _, _ in script.requests] == ["/r/token.png", "/file"]
