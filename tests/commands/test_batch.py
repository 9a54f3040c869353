"""`cutline batch` in this process: what it refuses before any work, and how it ends."""

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from cutline.batch.run import Batch
from cutline.commands import INTERRUPTED, main

Run = Callable[[object, object], tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs the command, its batch an empty one, with a bucket `shop`: its exit status and stderr."""
    monkeypatch.setattr(Batch, "run", lambda *arguments: Counter())
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def call(source: object, out: object) -> tuple[int, str]:
        status = main(["batch", str(source), "--out", str(out), "--url", "http://127.0.0.1:9", "--api-key", "k"])
        return status, capfd.readouterr().err

    with mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        boto3.client("s3").create_bucket(Bucket="shop")
        yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("source", "out"),
    [
        ("s3://shop/new", "s3://shop/new/cut"),
        ("s3://shop/new/", "s3://shop/new"),
        ("s3://shop", "s3://shop/cut"),
        ("s3://shop", "s3://shop"),
        ("{}/in", "{}/in/../in/cut"),
    ],
)
def test_results_never_go_among_the_pictures(run: Run, tmp_path: Path, source: str, out: str) -> None:
    (tmp_path / "in").mkdir()
    reported = run(source.format(tmp_path), out.format(tmp_path))
    assert reported == (1, "cutline: --out must be outside the folder of the pictures\n")


@pytest.mark.parametrize(
    ("source", "out"),
    [
        ("s3://shop/new", "s3://shop/newer"),
        ("s3://shop/new", "s3://shop/cut/new"),
        ("s3://shop/new", "s3://shop"),
        ("s3://other/new", "s3://shop/new/cut"),
        ("{}/in", "s3://shop/in"),
        ("s3://shop", "{}/in"),
        ("{}/in", "{}/inner"),
    ],
)
def test_results_may_go_next_to_the_pictures(run: Run, tmp_path: Path, source: str, out: str) -> None:
    (tmp_path / "in").mkdir()
    assert run(source.format(tmp_path), out.format(tmp_path)) == (0, "")


def test_an_interrupt_has_a_status_of_its_own(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Batch, "run", interrupt)
    reported = run(tmp_path, "s3://shop/cut")
    assert reported == (INTERRUPTED, "cutline: interrupted; run the same command to resume\n")


def test_what_is_asked_for_goes_to_the_service_in_its_own_words(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sent: list[dict[str, str]] = []

    def note(batch: Batch, *arguments: object) -> Counter[str]:
        sent.append(dict(batch.fields))
        return Counter()

    monkeypatch.setattr(Batch, "run", note)
    command = ["batch", str(tmp_path), "--out", "s3://shop/cut", "--url", "http://127.0.0.1:9", "--api-key", "k"]
    asked = ["--format", "webp", "--crop", "--scale", "85%", "--min-size", "800x1000", "--roi", "0% 0% 50% 100%"]
    assert main([*command, *asked]) == 0
    framed = {"crop": "1", "scale": "85%", "least": "800x1000", "roi": "0% 0% 50% 100%"}
    assert sent == [{"sync": "0", "format": "webp", **framed}]
    assert main([*command, "--profile", "ebay", "--roi", "0% 0% 50% 100%", "--type", "object"]) == 0
    assert sent[1] == {"sync": "0", "type": "object", "roi": "0% 0% 50% 100%"}
    for refused in (["--profile", "ebay", "--ratio", "1:1"], ["--scale", "2"], ["--roi", "1 2"]):
        with pytest.raises(SystemExit):
            main([*command, *refused])
    assert "only with --type, --roi" in capfd.readouterr().err
    assert len(sent) == 2
