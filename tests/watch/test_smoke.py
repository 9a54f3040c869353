"""The smoke against a server that answers as the API would, or does not."""

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cutline.watch.figure import figure
from cutline.watch.smoke import SmokeFailed, key_text, read_key, run
from devkit.listening import QuietHandler, listening


def cutout(alpha: np.ndarray | None = None, size: tuple[int, int] | None = None) -> bytes:
    picture, mask = figure()
    rgba = np.dstack([np.asarray(picture), mask if alpha is None else alpha])
    image, file = Image.fromarray(rgba), io.BytesIO()
    (image.resize(size) if size else image).save(file, "PNG")
    return file.getvalue()


class Api(QuietHandler):
    """Answers both ways by one link; `said` has each path's answer where it differs."""

    said: dict[str, Any]
    keys: list[str | None]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert b'filename="figure.png"' in body
        self.keys.append(self.headers.get("ailabapi-api-key") or self.headers.get("X-API-KEY"))
        link = f"http://{self.headers['Host']}/file"
        call = {"error_code": 0, "data": {"image_url": link}}
        self.answer(
            "call" if "universal" in self.path else "task",
            call if "universal" in self.path else {"status": 200, "data": {"task_id": "t"}},
        )

    def do_GET(self) -> None:
        done = {"data": {"state": 1, "image": f"http://{self.headers['Host']}/file"}}
        self.answer("file" if self.path == "/file" else "state", cutout() if self.path == "/file" else done)

    def answer(self, name: str, usual: Any) -> None:
        said = self.said.get(name, usual)
        status, body = (said, b"{}") if isinstance(said, int) else (200, said)
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def api() -> Iterator[tuple[str, type[Api]]]:
    handler = type("Handler", (Api,), {"said": {}, "keys": []})
    with listening(handler) as url:
        yield url, handler


def test_both_ways_pass_with_the_key(api: tuple[str, type[Api]]) -> None:
    url, handler = api
    report = run(url, lambda: read_key(key_text("k")))
    assert (set(report.ms), report.faults) == ({"call", "task"}, {})
    assert handler.keys == ["k", "k"]


@pytest.mark.parametrize(
    ("said", "faults"),
    [
        ({"call": 500}, {"call": "HTTP 500"}),
        ({"call": {"error_code": 401, "error_code_str": "ERROR_UNAUTHORIZED"}}, {"call": "was refused: ERROR_UNAUTH"}),
        ({"task": {"status": 429, "message": "Too Many Requests"}}, {"task": "was refused: Too Many Requests"}),
        ({"state": {"data": {"state": -2}}}, {"task": "state -2"}),
        ({"call": b"no json"}, {"call": "JSONDecodeError"}),
        ({"call": b"[]"}, {"call": "no object"}),
        ({"file": 404}, dict.fromkeys(("call", "task"), "HTTP 404")),
        ({"file": b"no picture"}, dict.fromkeys(("call", "task"), "no picture")),
        ({"file": cutout()[:600]}, dict.fromkeys(("call", "task"), "no picture")),
        ({"file": cutout(size=(48, 36))}, dict.fromkeys(("call", "task"), "(48, 36)")),
        ({"file": cutout(np.full(figure()[1].shape, 255, np.uint8))}, dict.fromkeys(("call", "task"), "overlaps")),
    ],
)
def test_what_does_not_work_is_named(api: tuple[str, type[Api]], said: dict[str, Any], faults: dict[str, str]) -> None:
    url, handler = api
    handler.said = said
    report = run(url, lambda: "k")
    assert report.faults.keys() == faults.keys()
    assert report.ms.keys() == {"call", "task"} - faults.keys()
    for name, words in faults.items():
        assert words in report.faults[name]


def test_without_an_address_or_a_key_it_says_so() -> None:
    report = run("http://127.0.0.1:9", lambda: "k")
    assert report.faults == dict.fromkeys(("call", "task"), "no answer: ConnectionRefusedError")
    report = run("http://127.0.0.1:9", lambda: read_key("as CloudFormation made it"))
    assert set(report.faults.values()) == {"the secret has no key: run cutline smoke-key"}
    with pytest.raises(SmokeFailed):
        read_key('"a text"')
