"""Every command with each of its files damaged in every way: it ends with a message, in time, without half a result."""

import io
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cutline import local_file
from cutline.agents import server
from cutline.batch import client
from cutline.commands import COMMANDS, cut, main
from cutline.local_file import read_file, real_path
from devkit.clients import encoded, plain_picture
from devkit.running import ROOT

MODELS = ROOT / "layers" / "model"
PICTURE = plain_picture(64, 48)
PROFILE = b'[mine.format]\none_of = ["png"]\nassumption = "x"\n[mine.longest_side]\nmin = 100\nassumption = "x"\n'
FILES = {
    "in/a.png": PICTURE,
    "behind.png": PICTURE,
    "old/a.png": encoded(np.full((48, 64, 4), 128, np.uint8), "PNG"),
    "profiles.toml": PROFILE,
    "results/report.csv": b"picture,result,confidence\n/in/a.png,a.png.png,0.5\n",
    "results/review.html": b"",
    "results/.cutline-batch.json": b'{"a.png": {"mark": "x"}}',
    "decisions.csv": b"picture,result,confidence,decision,sampled\na,b,0.5,keep,yes\n",
    "code/a.py": b"https://api.remove.bg\n",
    "samconfig.toml": b'[default.deploy.parameters]\nstack_name = "x"\nparameter_overrides = "Model=matte"\n',
    ".aws-sam/build/RuntimeLayer/machine": b"aarch64",
    "layers/model/models.toml": (MODELS / "models.toml").read_bytes(),
    "layers/model/matte.onnx": (MODELS / "matte.onnx").read_bytes(),
    "aws/config": b"[default]\nregion = eu-central-1\n",
    "checked/.cutline-check.jsonl": b'{"mark": "x", "line": {"picture": "/in/a.png"}, "faults": 0, "made": null}\n',
    "a.png": PICTURE,
    "page/index.html": b"",
}
_BATCH = "batch in --out results --url http://127.0.0.1:9 --api-key k"
_MODELS = "--threads 1 --models layers/model"
# Each command with a file that it reads or replaces.
CASES = [
    (f"cut in/a.png --out b.png {_MODELS}", "in/a.png"),
    (f"cut in --out b {_MODELS}", "in/a.png"),
    (f"cut in/a.png --out b.png --background behind.png {_MODELS}", "behind.png"),
    (f"cut in/a.png --out a.png --force {_MODELS}", "a.png"),
    (f"cut in/a.png --out b.png --profile mine --profiles profiles.toml {_MODELS}", "profiles.toml"),
    (f"cut in/a.png --out b.png --report results/report.csv {_MODELS}", "results/report.csv"),
    (f"cut in/a.png --out b.png {_MODELS}", "layers/model/models.toml"),
    (f"cut in/a.png --out b.png {_MODELS}", "layers/model/matte.onnx"),
    (f"bench in/a.png --runs 1 {_MODELS}", "in/a.png"),
    (f"bench --side 64 --runs 1 {_MODELS}", "layers/model/models.toml"),
    (f"compare-with old in --out page {_MODELS}", "old/a.png"),
    (f"compare-with old in --out page {_MODELS}", "in/a.png"),
    (f"compare-with old in --out page {_MODELS}", "page/index.html"),
    ("review results", "results/report.csv"),
    ("review results", "results/review.html"),
    ("calibrate decisions.csv", "decisions.csv"),
    ("learn results --models layers/model --decisions decisions.csv", "results/report.csv"),
    ("learn results --models layers/model --decisions decisions.csv", "decisions.csv"),
    ("learn results --models layers/model", "layers/model/models.toml"),
    ("find-usage code", "code/a.py"),
    ("doctor", "samconfig.toml"),
    ("doctor", ".aws-sam/build/RuntimeLayer/machine"),
    ("doctor", "layers/model/models.toml"),
    (_BATCH, "in/a.png"),
    (_BATCH, "results/report.csv"),
    (_BATCH, "results/.cutline-batch.json"),
    (f"{_BATCH} --background behind.png", "behind.png"),
    (f"{_BATCH} --profile mine --profiles profiles.toml", "profiles.toml"),
    ("account list", "aws/config"),
    (f"check in --profile mine --profiles profiles.toml --out checked {_MODELS}", "in/a.png"),
    (f"check in --profile mine --profiles profiles.toml --out checked {_MODELS}", "profiles.toml"),
    (f"check in --profile mine --profiles profiles.toml --out checked {_MODELS}", "checked/.cutline-check.jsonl"),
    (f"mcp in --profiles profiles.toml {_MODELS}", "profiles.toml"),
    (f"mcp in {_MODELS}", "layers/model/models.toml"),
]


def _replaced(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def _linked(target: str) -> Callable[[Path], object]:
    return lambda path: (path.unlink(), path.symlink_to(target))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": _replaced(b""),
    "half": lambda path: os.truncate(path, path.stat().st_size // 2),
    "noise": _replaced(b"\0\xff\xfe\x80" * 50),
    "in Latin-1": lambda path: path.write_bytes(b'caf\xe9 = "' + path.read_bytes()),
    "other JSON": _replaced(b'{"matte": 1}'),
    "other TOML": _replaced(b"matte = 1\ndefault = 2\nmine = 3\n"),
    "other table": _replaced(b"picture,result,confidence,decision\n" + b"a,b,1e400,keep\n" * 3),
    "large table": _replaced(b"picture,result,confidence,decision\n" + b"a,b,0.5,keep\n" * 30_000),
    "nested lists": _replaced(b"matte = " + b"[" * 100_000),
    "nested JSON": _replaced(b"[" * 100_000),
    "one long line": _replaced(b"x" * 300_000),
    "a terabyte": lambda path: os.truncate(path, 1 << 40),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a broken link": _linked("nowhere"),
    "a circular link": lambda path: (path.unlink(), path.symlink_to(path.name)),
    "unreadable": _linked("/proc/self/mem"),  # to root too, who may read files of mode 0
}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with every file whole, and AWS and the service out of reach."""
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "AWS_CONFIG_FILE": "aws/config",
        "AWS_SHARED_CREDENTIALS_FILE": "aws/none",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(server, "run", lambda *_: None)  # tests/agents serves
    monkeypatch.setattr(client, "_TRIES", 1)
    monkeypatch.setattr(client, "_PAUSE_S", 0.01)
    return tmp_path


def run(words: str, capsys: pytest.CaptureFixture[str]) -> Ended:
    try:
        status = main(words.split())
    except SystemExit as ended:
        status = int(ended.code or 0)
    return Ended(status, *capsys.readouterr())


# AWS's own library reads its configuration, by lines of any length.
DAMAGED = [(*case, damage) for case in CASES for damage in DAMAGES if (case[1], damage) != ("aws/config", "a terabyte")]


@pytest.mark.parametrize(
    ("words", "file", "damage"), DAMAGED, ids=[f"{words.split()[0]} {file} {damage}" for words, file, damage in DAMAGED]
)
def test_a_damaged_file_is_a_message(
    words: str, file: str, damage: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    DAMAGES[damage](folder / file)
    begun = time.process_time()
    ended = run(words, capsys)
    assert time.process_time() - begun < 10
    # `check` ends with 1 where pictures fail, so that damage is 2.
    assert ended.status in ((0, 1, 2) if words.startswith("check") else (0, 1))
    if ended.status:
        assert ended.err.splitlines()[-1].startswith("cutline: ")
    assert not list(folder.rglob("*.part"))
    made = folder / "b.png"
    assert not made.exists() or made.read_bytes().endswith(b"IEND\xaeB`\x82")


@pytest.mark.parametrize("words", sorted({words for words, _ in CASES}))
def test_the_undamaged_files_are_taken(words: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    problem = {
        "batch": "cannot reach http://127.0.0.1:9",
        "doctor": "1 problem to fix before a deployment",  # no region
        "account": "credentials",
        "learn": "no result was mended",
        "check": "1 of 1 pictures fail mine",
    }.get(words.split(maxsplit=1)[0])
    ended = run(words, capsys)
    assert (ended.status, (problem or "") in ended.err) == (0 if problem is None else 1, True), ended


def test_no_command_is_left_out() -> None:
    without_files = {"serve", "results-key", "smoke-key", "health", "rotate-links"}
    assert {words.split()[0] for words, _ in CASES} == {*COMMANDS} - without_files


def test_an_endless_file_is_read_no_further_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_file, "MAX_BYTES", 1000)
    with pytest.raises(OSError, match="larger than 1000 bytes"):
        read_file(Path("/dev/zero"))


def test_stdin_is_read_no_further_than_the_bound(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = io.BytesIO(PICTURE * 100)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(endless))
    monkeypatch.setattr(cut, "MAX_BYTES", 1000)
    run(f"cut - --out b.png {_MODELS}", capsys)
    assert endless.tell() == 1001


def test_links_in_a_circle_have_a_path(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("a")
    assert real_path(tmp_path / "a") == tmp_path.resolve() / "a"
