"""`cutline batch` against the local cloud: a folder with a bad picture, killed and interrupted, then resumed."""

import csv
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from cutline.commands import INTERRUPTED
from devkit.accounts import Accounts
from devkit.clients import plain_picture
from devkit.meters import meter_of
from devkit.patience import WAIT_S, until
from devkit.running import ROOT, RunningCloud
from localcloud.aws_account import credentials_environment


def batch(cloud: RunningCloud, key: str, source: object, out: object, *more: str) -> "subprocess.Popen[str]":
    """The running command, as an operator or a nightly job starts it."""
    command = [sys.executable, "-m", "cutline", "batch", str(source), "--out", str(out), "--url", cloud.url, *more]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "layers" / "cutline" / "python"),
        "CUTLINE_API_KEY": key,
        **credentials_environment(cloud.port),
    }
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=WAIT_S)
    return process.returncode, out, err


def interrupted(process: "subprocess.Popen[str]", out: Path, count: int, number: int) -> tuple[int, str, str]:
    """Ends the command once that many results lie there."""
    until(lambda: len(results_in(out)) >= count or process.poll() is not None, f"{count} results", every_s=0.02)
    process.send_signal(number)
    return ended(process)


def results_in(out: Path) -> list[str]:
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("[!.]*.png"))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Twelve, in folders: one of them is no picture, one with too many bytes for a call."""
    folder = tmp_path / "photos"
    files = {f"shelf {n % 3}/ä{n}.jpg": plain_picture(90 + n, 80, "JPEG") for n in range(10)}
    large = plain_picture(1300, 1200).ljust(4_500_000, b"\0")
    files |= {"large.png": large, "shelf 1/broken.jpg": plain_picture(90, 80, "JPEG")[:700]}
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def test_a_batch_that_is_killed_and_interrupted_does_every_picture_once_and_pays_once(
    cloud: RunningCloud, accounts: Accounts, pictures: Path, tmp_path: Path
) -> None:
    accounts.create("batcher", qps=4, daily_quota=30, price_micros={"pw": 10})
    out = tmp_path / "results"

    def start() -> "subprocess.Popen[str]":
        return batch(cloud, "key-batcher", pictures, out)

    assert interrupted(start(), out, 2, signal.SIGKILL)[0] == -signal.SIGKILL
    status, _, said = interrupted(start(), out, 5, signal.SIGINT)
    assert (status, said) == (INTERRUPTED, "cutline: interrupted; run the same command to resume\n")
    status, printed, said = ended(start())
    assert status == 1
    assert printed.startswith("12 pictures: ")
    assert said == f"cutline: 1 pictures failed; see {out}/failures.csv\n"
    wanted = sorted(f"{path.relative_to(pictures).as_posix()}.png" for path in pictures.rglob("*.*"))
    wanted.remove("shelf 1/broken.jpg.png")
    assert results_in(out) == wanted
    rows = list(csv.DictReader((out / "failures.csv").read_text("utf-8").splitlines()))
    assert [(row["picture"], row["state"]) for row in rows] == [("shelf 1/broken.jpg", "-7")]
    status, printed, _ = ended(start())
    assert (status, printed) == (1, "12 pictures: 0 done, 11 done earlier, 1 failed\n")
    until(lambda: meter_of(cloud, "batcher")["calls_pw"] == 11)
    until(lambda: meter_of(cloud, "batcher")["taken"] == 11)
    assert meter_of(cloud, "batcher")["charged_micros"] == 110


def test_a_batch_goes_from_s3_to_s3_and_into_a_zip(cloud: RunningCloud, accounts: Accounts, tmp_path: Path) -> None:
    accounts.create("mover")
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="photos")
    for name in ("a.png", "new/b.png"):
        s3.put_object(Bucket="photos", Key=f"in/{name}", Body=plain_picture(64, 48))
    for printed in ("2 done, 0 done earlier", "0 done, 2 done earlier"):
        path = tmp_path / f"{printed[0]}.zip"
        done = ended(batch(cloud, "key-mover", "s3://photos/in", "s3://photos/out", "--zip", str(path)))
        assert done == (0, f"{path}: 2 results\n2 pictures: {printed}, 0 failed\n", "")
        with zipfile.ZipFile(path) as archive:
            assert archive.namelist() == ["a.png.png", "new/b.png.png", "report.csv", "failures.csv"]
    assert (tmp_path / "0.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    keys = {item["Key"] for item in s3.list_objects_v2(Bucket="photos", Prefix="out/")["Contents"]}
    assert keys == {
        "out/a.png.png",
        "out/new/b.png.png",
        "out/failures.csv",
        "out/report.csv",
        "out/.cutline-batch.json",
    }


def test_a_batch_puts_a_file_behind_every_subject(cloud: RunningCloud, accounts: Accounts, tmp_path: Path) -> None:
    accounts.create("decorator")
    backdrop, out = tmp_path / "green.png", tmp_path / "out"
    Image.new("RGB", (30, 20), (20, 160, 60)).save(backdrop)
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / "in" / name).write_bytes(plain_picture(64, 48))
    options = ("--background", str(backdrop), "--background-fit", "cover")
    for printed in ("2 done, 0 done earlier", "0 done, 2 done earlier"):
        done = ended(batch(cloud, "key-decorator", tmp_path / "in", out, *options))
        assert done == (0, f"2 pictures: {printed}, 0 failed\n", "")
    for name in results_in(out):
        with Image.open(out / name) as result:
            assert (result.mode, result.getpixel((0, 0))) == ("RGB", (20, 160, 60))
    (tmp_path / "green.png").write_bytes(b"not a picture")
    status, _, said = ended(batch(cloud, "key-decorator", tmp_path / "in", out, *options))
    assert (status, said.partition(":")[0]) == (1, "cutline")
    assert said.startswith("cutline: --background: ")


def test_a_batch_stops_at_a_wrong_key_and_at_the_end_of_the_quota(
    cloud: RunningCloud, accounts: Accounts, pictures: Path, tmp_path: Path
) -> None:
    accounts.create("limited", daily_quota=2)
    status, _, said = ended(batch(cloud, "guess", pictures, tmp_path / "none"))
    assert (status, said.partition(";")[0]) == (1, "cutline: stopped: the API key is not valid")
    status, _, said = ended(batch(cloud, "key-limited", pictures, tmp_path / "some"))
    assert status == 1
    assert said.startswith("cutline: stopped: the account's quota for the day is used up")
    status, _, said = ended(batch(cloud, "key-limited", pictures, pictures / "results"))
    assert (status, said) == (1, "cutline: --out must be outside the folder of the pictures\n")
