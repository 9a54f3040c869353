"""`cutline check` from its arguments to its reports and its exit status."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cutline.batch.report import ReportLine, read_report
from cutline.commands import main
from cutline.library import Cutter
from cutline.live.run import PAGE, PROGRESS
from cutline.pipeline.outputs.profiles import read_profiles
from tests.support.stores import TOKEN, WC, Shopify, Store, WooCommerce, serving

MUG = (Path(__file__).parents[2] / "functions" / "site" / "static" / "mug.jpg").read_bytes()


@pytest.fixture(scope="module")
def good() -> bytes:
    return Cutter().publish(MUG, read_profiles()["amazon-main"]).file


def check(tmp_path: Path, *words: str) -> int:
    return main(["check", *words, "--profile", "amazon-main", "--out", str(tmp_path / "out"), "--threads", "1"])


def report(tmp_path: Path, folder: str = "out") -> dict[str, ReportLine]:
    lines = read_report((tmp_path / folder / "report.csv").read_bytes())
    return {Path(name.partition("?")[0]).name: line for name, line in lines.items()}


def page_of(tmp_path: Path) -> list[dict[str, Any]]:
    text = (tmp_path / "out" / PAGE).read_text("utf-8")
    data = text.partition('<script type="application/json" id="data">')[2].partition("</script>")[0]
    items: list[dict[str, Any]] = json.loads(data)["items"]
    return items


@pytest.fixture
def photos(tmp_path: Path, good: bytes) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "good.jpg").write_bytes(good)
    (folder / "mug.jpg").write_bytes(MUG)
    image = Image.open(io.BytesIO(good))
    image.resize((900, 900)).save(folder / "small.jpg")
    return folder


def test_the_exit_status_says_whether_all_pass(tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture) -> None:
    assert check(tmp_path, str(photos / "good.jpg")) == 0
    assert report(tmp_path)["good.jpg"].passed == "yes"
    assert check(tmp_path, str(photos)) == 1
    assert "3 pictures: 1 pass, 2 fail, 0 could not be checked" in capsys.readouterr().out
    (photos / "broken.png").write_bytes(b"junk")
    assert check(tmp_path, str(photos), str(photos / "gone.jpg")) == 2
    assert "broken.png: Not one of" in capsys.readouterr().err
    lines = report(tmp_path)
    assert (lines["gone.jpg"].problem, lines["small.jpg"].passed) == ("No such file or directory", "no")
    assert "longest_side 900, not 1,000 to 10,000" in lines["small.jpg"].verdicts
    assert [Path(item["picture"]).name for item in page_of(tmp_path)] == [
        *("broken.png", "gone.jpg"),
        *("mug.jpg", "small.jpg", "good.jpg"),
    ]


def test_what_fails_is_mended_and_then_passes(tmp_path: Path, photos: Path) -> None:
    mended = tmp_path / "mended"
    assert check(tmp_path, str(photos), "--mend", str(mended)) == 1
    made = report(tmp_path, "mended")
    assert set(made) == {"mug.jpg", "small.jpg"}
    shown = {Path(item["picture"]).name: item["after"] for item in page_of(tmp_path)}
    assert (tmp_path / "out" / shown["mug.jpg"]).resolve() == mended / made["mug.jpg"].result
    assert shown["good.jpg"] == ""
    assert check(tmp_path, str(mended)) == 0


@pytest.mark.parametrize("kind", ["shopify", "woocommerce"])
def test_a_shops_live_pictures_are_checked(
    tmp_path: Path, good: bytes, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Store = Shopify(good) if kind == "shopify" else WooCommerce(good, others={"/2.jpg": MUG})
    with serving(store):
        for name, value in {
            **{"SHOPIFY_URL": store.address, "SHOPIFY_TOKEN": TOKEN},
            **{"WC_URL": store.address, "WC_KEY": WC[0], "WC_SECRET": WC[1]},
        }.items():
            monkeypatch.setenv(name, value)
        assert check(tmp_path, f"--{kind}", "--rate", "50") == (0 if kind == "shopify" else 1)
        lines = report(tmp_path)
        assert {line.product for line in lines.values()} <= {"Mug (1)", "Mug 1 (1)", "Mug 2 (2)"}
        assert lines["1.jpg"].passed == "yes"
        assert page_of(tmp_path)[-1]["before"] == f"{store.address}/1.jpg"
        assert "img-src 'self' https: http: file:" in (tmp_path / "out" / PAGE).read_text("utf-8")
        monkeypatch.setenv("SHOPIFY_TOKEN", "no")
        monkeypatch.setenv("WC_SECRET", "no")
        assert check(tmp_path, f"--{kind}") == 2


def test_an_interrupted_check_goes_on_where_it_stopped(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    whole = Cutter.check

    def interrupted(self: Cutter, image: Any, profile: Any) -> Any:
        seen.append(len(image))
        if len(seen) == 3:
            raise KeyboardInterrupt
        return whole(self, image, profile)

    monkeypatch.setattr(Cutter, "check", interrupted)
    assert check(tmp_path, str(photos)) == 130
    assert set(report(tmp_path)) == {"good.jpg", "mug.jpg"}
    with (tmp_path / "out" / PROGRESS).open("a") as file:
        file.write('{"mark": "cut sho')
    assert check(tmp_path, str(photos)) == 1
    assert len(seen) == 4
    assert set(report(tmp_path)) == {"good.jpg", "mug.jpg", "small.jpg"}
    assert not (tmp_path / "out" / PROGRESS).exists()
    # A check that has ended is made anew: what is live may have changed.
    assert check(tmp_path, str(photos)) == 1
    assert len(seen) == 7


def test_a_picture_of_nothing_fails_and_cannot_be_mended(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    Image.fromarray(np.full((1000, 1000, 3), 255, np.uint8)).save(tmp_path / "blank.png")
    assert check(tmp_path, str(tmp_path / "blank.png")) == 1
    assert "subjects 0, not 1 (assumed)" in report(tmp_path)["blank.png"].verdicts


@pytest.mark.parametrize(
    "words",
    [
        ["check", "x.jpg"],
        ["check", "--profile", "amazon-main"],
        ["check", "--shopify", "--woocommerce", "--profile", "temu"],
        ["check", "x.jpg", "--profile", "temu", "--rate", "0"],
        ["check", "x.jpg", "--profile", "temu", "--rate", "nan"],
        ["check", "x.jpg", "--profile", "temu", "--out", "made", "--mend", "./made"],
    ],
)
def test_wrong_arguments_are_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2


def test_a_table_without_addresses_and_an_unknown_profile_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "urls.csv").write_text("name\nmug\n")
    assert check(tmp_path, str(tmp_path / "urls.csv")) == 2
    assert "has no addresses" in capsys.readouterr().err
    assert main(["check", "x.jpg", "--profile", "nowhere", "--out", str(tmp_path / "out")]) in (1, 2)
    assert "choose from amazon-main" in capsys.readouterr().err
