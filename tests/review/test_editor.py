"""`cutline review --open`: a person mends a result in a browser, and the saved file is made as the first one was."""

import csv
import http.client
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from cutline.batch.report import ReportLine, read_report
from cutline.commands import main
from cutline.library import Cutter
from cutline.pipeline.outputs.profiles import read_profiles
from cutline.review.editor import Editor
from cutline.review.remake import NotEditable
from cutline.review.server import ReviewServer
from devkit.running import ROOT
from tests.support.browser import Browser

MUG = ROOT / "functions" / "site" / "static" / "mug.jpg"
MUG_WIDTH = 800
LARGE = (4000, 3200)
# WebDriver's names of keys.
CONTROL, SHIFT, RIGHT, ESCAPE = "\ue009", "\ue008", "\ue014", "\ue00c"
STROKE = {"do": "keep", "radius": 0.03, "points": [[0.06, 0.1], [0.06, 0.2]]}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two results: a transparent one of 12.8 megapixels, and one by a profile."""
    folder = tmp_path_factory.mktemp("review")
    photos, out = folder / "photos", folder / "results"
    photos.mkdir()
    with Image.open(MUG) as mug:
        mug.resize(LARGE).save(photos / "large.jpg", quality=85)
        mug.save(photos / "mug.jpg")
    report = str(out / "report.csv")
    assert main(["cut", str(photos / "large.jpg"), "--out", str(out), "--report", report]) == 0
    main(["cut", str(photos / "mug.jpg"), "--out", str(out), "--report", report, "--profile", "amazon-main"])
    return out


@pytest.fixture(scope="module")
def address(results: Path) -> Iterator[str]:
    """The page's address, of the command itself; SIGINT ends it, though it came from a job that ignores it."""
    command = [sys.executable, "-m", "cutline", "review", str(results), "--open", "--threads", "1"]
    environment = {**os.environ, "BROWSER": "true"}
    ignored = ["sh", "-c", 'trap "" INT && exec "$@"', "sh", *command]
    with subprocess.Popen(ignored, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+/[0-9a-f]{32}/", process.stdout.readline())
        assert found is not None
        yield found[0]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def ask(address: str, method: str, path: str = "", body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    target = path if path.startswith("/") else parts.path + path
    connection.request(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
    with closing(connection), connection.getresponse() as answer:
        return answer.status, answer.read()


@pytest.fixture(scope="module")
def in_process(results: Path) -> Iterator[str]:
    """The address of the same server in a thread of this process."""
    report = results / "report.csv"
    lines = read_report(report.read_bytes())
    editor = Editor(report, lines, Cutter(threads=1), "matte", {})
    with ReviewServer(editor, list(lines), results, sampled=False) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.address
        server.shutdown()
        thread.join()


def number_of(address: str, name: str) -> int:
    page = ask(address, "GET")[1].decode()
    found = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return [Path(item["picture"]).name for item in json.loads(found[1])["items"]].index(name)


@pytest.mark.parametrize(
    ("request_of", "status"),
    [
        ({"path": "/"}, 404),
        ({"path": "/00000000000000000000000000000000/"}, 404),
        ({"path": "report.csv"}, 404),
        ({"path": "after?item=../report.csv"}, 404),
        ({"path": "after?item=99"}, 404),
        ({"path": "save?item=0"}, 404),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1:1"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"method": "POST", "path": "save?item=0", "body": b"[]", "Origin": "null"}, 403),
        ({"method": "POST", "path": "preview?item=0", "Content_Length": "2000000"}, 413),
        ({"method": "POST", "path": "preview?item=0", "body": b"{"}, 400),
        ({"method": "POST", "path": "preview?item=0", "body": b'[{"do": "keep"}]'}, 400),
        ({"method": "POST", "path": "preview?item=0", "body": b"[NaN]"}, 400),
        ({"method": "POST", "path": "preview?item=0", "body": b"[" * 100_000}, 400),
        ({}, 200),
    ],
)
def test_the_server_answers_its_own_page_only(in_process: str, request_of: dict[str, Any], status: int) -> None:
    assert ask(in_process, **{"method": "GET", **request_of})[0] == status


def test_an_editor_gets_the_picture_the_strokes_and_a_preview(in_process: str) -> None:
    item = f"item={number_of(in_process, 'large.jpg')}"
    body = json.dumps([STROKE]).encode()
    answers = {name: ask(in_process, "GET", f"{name}?{item}") for name in ("before", "after", "photo", "strokes")}
    answers["preview"] = ask(in_process, "POST", f"preview?{item}", body)
    assert {status for status, _ in answers.values()} == {200}
    starts = {name: answer[:4] for name, (_, answer) in answers.items() if name != "strokes"}
    jpeg, png = b"\xff\xd8\xff\xe0", b"\x89PNG"
    assert starts == {"before": jpeg, "after": png, "photo": jpeg, "preview": png}
    assert isinstance(json.loads(answers["strokes"][1]), list)
    assert ask(in_process, "POST", f"save?{item}", b'{"not": "strokes"}')[0] == 400


def line_of(results: Path, name: str) -> ReportLine:
    lines = read_report((results / "report.csv").read_bytes())
    return next(line for key, line in lines.items() if Path(key).name == name)


def actions(chromium: Browser, *devices: dict[str, Any]) -> None:
    chromium.command("POST", "/actions", {"actions": list(devices)})


def drag(chromium: Browser, *points: tuple[float, float]) -> None:
    """Draw on the picture with the mouse; points in shares of it."""
    script = """const [left, top, width, height] = frame(), box = canvas.getBoundingClientRect();
        return arguments[0].map(([x, y]) => [box.left + left + x * width, box.top + top + y * height])"""
    places = chromium.run(script, points)
    moves: list[dict[str, Any]] = [
        {"type": "pointerMove", "duration": 20, "x": round(x), "y": round(y)} for x, y in places
    ]
    steps = [moves[0], {"type": "pointerDown", "button": 0}, *moves[1:], {"type": "pointerUp", "button": 0}]
    pointer = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps}
    actions(chromium, pointer)


def opened(chromium: Browser, address: str, name: str) -> None:
    chromium.resize(1280)
    chromium.open(address)
    chromium.run("show(arguments[0])", number_of(address, name))
    chromium.press("e")
    chromium.wait_for(lambda: "stroke" in chromium.text("#edit-status"), "the editor")


def strokes_of(chromium: Browser) -> int:
    return int(chromium.run("return edit.drawing || edit.pending ? -1 : edit.strokes.length"))


def test_a_person_mends_a_result_of_12_megapixels_with_the_mouse(
    results: Path, address: str, chromium: Browser
) -> None:
    file = results / "large.jpg.png"
    before = np.asarray(Image.open(file))
    opened(chromium, address, "large.jpg")
    drag(chromium, (0.06, 0.1), (0.06, 0.15), (0.06, 0.2))
    chromium.wait_for(lambda: strokes_of(chromium) == 1, "the stroke")
    chromium.press("u")
    chromium.wait_for(lambda: strokes_of(chromium) == 0, "undo")
    chromium.press("y")
    chromium.wait_for(lambda: strokes_of(chromium) == 1, "redo")
    chromium.press("s")
    chromium.wait_for(lambda: not chromium.is_shown("#editor"), "the save")
    after = np.asarray(Image.open(file))
    assert after.shape == before.shape == (LARGE[1], LARGE[0], 4)
    assert (after[400:600, 230:250, 3] == 255).all() and not before[400:600, 230:250, 3].any()
    assert (after[:, 3600:] == before[:, 3600:]).all()
    assert "mended" in chromium.text("#facts")
    rows = list(csv.DictReader(io.StringIO(chromium.run("return csv()"))))
    assert {Path(row["picture"]).name: row["mended"] for row in rows} == {"large.jpg": "yes", "mug.jpg": ""}
    line = line_of(results, "large.jpg")
    assert line.mended == "yes" and line.result == "large.jpg.png"
    opened(chromium, address, "large.jpg")
    assert strokes_of(chromium) == 1, "it can be edited on"
    assert chromium.console() == []


def test_the_wheel_sizes_and_zooms_shift_moves_and_a_held_key_shows_the_original(
    address: str, chromium: Browser
) -> None:
    opened(chromium, address, "mug.jpg")

    def seen(name: str) -> Any:
        return chromium.run("return edit[arguments[0]]", name)

    scroll = {"type": "scroll", "x": 600, "y": 400, "deltaX": 0, "deltaY": -100}
    wheel = {"type": "wheel", "id": "wheel", "actions": [scroll]}
    radius = seen("radius")
    actions(chromium, wheel)
    assert seen("radius") > radius and seen("zoom") == 1
    key = {"type": "key", "id": "keys", "actions": [{"type": "keyDown", "value": CONTROL}]}
    actions(chromium, key)
    actions(chromium, wheel)
    actions(chromium, {**key, "actions": [{"type": "keyUp", "value": CONTROL}]})
    assert seen("zoom") > 1
    x = seen("x")
    actions(chromium, {**key, "actions": [{"type": "keyDown", "value": value} for value in (SHIFT, RIGHT)]})
    actions(chromium, {**key, "actions": [{"type": "keyUp", "value": value} for value in (RIGHT, SHIFT)]})
    assert seen("x") > x
    actions(chromium, {**key, "actions": [{"type": "keyDown", "value": "b"}]})
    assert seen("original") is True
    actions(chromium, {**key, "actions": [{"type": "keyUp", "value": "b"}]})
    assert seen("original") is False
    assert strokes_of(chromium) == 0
    chromium.press("0", ESCAPE)
    assert not chromium.is_shown("#editor")


def test_a_person_mends_by_keys_and_the_profile_judges_again(results: Path, address: str, chromium: Browser) -> None:
    before = line_of(results, "mug.jpg")
    opened(chromium, address, "mug.jpg")
    chromium.press("k", "]", *["left"] * 18, *["up"] * 18, " ", *["down"] * 6, " ")
    chromium.wait_for(lambda: strokes_of(chromium) == 1, "the stroke")
    chromium.press("b", "+", "-", "0", "r", "[", "s")
    chromium.wait_for(lambda: not chromium.is_shown("#editor"), "the save")
    after = line_of(results, "mug.jpg")
    assert after.verdicts != before.verdicts and after.profile == "amazon-main"
    assert (after.mended, before.mended, after.options) == ("yes", "", before.options)
    with Image.open(results / after.result) as image:
        assert image.format == "JPEG"
        assert image.getpixel((2, 2)) == (255, 255, 255)
    assert chromium.console() == []


def test_a_late_answer_ends_no_later_stroke_and_reaches_no_other_picture(address: str, chromium: Browser) -> None:
    opened(chromium, address, "mug.jpg")
    chromium.run("begin([0.1, 0.1]); end(); begin([0.2, 0.2])")
    chromium.wait_for(lambda: chromium.run("return edit.pending === null"), "the first stroke's mask")
    assert chromium.run("return edit.drawing.points[0]") == [0.2, 0.2]
    chromium.press(ESCAPE)
    large, mug = (number_of(address, name) for name in ("large.jpg", "mug.jpg"))
    chromium.run(
        """const [large, mug] = arguments[0], { fetch } = window;
        window.late = 0;
        window.fetch = async (name, options) => {
          if (!name.endsWith(`item=${large}`)) return fetch(name, options);
          while (!edit.mask) await new Promise((resolve) => setTimeout(resolve, 20));
          const answer = await fetch(name, options);
          window.late += 1;
          return answer;
        };
        show(large); openEditor(); closeEditor(); show(mug); openEditor();""",
        [large, mug],
    )
    chromium.wait_for(lambda: chromium.run("return window.late") == 2, "the late answers")
    assert chromium.run("return [edit.item, edit.photo.width]") == [mug, MUG_WIDTH]
    chromium.press(ESCAPE)


def test_a_preview_takes_under_300_ms_of_cpu_also_of_12_megapixels(results: Path) -> None:
    line = line_of(results, "large.jpg")
    lines, key = {line.key: line}, line.key
    editor = Editor(results / "report.csv", lines, Cutter(threads=1), "matte", {})
    editor.preview(key, [])
    start = time.process_time()
    editor.preview(key, [STROKE])
    assert time.process_time() - start < 0.3


def test_a_save_keeps_what_was_added_to_the_report_since_and_a_profiles_new_format_is_refused(tmp_path: Path) -> None:
    report = tmp_path / "report.csv"

    def cut(name: str) -> None:
        shutil.copy(MUG, tmp_path / name)
        main(["cut", str(tmp_path / name), "--out", str(tmp_path), "--report", str(report), "--profile", "amazon-main"])

    cut("first.jpg")
    lines, profiles = read_report(report.read_bytes()), dict(read_profiles())
    editor = Editor(report, lines, Cutter(threads=1), "matte", profiles)
    cut("second.jpg")
    (key,) = lines
    assert editor.save(key, [STROKE]).mended == "yes"
    assert [line_of(tmp_path, name).mended for name in ("first.jpg", "second.jpg")] == ["yes", ""]
    amazon, before = profiles["amazon-main"], (tmp_path / "first.jpg.jpg").read_bytes()
    png = replace(amazon.rules["format"], one_of=("png",))
    profiles["amazon-main"] = replace(amazon, rules={**amazon.rules, "format": png})
    with pytest.raises(NotEditable, match=r"now asks for png, not \.jpg"):
        editor.save(key, [])
    assert (tmp_path / "first.jpg.jpg").read_bytes() == before


def test_what_cannot_be_edited_says_why(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "a.jpg")
    lines = {
        name: ReportLine(str(tmp_path / "a.jpg"), "a.jpg", **more)
        for name, more in {
            "opaque": {},
            "each": {"part": "1"},
            "garments": {"subject": "garments"},
            "background": {"options": '{"background": {"source": "", "fit": "cover"}}'},
            "profile": {"options": '{"profile": "mine"}'},
        }.items()
    } | {"s3": ReportLine("s3://shop/a.jpg", "a.jpg"), "none": ReportLine(str(tmp_path / "a.jpg"))}
    editor = Editor(tmp_path / "report.csv", lines, Cutter(), "matte", {})
    for key in [*lines, "unknown"]:
        with pytest.raises(NotEditable):
            editor.preview(key, [])
