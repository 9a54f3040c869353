"""`cutline compare-with`: pairs are found by name, agreement is measured, and the page has the worst first."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from cutline.commands import main
from cutline.commands.comparison import difference_picture, find_pairs, measure_agreement, same_shape
from devkit.clients import open_picture


def plane(left: int, right: int, width: int = 100) -> np.ndarray:
    alpha_u8 = np.zeros((50, width), np.uint8)
    alpha_u8[:, left:right] = 255
    return alpha_u8


def test_agreement_is_overlap_and_mean_difference() -> None:
    same = measure_agreement(plane(20, 60), plane(20, 60))
    assert (same.overlap, same.difference) == (1.0, 0.0)
    half = measure_agreement(plane(20, 60), plane(40, 80))
    assert half.overlap == pytest.approx(20 / 60)
    assert half.difference == pytest.approx(0.4)
    assert measure_agreement(plane(0, 0), plane(0, 0)).overlap == 1.0
    smaller = np.ascontiguousarray(plane(20, 60)[::2, ::2])
    assert measure_agreement(plane(20, 60), smaller).overlap > 0.95


def test_the_difference_shows_whose_opaque_pixels_have_no_match() -> None:
    shown = difference_picture(plane(20, 60), plane(40, 80))
    assert [tuple(shown[25, x]) for x in (5, 30, 50, 70)] == [(0, 0, 0), (0, 255, 0), (255, 255, 255), (255, 0, 0)]


def test_a_reduced_result_has_the_pictures_shape_and_a_cropped_one_not() -> None:
    assert same_shape(4000, 3000, 577, 433)
    assert not same_shape(4000, 3000, 500, 500)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Two pictures, and what another service made of them: one well, one badly."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / "old").mkdir()
    for name, pixels in {"person": data.astronaut()[:300, 60:380], "mug": data.coffee()[:400:2, ::2]}.items():
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{name}.jpg")
    assert (
        main(["cut", str(tmp_path / "pictures" / "person.jpg"), "--out", str(tmp_path / "old" / "person-no-bg.png")])
        == 0
    )
    bad = np.zeros((200, 300, 4), np.uint8)
    bad[:20, :20] = 255
    Image.fromarray(bad).save(tmp_path / "old" / "mug.jpg.png")
    return tmp_path


def test_results_are_found_by_the_names_of_their_pictures(shop: Path) -> None:
    found = {(pair.picture.name, pair.result.name) for pair in find_pairs(shop / "pictures", shop / "old")}
    assert found == {("person.jpg", "person-no-bg.png"), ("mug.jpg", "mug.jpg.png")}


def test_the_page_has_the_worst_first(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    out = shop / "page"
    assert main(["compare-with", str(shop / "old"), str(shop / "pictures"), "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["picture", "overlap", "difference", "old_kb", "new_kb", "ms"]
    assert [line.split()[0] for line in lines[1:3]] == ["mug.jpg", "person.jpg"]
    assert float(lines[1].split()[1]) < 0.1
    assert float(lines[2].split()[1]) > 0.98
    page = (out / "index.html").read_text("utf-8")
    assert page.index("of mug.jpg") < page.index("of person.jpg")
    shown = [out / name for name in page.split('src="')[1:] for name in [name.partition('"')[0]]]
    assert len(shown) == 8
    assert all(open_picture(path.read_bytes()).size[0] <= 480 for path in shown)


def test_what_cannot_be_compared_is_reported(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(np.zeros((200, 300, 3), np.uint8)).save(shop / "old" / "mug.jpg.png")
    Image.fromarray(np.zeros((50, 50, 4), np.uint8)).save(shop / "old" / "person-no-bg.png")
    capsys.readouterr()
    assert main(["compare-with", str(shop / "old"), str(shop / "pictures"), "--out", str(shop / "page")]) == 1
    reported = capsys.readouterr().err
    assert "is not transparent" in reported
    assert "cropped or framed" in reported
    assert "2 of 2 could not be compared" in reported
    assert main(["compare-with", str(shop / "pictures"), str(shop / "pictures")]) == 1
    assert "none of the results" in capsys.readouterr().err
    assert main(["compare-with", str(shop / "none"), str(shop / "pictures")]) == 1
