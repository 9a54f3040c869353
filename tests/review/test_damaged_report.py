"""A report from elsewhere in the review's server: every line of it is answered, in time, and the page lives on."""

import http.client
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from cutline.batch.report import ReportLine
from cutline.errors import MattingError
from cutline.library import Cutter
from cutline.pipeline.finish.options import Shadow
from cutline.pipeline.layout.framing import Framing, Length, Region
from cutline.pipeline.options import CutOptions, cut_document
from cutline.review.editor import Editor
from cutline.review.remake import NotEditable
from cutline.review.server import ReviewServer
from tests.support.damaged import damaged_documents

STROKES = json.dumps([{"do": "keep", "radius": 0.1, "points": [[0.5, 0.5]]}]).encode()
_SIZED: dict[str, Callable[[Path], object]] = {
    "a terabyte": lambda path: (path.touch(), os.truncate(path, 1 << 40)),
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a circle": lambda path: path.symlink_to(path.name),
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
    "memory": lambda path: path.symlink_to("/proc/self/mem"),
    "missing": lambda path: None,
    "text": lambda path: path.write_bytes(b"GIF89a, not"),
}
_OPTIONS = [
    *("[", "[" * 50_000, "null", "5", "[]", '"x"', '{"x": 1}', '{"format": 1e400}', '{"roi": {"left": 5}}'),
    *('{"framing": []}', '{"background": 5}', '{"background": {"source": "/etc/passwd", "fit": 5}}', '{"profile": []}'),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReviewServer]:
    folder = tmp_path_factory.mktemp("hostile")
    true = folder / "true.png"
    Image.new("RGBA", (64, 48), (9, 9, 9, 128)).save(true)
    Image.new("RGB", (64, 48)).save(folder / "true.jpg")
    lines = []
    for number, make in enumerate(_SIZED.values()):
        path = folder / f"{number}.png"
        make(path)
        lines += [ReportLine(str(path), "true.png"), ReportLine(str(folder / "true.jpg"), path.name)]
    lines += [ReportLine(str(true), "true.png", options=options, part="") for options in _OPTIONS]
    lines += [
        ReportLine(str(folder / "true.jpg"), name) for name in ("a\0b", "/etc/passwd", "../" * 40 + "dev/zero", "x.gif")
    ]
    lines += [ReportLine(name, "true.png") for name in ("/a\0b", "s3://x/y", "https://shop.example/a.jpg", "/dev/zero")]
    known = {str(number): line for number, line in enumerate(lines)}
    editor = Editor(folder / "report.csv", known, Cutter(threads=1), "matte", {})
    with ReviewServer(editor, list(known), folder, sampled=False) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def ask(server: ReviewServer, method: str, target: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    parts = urlsplit(server.address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    with closing(connection):
        connection.request(method, target if target.startswith("/") else parts.path + target, body, headers)
        with connection.getresponse() as answer:
            return answer.status, answer.read()


@pytest.mark.parametrize("name", ["before", "after", "photo", "strokes", "preview", "save"])
def test_every_line_of_a_hostile_report_is_answered(server: ReviewServer, name: str) -> None:
    begun = time.process_time()
    for number, key in enumerate(server.order):
        method, body = ("POST", STROKES) if name in ("preview", "save") else ("GET", b"")
        status, answer = ask(server, method, f"{name}?item={number}", body)
        line = server.editor.lines[key]
        assert status in ((200, 400, 404) if name in ("before", "after") else (400,)), (line, status)
        assert b"root:" not in answer or name == "after"  # an absolute path is the person's own
        assert len(answer) < 10_000
    assert ask(server, "GET", "")[0] == 200
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    ("target", "status"),
    [
        *((f"before?item={item}", 404) for item in ("", "-1", "1e3", "%D9%A3", "0x1", "..%2f..", "0%00")),
        (f"before?item={'9' * 5000}", 404),
        *(("//[", 404), ("/..%2f..%2fetc/passwd", 404), ("http://evil.example/", 404), ("/%ff%fe/", 404)),
        *(("before/../../etc/passwd?item=0", 404), ("before%00?item=0", 404)),
    ],
)
def test_an_address_that_is_none_of_the_pages_is_not_found(server: ReviewServer, target: str, status: int) -> None:
    assert ask(server, "GET", target)[0] in (400, status)


@pytest.mark.parametrize(
    "host", ["", "localhost", "127.0.0.1", "127.0.0.1.evil.example:{}", "evil@127.0.0.1:{}", "[::1]:{}"]
)
def test_a_name_that_was_rebound_reaches_nothing(server: ReviewServer, host: str) -> None:
    assert ask(server, "GET", "", Host=host.format(server.server_port))[0] == 403


def test_damaged_strokes_are_refused_with_a_short_message(server: ReviewServer) -> None:
    stroke = {"do": "keep", "radius": 0.1, "points": [[0.5, 0.5]]}
    bodies = [*damaged_documents([stroke]), [stroke] * 101, [{**stroke, "points": [[0.5, 0.5]] * 2001}]]
    boxes: list[Any] = [[0, 0, 1], [0, 0, 1, 10**400], [1, 1, 0, 0], "0011", {}]
    bodies += [[{"do": "keep", "box": box}] for box in boxes]
    for body in bodies:
        status, answer = ask(server, "POST", "preview?item=0", json.dumps(body).encode())
        assert status == 400 and len(answer) < 1000, body


@pytest.mark.parametrize("length", ["9" * 5000, "-1", "x", "\u00b3"])
def test_a_body_without_a_true_length_is_refused(server: ReviewServer, length: str) -> None:
    assert ask(server, "POST", "preview?item=0", b"", **{"Content-Length": length})[0] in (411, 413)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_options_of_other_types_are_not_edited(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "a.jpg")
    side = Length(5)
    options = CutOptions(
        background=(1, 2, 3),
        shadow=Shadow("drop", 0.6, 0.3, 20.0),
        framing=Framing((side, side, side, side), scale=0.5, ratio=1.0, position=(0.5, 0.5)),
        roi=Region(Length(0), Length(0), Length(60), Length(40)),
    )
    cutter = Cutter(threads=1)
    documents = list(damaged_documents(json.loads(json.dumps(cut_document(options)))))
    for document in documents[::29]:
        line = ReportLine(str(tmp_path / "a.jpg"), "a.png", options=json.dumps(document))
        with suppress(NotEditable, ValueError, MattingError):
            Editor(tmp_path / "report.csv", {"a": line}, cutter, "matte", {}).save("a", [])
