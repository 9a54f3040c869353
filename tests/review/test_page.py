"""The review page: which pictures it holds in which order, and what a person can do with it in a browser."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cutline.batch.report import ReportLine, write_report
from cutline.commands import main
from cutline.review.decisions import Decision, read_decisions
from cutline.review.page import render_page, worst_first
from tests.support.browser import Browser

NASTY = '</script><b>"a", #1?.jpg'


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Four results with their report; the worst has the nastiest name."""
    folder = tmp_path / "results"
    (tmp_path / "photos").mkdir()
    folder.mkdir()
    lines = []
    for name, confidence, passed in (
        (NASTY.replace("/", "|"), "0.2", ""),
        ("b.jpg", "0.9", ""),
        ("c.jpg", "0.5", "no"),
    ):
        Image.new("RGB", (40, 30), (200, 30, 30)).save(tmp_path / "photos" / name, "JPEG")
        Image.new("RGBA", (40, 30), (200, 30, 30, 128)).save(folder / f"{name}.png")
        picture = str(tmp_path / "photos" / name)
        verdicts = "share 0.9; bytes 5, not at least 9" if passed else ""
        lines.append(ReportLine(picture, f"{name}.png", "object", confidence, passed=passed, verdicts=verdicts))
    lines.append(ReportLine("s3://shop/d.jpg", problem="Nothing was found that could be cut out"))
    (folder / "report.csv").write_bytes(write_report(lines))
    return folder


def data_of(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def names(page: Path) -> list[str]:
    return [Path(item["picture"]).name for item in data_of(page.read_text("utf-8"))["items"]]


def test_the_worst_come_first(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", str(results)]) == 0
    assert f"4 pictures: open {results}/review.html in a browser" in capsys.readouterr().out
    assert names(results / "review.html") == ["d.jpg", "c.jpg", NASTY.replace("/", "|"), "b.jpg"]


def test_addresses_are_relative_and_escaped_and_s3_has_none(results: Path) -> None:
    line = ReportLine(str(results.parent / "photos" / "a #1?.jpg"), "deep/a #1?.png")
    (item, other) = data_of(render_page([line, ReportLine("s3://shop/x.jpg", "x.png")], results, sampled=False))[
        "items"
    ]
    assert (item["before"], item["after"]) == ("../photos/a%20%231%3F.jpg", "deep/a%20%231%3F.png")
    assert other["before"] == ""


def test_a_sample_is_drawn_by_chance_of_results_only(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", str(results), "--sample", "2"]) == 0
    first = names(results / "review.html")
    assert len(first) == 2
    assert main(["review", str(results), "--sample", "2"]) == 0
    assert names(results / "review.html") == first, "the same seed, the same sample"
    assert main(["review", str(results), "--sample", "99", "--seed", "2"]) == 0
    assert "d.jpg" not in names(results / "review.html")
    assert data_of((results / "review.html").read_text("utf-8"))["sampled"] is True


def test_the_order_minds_missing_numbers() -> None:
    lines = [ReportLine("a", "a.png"), ReportLine("b", "b.png", confidence="0.1"), ReportLine("c")]
    assert [line.picture for line in worst_first(lines)] == ["c", "a", "b"]


def test_what_is_no_report_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", str(tmp_path)]) == 1
    assert "cutline batch` writes it" in capsys.readouterr().err
    (tmp_path / "report.csv").write_text("a,b\n1,2\n")
    assert main(["review", str(tmp_path)]) == 1
    assert "no columns picture, result" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["review", str(tmp_path), "--sample", "0"])


def test_a_person_decides_by_keys_and_gets_a_table(results: Path, chromium: Browser) -> None:
    main(["review", str(results)])
    chromium.resize(1280)
    chromium.open((results / "review.html").as_uri())
    assert chromium.text("#title") == "Review: results, worst first"
    assert chromium.text("#after") == "Nothing was found that could be cut out"
    chromium.press("r", "k")
    assert chromium.text("#count") == "2 of 4 decided, 1 to redo"
    chromium.wait_for(lambda: chromium.run("return document.querySelector('#before img')?.naturalWidth === 40"))
    assert chromium.run("return document.querySelector('#after img').naturalWidth") == 40, "whatever its name"
    chromium.press("3", "z", "r", "up", "u", "n")
    assert chromium.run("return document.querySelector('main').dataset.background") == "colour"
    assert chromium.text("#count") == "2 of 4 decided, 1 to redo"
    chromium.press("k", "n", "k")
    assert chromium.text("#count") == "4 of 4 decided, 1 to redo"
    rows = list(csv.DictReader(io.StringIO(chromium.run("return csv()"))))
    assert [row["decision"] for row in rows] == ["redo", "keep", "keep", "keep"]
    assert rows[2]["picture"].endswith(NASTY.replace("/", "|"))
    assert chromium.console() == []


def test_subjects_of_one_picture_are_decided_separately(results: Path, chromium: Browser) -> None:
    picture = str(results.parent / "photos" / "b.jpg")
    lines = [ReportLine(picture, f"b.jpg-{part}.png", "object", "0.5", part=part) for part in ("1", "2")]
    page = results / "review.html"
    page.write_text(render_page(lines, results, sampled=False), "utf-8")
    chromium.resize(1280)
    chromium.open(page.as_uri())
    chromium.press("r")
    assert chromium.text("#count") == "1 of 2 decided, 1 to redo"
    chromium.press("k")
    rows = csv.DictReader(io.StringIO(chromium.run("return csv()")))
    assert [(row["result"], row["decision"]) for row in rows] == [("b.jpg-1.png", "redo"), ("b.jpg-2.png", "keep")]


def test_decisions_outlive_the_page_and_zoom_follows_the_pointer(results: Path, chromium: Browser) -> None:
    main(["review", str(results), "--sample", "3"])
    page = (results / "review.html").as_uri()
    chromium.resize(1280)

    def decided_and_loaded_again() -> bool:
        chromium.open(page)
        chromium.press("k", "r", "k")
        assert chromium.text("#count") == "3 of 3 decided, 1 to redo"
        chromium.open(page)
        return chromium.text("#count") == "3 of 3 decided, 1 to redo"

    # Chromium may lose once what a page stored in a profile's first second.
    chromium.wait_for(decided_and_loaded_again, "what was decided")
    chromium.click("#after")
    assert chromium.run("return getComputedStyle(document.querySelector('#before')).getPropertyValue('--zoom')") == "4"
    chromium.click("#undo")
    assert chromium.text("#count") == "2 of 3 decided, 1 to redo"
    chromium.click("#keep")
    table = chromium.run("return csv()").encode()
    assert sorted(read_decisions(table), key=lambda decision: decision.confidence) == [
        Decision(0.2, True),
        Decision(0.5, False),
        Decision(0.9, False),
    ]
