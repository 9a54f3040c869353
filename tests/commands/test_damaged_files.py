"""Commands given damaged, foreign or huge files end with a message and a status, never with a traceback."""

import os
import time
from pathlib import Path

import pytest

from cutline.batch.progress_file import FILE as PROGRESS
from cutline.batch.report import ReportLine, read_report, write_report
from cutline.commands import main
from cutline.commands.find_usage import usages_in
from cutline.commands.sam_project import read_samconfig
from cutline.pipeline.outputs.profiles import read_profiles
from cutline.review.threshold import find_threshold

LATIN_1 = os.fsdecode(b"caf\xe9.jpg")
DECISIONS = "picture,result,confidence,decision,sampled\n"
REPORTS = {
    "a confidence that is no number": b"picture,result,confidence\n/a.jpg,a.png,high\n",
    "a confidence that is not finite": b"picture,result,confidence\n/a.jpg,a.png,nan\n",
    "a long field": b"picture,result\n/a.jpg," + b"x" * 200_000 + b"\n",
    "no table": b"\0\xff\xfe" * 100,
    "empty": b"",
}


def failed(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """What a command that ends with 1 prints on stderr."""
    assert main([str(word) for word in words]) == 1
    return capsys.readouterr().err


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_a_damaged_report_is_a_message(
    report: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.csv").write_bytes(report)
    assert "cannot read" in failed(capsys, "review", tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"x")
    cut = failed(capsys, "cut", tmp_path / "a.jpg", "--out", tmp_path, "--report", tmp_path / "report.csv")
    assert "cannot read" in cut or not report
    (tmp_path / "in").mkdir()
    batch = ["batch", tmp_path / "in", "--out", tmp_path, "--url", "http://127.0.0.1:9", "--api-key", "k"]
    if report:
        assert "cannot read report.csv" in failed(capsys, *batch)


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', '{"a": {"mark": 1}}', '{"a": {"other": 1}}', "[" * 9999])
def test_a_damaged_progress_file_is_a_message(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / PROGRESS).write_text(text)
    batch = ["batch", tmp_path / "in", "--out", tmp_path, "--url", "http://127.0.0.1:9", "--api-key", "k"]
    batch[3] = tmp_path / "out"
    (tmp_path / "out").mkdir()
    (tmp_path / PROGRESS).replace(tmp_path / "out" / PROGRESS)
    assert f"cannot read {PROGRESS}" in failed(capsys, *batch)


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://x", "http://", "http://[", "https://a b", "http://h:port", "http://é"]
)
def test_a_wrong_url_is_a_message(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--url must be" in failed(capsys, "batch", tmp_path, "--out", tmp_path / "o", "--url", url, "--api-key", "k")
    bad_key = ["batch", tmp_path, "--out", tmp_path / "o", "--url", "http://127.0.0.1:9", "--api-key", "a\nb"]
    assert "--api-key must be" in failed(capsys, *bad_key)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--endpoint-url", "nonsense"], "--endpoint-url must be an address"),
        (["--endpoint-url", "http://["], "--endpoint-url must be an address"),
        (["--endpoint-url", "http://127.0.0.1:9", "--stack", "\udcff"], "is not valid Unicode"),
    ],
)
def test_a_wrong_address_or_name_of_a_deployment_is_a_message(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    assert message in failed(capsys, "account", "list", "--region", "eu-central-1", *options)


@pytest.mark.parametrize("price", ["pw=1e999999", "pw=1e500000", "pw=1e-999999", "pw=nan", "pw=0x10", "pw="])
def test_a_price_is_bounded_before_it_is_multiplied(price: str, capsys: pytest.CaptureFixture[str]) -> None:
    begun = time.process_time()
    with pytest.raises(SystemExit):
        main(["account", "set", "shop", "--price", price])
    assert "--price: " in capsys.readouterr().err
    assert time.process_time() - begun < 2


@pytest.mark.parametrize("bound", ["nan", "inf", "-inf", "1e400", "9" * 400, "true", "0", "'1'"])
def test_a_profiles_bounds_are_finite(bound: str, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(f"[mine.share]\nmin = {bound}\n")
    with pytest.raises(ValueError, match=r"mine\.share: min, max and best must be numbers above 0"):
        read_profiles(tmp_path / "p.toml")


def test_names_in_latin_1_go_through(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    picture = tmp_path / LATIN_1
    (tmp_path / "report.csv").write_bytes(write_report([ReportLine(str(picture), LATIN_1 + ".png", confidence="0.5")]))
    assert main(["review", str(tmp_path)]) == 0
    page = (tmp_path / "review.html").read_bytes()
    assert b"caf%E9.jpg" in page
    assert b"caf%E9.jpg.png" in page
    source = tmp_path / os.fsdecode(b"caf\xe9.py")
    source.write_text("https://api.remove.bg\n")
    capsysbinary.readouterr()
    assert main(["find-usage", str(tmp_path)]) == 0
    assert b"caf\xe9.py:1: " in capsysbinary.readouterr().out


def test_a_comparison_of_names_in_latin_1_is_written(tmp_path: Path) -> None:
    from cutline.commands.comparison import Agreement, Compared, write_page  # noqa: PLC0415

    page = write_page(tmp_path, [Compared(LATIN_1, {"new": "1.png"}, Agreement(1, 0), 1, 1, 1)])
    assert b"caf\xe9.jpg" in page.read_bytes()


@pytest.mark.parametrize(
    "row", ["a,b," + "x" * 200_000 + ",keep,yes\n", "a,b,,keep,yes\n", "a\n", "a,b,inf,redo,yes\n"]
)
def test_damaged_decisions_are_a_message(row: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "d.csv").write_text(DECISIONS + row)
    assert "cannot read" in failed(capsys, "calibrate", tmp_path / "d.csv")


@pytest.mark.parametrize(
    "options", [["--risk", "1e-9"], ["--risk", "0.6"], ["--level", "1e-300"], ["--level", "0.99999"], ["--risk", "nan"]]
)
def test_a_threshold_that_would_take_forever_is_refused(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(DECISIONS + "a,b,0.5,keep,yes\n")
    with pytest.raises(SystemExit):
        main(["calibrate", str(tmp_path / "d.csv"), *options])
    with pytest.raises(ValueError, match=r"must be in"):
        find_threshold([], 1e-9, 0.95)


def test_one_long_line_is_searched_in_linear_time() -> None:
    begun = time.process_time()
    assert usages_in("cutout" * 50_000 + "-" * 100_000) == []
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    "text", [b"\xff", b"default = 1", b"[default]\ndeploy = 1", b"[default.deploy]\nparameters = 3"]
)
def test_a_foreign_samconfig_is_a_message(text: bytes, tmp_path: Path) -> None:
    from cutline.commands.failure import CommandFailed  # noqa: PLC0415

    (tmp_path / "samconfig.toml").write_bytes(text)
    with pytest.raises(CommandFailed, match="samconfig"):
        read_samconfig(tmp_path / "samconfig.toml")


def test_a_file_that_cannot_be_written_is_a_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "report.csv").write_bytes(write_report([ReportLine("/a.jpg", "a.png")]))
    (tmp_path / "review.html").mkdir()
    assert "review.html" in failed(capsys, "review", tmp_path)


def test_no_name_reaches_a_table_as_a_formula() -> None:
    data = write_report([ReportLine("/in/=1+1.jpg", "=1+1.jpg.png")])
    assert b",./=1+1.jpg.png," in data
    assert read_report(data)["/in/=1+1.jpg"].result == "./=1+1.jpg.png"
