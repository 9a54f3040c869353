"""`cutline cut` and `cutline bench` on real files, in this process."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from cutline.batch.report import read_report
from cutline.commands import INTERRUPTED, cut, main
from cutline.limits import LOCAL_LIMITS
from cutline.pipeline.codecs.decode import HEIF, reads_heif
from devkit.clients import plain_picture
from devkit.patience import WAIT_S
from devkit.running import ROOT

SAMPLES = ROOT / "functions" / "site" / "static"
MUG = (SAMPLES / "mug.jpg").read_bytes()
WHITE = (255, 255, 255)
FORMATS = LOCAL_LIMITS.formats - (frozenset() if reads_heif() else {HEIF})
NO_PICTURE = f"Not one of {', '.join(sorted(FORMATS))}."


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs `cutline cut`: its exit status and what it reported on stderr."""

    def call(*arguments: object) -> tuple[int, str]:
        status = main(["cut", *map(str, arguments)])
        return status, capfd.readouterr().err

    return call


def pixels(file: Path | bytes) -> Any:
    with Image.open(io.BytesIO(file) if isinstance(file, bytes) else file) as image:
        return np.asarray(image)


def test_a_photo_becomes_a_transparent_png_next_to_it(photo: Path, run: Any) -> None:
    assert run(photo) == (0, "")
    rgba = pixels(photo.with_name("mug.jpg.png"))
    assert rgba.shape == (640, 800, 4)
    assert rgba[320, 400, 3] == 255, "the mug"
    assert (rgba[5, 5] == 0).all(), "the wall"


def test_a_result_that_is_there_is_kept_unless_forced(photo: Path, run: Any) -> None:
    there = photo.with_name("mug.jpg.png")
    there.write_bytes(b"mine")
    status, reported = run(photo)
    assert (status, there.read_bytes()) == (1, b"mine")
    assert "mug.jpg.png already exists; --force replaces it" in reported
    assert run(photo, "--force") == (0, "")
    assert pixels(there).shape == (640, 800, 4)


@pytest.mark.parametrize(("options", "colour"), [(["--white"], WHITE), (["--colour", "1f6feb"], (0x1F, 0x6F, 0xEB))])
def test_a_background_of_any_colour(photo: Path, run: Any, options: list[str], colour: tuple[int, ...]) -> None:
    out = photo.with_name("shop.png")
    assert run(photo, *options, "--out", out) == (0, "")
    assert tuple(pixels(out)[5, 5]) == colour


def test_the_ending_of_the_result_says_its_format(photo: Path, run: Any) -> None:
    out = photo.with_name("shop.jpg")
    assert run(photo, "--out", out) == (0, "")
    with Image.open(out) as image:
        assert (image.format, image.getpixel((5, 5))) == ("JPEG", WHITE)


def test_the_mask_is_grey_and_has_a_name_of_its_own(photo: Path, run: Any) -> None:
    assert run(photo, "--mask") == (0, "")
    mask = pixels(photo.with_name("mug.jpg-mask.png"))
    assert (mask.shape, mask[320, 400], mask[5, 5]) == ((640, 800), 255, 0)


def test_crop_cuts_to_the_subject(photo: Path, run: Any) -> None:
    assert run(photo, "--crop", "--subject", "object") == (0, "")
    height, width = pixels(photo.with_name("mug.jpg.png")).shape[:2]
    assert 200 < height < 640
    assert 200 < width < 800


def test_framing_says_how_the_subject_stands_there(photo: Path, run: Any) -> None:
    options = ["--white", "--crop", "--scale", "80%", "--ratio", "1:1", "--min-size", "1000", "--position", "50% 100%"]
    out = photo.with_name("shop.webp")
    assert run(photo, *options, "--out", out) == (0, "")
    found = pixels(out)
    assert found.shape == (1000, 1000, 3)
    rows, columns = (np.flatnonzero((found < 245).any(axis=axes)) for axes in ((1, 2), (0, 2)))
    assert rows[-1] > 990, "at the lower edge"
    assert 770 < max(rows[-1] - rows[0], columns[-1] - columns[0]) < 810


def test_a_profile_makes_what_a_marketplace_asks_for_and_reports_on_it(photo: Path, tmp_path: Path, run: Any) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    out = tmp_path / "out"
    status, reported = run(photo, tmp_path / "bad.jpg", "--profile", "amazon-main", "--out", out)
    assert status == 1
    assert "mug.jpg: enlargement 1.8" in reported
    lines = read_report((out / "report.csv").read_bytes())
    good, bad = lines[str(photo)], lines[str(tmp_path / "bad.jpg")]
    assert (good.result, good.profile, good.passed, bad.problem) == (
        "mug.jpg.jpg",
        "amazon-main",
        "yes",
        NO_PICTURE,
    )
    assert "ground ffffff; share 0.9; ratio 1000:1000;" in good.verdicts
    assert 0 < float(good.confidence) <= 1
    with Image.open(out / "mug.jpg.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (1000, 1000))


def test_a_second_run_keeps_what_the_first_reported(photo: Path, tmp_path: Path, run: Any) -> None:
    out = tmp_path / "out"
    assert run(photo, "--profile", "ebay", "--out", out)[0] == 0
    before = (out / "report.csv").read_bytes()
    assert run(photo, "--profile", "ebay", "--out", out)[0] == 1, "it is there already"
    assert (out / "report.csv").read_bytes() == before


def test_a_profile_of_ones_own_that_is_not_kept_is_reported_and_fails(photo: Path, tmp_path: Path, run: Any) -> None:
    (tmp_path / "own.toml").write_text("[large.longest_side]\nmin = 900\n[large.enlargement]\nmax = 1\n")
    options = ["--profiles", tmp_path / "own.toml", "--profile", "large", "--out", tmp_path / "large.png"]
    status, reported = run(photo, *options, "--report", tmp_path / "reported.csv")
    assert status == 1
    assert "enlargement 1." in reported
    assert "1 of 1 pictures do not meet all rules of large" in reported
    (line,) = read_report((tmp_path / "reported.csv").read_bytes()).values()
    assert (line.result, line.passed) == ("large.png", "no")
    assert pixels(tmp_path / "large.png").shape[2] == 4
    assert "unknown profile 'none'; choose from amazon-main" in run(photo, "--profile", "none")[1]
    (tmp_path / "own.toml").write_text("[large.share]\n")
    assert "large.share" in run(photo, *options)[1]
    assert "No such file" in run(photo, "--profile", "x", "--profiles", tmp_path / "none.toml")[1]


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """Two mugs side by side, the second mirrored, so that the table goes on."""
    mug = Image.open(io.BytesIO(MUG))
    both = Image.new("RGB", (1600, 640))
    both.paste(mug, (0, 0))
    both.paste(ImageOps.mirror(mug), (800, 0))
    both.save(tmp_path / "pair.jpg", quality=92)
    return tmp_path / "pair.jpg"


def test_each_subject_becomes_a_file_of_its_own_with_its_box(pair: Path, run: Any) -> None:
    report = pair.with_name("reported.csv")
    assert run(pair, "--each", "--crop", "--report", report) == (0, "")
    lines = [line for line in read_report(report.read_bytes()).values() if line.result]
    assert [(line.part, line.result) for line in lines] == [("1", "pair.jpg-1.png"), ("2", "pair.jpg-2.png")]
    boxes = [tuple(map(int, line.box.split(", "))) for line in lines]
    assert 0 < boxes[0][0] < boxes[0][2] <= 800 <= boxes[1][0] < boxes[1][2] < 1600
    for line, (left, top, right, bottom) in zip(lines, boxes, strict=True):
        assert pixels(pair.with_name(line.result)).shape == (bottom - top, right - left, 4)
    status, reported = run(pair, "--each")
    assert (status, "pair.jpg-1.png already exists" in reported) == (1, True)
    assert "cannot write to stdout" in run(pair, "--each", "--out", "-")[1]


def test_a_region_chooses_one_of_several_subjects(pair: Path, run: Any) -> None:
    out = pair.with_name("right.png")
    assert run(pair, "--roi", "50% 0% 100% 100%", "--out", out) == (0, "")
    alpha = pixels(out)[..., 3]
    assert (alpha.shape, int(alpha[:, :800].max()), int(alpha[320, 1200])) == ((640, 1600), 0, 255)
    status, reported = run(pair, "--roi", "2000px 0 3000px 2px", "--out", pair.with_name("none.png"))
    assert (status, "No subject was found" in reported) == (1, True)


def test_only_clothes(tmp_path: Path, run: Any) -> None:
    def garments(*options: str) -> Any:
        out = tmp_path / "clothes.png"
        assert run(SAMPLES / "person.jpg", *options, "--force", "--out", out) == (0, "")
        return pixels(out)[..., 3] > 128

    everything, trousers = garments("--costume"), garments("--costume=pants")
    assert 0 < trousers.mean() < everything.mean() < 0.5


def test_a_folder_with_its_folders_and_a_pattern(tmp_path: Path, run: Any) -> None:
    for name in ("in/a/one.png", "in/two.png", "in/.hidden/no.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(plain_picture(64, 48))
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    (tmp_path / "in" / "three.gif").write_bytes(plain_picture(64, 48, "GIF"))
    assert run(tmp_path / "in", "--out", tmp_path / "out") == (0, "")
    assert run(f"{tmp_path}/in/*.png", "--out", tmp_path / "matched") == (0, "")
    found = [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*.*.png"))]
    assert found == ["matched/two.png.png", "out/a/one.png.png", "out/three.gif.png", "out/two.png.png"]


def test_pictures_of_one_name_never_replace_each_others_results(tmp_path: Path, run: Any) -> None:
    for folder in ("spring", "autumn"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.png").write_bytes(plain_picture(64, 48))
    status, reported = run(tmp_path / "spring", tmp_path / "autumn", "--out", tmp_path / "out", "--force")
    assert status == 1
    assert f"spring/1.png and {tmp_path}/autumn/1.png would both be written to {tmp_path}/out/1.png.png" in reported
    assert not (tmp_path / "out").exists()


def test_a_picture_is_never_replaced_by_anothers_result(
    tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("photo.jpg", "photo.jpg.png"):
        (tmp_path / name).write_bytes(plain_picture(64, 48))
    original = (tmp_path / "photo.jpg.png").read_bytes()
    monkeypatch.chdir(tmp_path)
    reported = "cutline: the result of photo.jpg would replace the picture photo.jpg.png\n"
    assert run("*", "--force") == (1, reported)
    assert run("photo.jpg", tmp_path / "photo.jpg.png", "--force") == (1, reported)
    assert run("photo.jpg", "photo.jpg.png", "--out", ".", "--force") == (1, reported)
    assert {path.name for path in tmp_path.iterdir()} == {"photo.jpg", "photo.jpg.png"}
    assert (tmp_path / "photo.jpg.png").read_bytes() == original


def test_one_bad_picture_does_not_stop_the_others(tmp_path: Path, run: Any) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    (tmp_path / "good.png").write_bytes(plain_picture(64, 48))
    status, reported = run(
        tmp_path / "bad.jpg", tmp_path / "missing.jpg", tmp_path / "good.png", "--out", tmp_path / "out"
    )
    assert status == 1
    lines = reported.splitlines()
    assert [line.partition(".jpg: ")[2] for line in lines[:2]] == [
        NO_PICTURE,
        "No such file or directory",
    ]
    assert lines[2:] == ["cutline: 2 of 3 pictures failed"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.png.png"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["{}/in"], "--out is required"),
        (["{}/in", "--out", "{}/in/results"], "outside"),
        (["{}/in", "--out", "-"], "outside"),
        (["{}/in/1.png", "{}/in/2.png", "--out", "{}/one.png"], "only one result"),
        (["-", "{}/in/1.png", "--out", "-"], "only one result"),
        (["-", "--out", "{}/folder"], "needs --out FILE.png"),
        (["{}/nothing/*.png"], "no pictures"),
        (["{}/in/1.png", "--models", "{}"], "no networks in"),
    ],
)
def test_what_cannot_work_is_refused_before_any_work(
    tmp_path: Path, run: Any, arguments: list[str], problem: str
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("1.png", "2.png"):
        (tmp_path / "in" / name).write_bytes(plain_picture(64, 48))
    status, reported = run(*(argument.format(tmp_path) for argument in arguments))
    assert (status, problem in reported) == (1, True), reported
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["1.png", "2.png", "in"]


@pytest.mark.parametrize(
    "options",
    [
        ["--costume=socks"],
        ["--costume", "--crop"],
        ["--mask", "--white"],
        ["--colour", "blue"],
        ["--threads", "0"],
        [],
        ["--scale", "2"],
        ["--margin", "1 2 3"],
        ["--profile", "ebay", "--white"],
        ["--costume", "--ratio", "1:1"],
        ["--roi", "0 0 1"],
        ["--roi", "a b c d"],
        ["--profile", "ebay", "--each"],
        ["--background-fit", "contain"],
    ],
)
def test_wrong_arguments_are_reported_with_status_2(capsys: pytest.CaptureFixture[str], options: list[str]) -> None:
    with pytest.raises(SystemExit, check=lambda ended: ended.code == 2):
        main(["cut", *(["photo.jpg", *options] if options else [])])
    assert "usage: cutline cut" in capsys.readouterr().err


def test_what_failed_is_reported_next_to_the_bar_not_in_it(tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    (tmp_path / "good.png").write_bytes(plain_picture(64, 48))
    main_end, terminal = os.openpty()
    command = [sys.executable, "-m", "cutline", "cut", "bad.jpg", "good.png"]
    environment = {"PYTHONPATH": str(ROOT / "layers" / "cutline" / "python")}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, stderr=terminal, timeout=WAIT_S, check=False)
    os.close(terminal)
    shown = os.read(main_end, 4096).decode()
    os.close(main_end)
    assert ended.returncode == 1
    assert "] 0/2, 0 failed\r\x1b[Kcutline: bad.jpg: Not one of" in shown
    assert re.search(r"\[#+ +\] 1/2, 1 failed\r\[#+\] 2/2, 1 failed\r\n", shown)


def test_an_interrupt_has_a_status_of_its_own(photo: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cut, "_perform", interrupt)
    assert run(photo)[0] == INTERRUPTED


def piped(*arguments: str, data: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "cutline", *arguments]
    environment = {"PYTHONPATH": str(ROOT / "layers" / "cutline" / "python")}
    return subprocess.run(command, input=data, env=environment, capture_output=True, timeout=WAIT_S, check=False)


def test_a_pipe_carries_the_picture_and_nothing_else() -> None:
    ended = piped("cut", "-", data=MUG)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert pixels(ended.stdout).shape == (640, 800, 4)


def test_a_pipe_without_a_picture_carries_nothing() -> None:
    ended = piped("cut", "-", data=b"")
    assert (ended.returncode, ended.stdout) == (1, b"")
    assert b"stdin: The picture has no bytes." in ended.stderr


def test_the_networks_libraries_are_loaded_only_where_they_are_needed() -> None:
    script = "import sys, cutline.commands; print(sorted({'numpy', 'onnxruntime', 'PIL', 'boto3'} & set(sys.modules)))"
    environment = {"PYTHONPATH": str(ROOT / "layers" / "cutline" / "python")}
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, timeout=WAIT_S, check=True
    )
    assert ended.stdout == b"[]\n"


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ((), "a.png"),
        (("--costume",), "a.png"),
        (("--profile", "amazon-main"), "a.jpg"),
        (("--format", "avif"), "a.avif"),
    ],
)
def test_metadata_is_kept_and_reported(
    tmp_path: Path, run: Callable[..., tuple[int, str]], options: tuple[str, ...], name: str
) -> None:
    photo, report = tmp_path / "worn.jpg", tmp_path / "report.csv"
    exif = Image.Exif()
    exif[0x8298] = "A shop"
    with Image.open(SAMPLES / "person.jpg") as image:
        image.save(photo, "JPEG", exif=exif, dpi=(300, 300), quality=95)
    status, words = run(photo, "--out", tmp_path / name, "--metadata", "keep", "--report", report, *options)
    assert (tmp_path / name).exists(), (status, words)
    with Image.open(tmp_path / name) as image:
        assert image.getexif()[0x8298] == "A shop"
    (line,) = read_report(report.read_bytes()).values()
    assert line.metadata == "exif, dpi, srgb"


def test_sixteen_bits_are_written_and_reported(
    photo: Path, tmp_path: Path, run: Callable[..., tuple[int, str]]
) -> None:
    assert run(photo, "--depth", "16", "--out", tmp_path / "a.png", "--report", tmp_path / "r.csv")[0] == 0
    assert (tmp_path / "a.png").read_bytes()[24] == 16
    (line,) = read_report((tmp_path / "r.csv").read_bytes()).values()
    assert line.depth == "8 in 16"
    for more in (("--white",), ("--background", "blur"), ("--shadow", "drop"), ("--mask",), ("--costume",)):
        with pytest.raises(SystemExit):
            run(photo, "--depth", "16", *more)
