"""`cutline learn`: which results are pairs, when a tuned network is written, and what it needs for that. No PyTorch."""

import csv
import io
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cutline import Cutter, resources
from cutline.batch.report import ReportLine, read_report, write_report
from cutline.commands import learn, main
from cutline.learn import tuning
from cutline.learn.entry import entry_text, with_entry
from cutline.learn.judge import MAX_LOSS, Verdict, interval
from cutline.learn.pairs import HELD_BACK, Pair, is_held_back, read_pairs, sort_lines
from cutline.pipeline.inference.model_config import read_entry
from cutline.pipeline.inference.network import Network
from cutline.pipeline.outputs.profiles import read_profiles
from cutline.review.editor import Editor
from devkit.running import ROOT

MUG = ROOT / "functions" / "site" / "static" / "mug.jpg"
STROKE = {"do": "remove", "box": [0, 0, 0.5, 1]}
LINES = {
    "mended": ReportLine("/a", "a.png", mended="yes"),
    "mended after redo": ReportLine("/b", "b.png", mended="yes"),
    "kept": ReportLine("/c", "c.png", confidence="0.2"),
    "redo": ReportLine("/d", "d.png", confidence="0.99"),
    "undecided, good": ReportLine("/e", "e.png", confidence="0.99"),
    "undecided, bad": ReportLine("/f", "f.png", confidence="0.3"),
    "no result": ReportLine("/g", mended="yes"),
}
DECISIONS = {"b.png": "redo", "c.png": "keep", "d.png": "redo", "e.png": ""}


def test_mended_and_kept_results_are_accepted_and_redone_ones_are_not() -> None:
    lines = sort_lines(LINES.values(), DECISIONS)
    assert lines.accepted == [LINES["mended"], LINES["mended after redo"], LINES["kept"]]
    assert (lines.others, lines.mended) == ([LINES["undecided, good"]], 2)


def test_a_quarter_is_held_back_and_always_the_same() -> None:
    names = [f"photograph {number}".encode() for number in range(2000)]
    share = np.mean([is_held_back(name) for name in names])
    assert abs(share - 1 / HELD_BACK) < 0.03
    assert [number for number in range(20) if is_held_back(names[number])] == [8, 9, 15]


@pytest.fixture(scope="module")
def cutter() -> Cutter:
    return Cutter(threads=1)


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory, cutter: Cutter) -> Path:
    """Four results: transparent and by a profile, each mended in the editor; on white; one that is no pair."""
    folder = tmp_path_factory.mktemp("reviewed")
    report = folder / "report.csv"
    for name, options in {
        "plain": [],
        "profile": ["--profile", "amazon-main"],
        "kept": ["--white"],
        "region": ["--roi", "0% 0% 50% 100%"],
    }.items():
        shutil.copy(MUG, folder / f"{name}.jpg")
        shown = [str(folder / f"{name}.jpg"), "--out", str(folder / "out"), "--report", str(report)]
        main(["cut", *shown, "--threads", "1", *options])
    editor = Editor(report, read_report(report.read_bytes()), cutter, "matte", dict(read_profiles()))
    for name in ("plain", "profile"):
        editor.save(key_of(editor.lines, name), [STROKE])
    return folder


def key_of(lines: dict[str, ReportLine], name: str) -> str:
    return next(key for key in lines if Path(key).stem == name)


def pair_of(reviewed: Path, cutter: Cutter, name: str) -> Pair | str:
    lines = read_report((reviewed / "report.csv").read_bytes())
    (found,) = read_pairs([lines[key_of(lines, name)]], reviewed, cutter.network("matte"), read_profiles())
    return found


@pytest.mark.parametrize(("name", "mended"), [("plain", True), ("profile", True), ("kept", False)])
def test_a_pair_has_the_alpha_that_was_accepted_whatever_became_of_it(
    reviewed: Path, cutter: Cutter, name: str, mended: bool
) -> None:
    """On white, cut to a profile's frame or transparent: in the photograph's own frame it is one alpha."""
    pair = pair_of(reviewed, cutter, name)
    assert isinstance(pair, Pair)
    alpha = cutter.cut(MUG.read_bytes()).mendable.alpha_u8
    assert pair.alpha_u8.shape == alpha.shape == pair.picture.rgb_u8.shape[:2]
    half = alpha.shape[1] // 2
    left = np.zeros_like(alpha[:, : half - 2]) if mended else alpha[:, : half - 2]
    np.testing.assert_array_equal(pair.alpha_u8[:, : half - 2], left)
    assert np.abs(pair.alpha_u8[:, half + 60 :].astype(int) - alpha[:, half + 60 :]).mean() < 2
    assert alpha[:, : half - 2].max() == 255


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("region", {}, "a region or a chosen subject only"),
        ("plain", {"subject": "garments"}, "--costume cannot be edited"),
        ("plain", {"picture": "https://shop.example/a.jpg"}, "on this machine"),
        ("plain", {"picture": "/nowhere.jpg"}, "on this machine"),
        ("plain", {"options": "{"}, "does not say how this result was made"),
        ("plain", {"options": '{"no": 1}'}, "does not say how this result was made"),
        ("plain", {"result": "nowhere.png"}, "No such file"),
        ("plain", {"picture": "out/plain.jpg.png"}, "a cut-out already"),
    ],
)
def test_what_is_no_pair_says_why(
    reviewed: Path, cutter: Cutter, name: str, change: dict[str, str], reason: str
) -> None:
    lines = read_report((reviewed / "report.csv").read_bytes())
    line = lines[key_of(lines, name)]
    values = {field: getattr(line, field) for field in line.__dataclass_fields__} | change
    if change.get("picture", "").startswith("out/"):
        values["picture"] = str(reviewed / change["picture"])
    (found,) = read_pairs([ReportLine(**values)], reviewed, cutter.network("matte"), read_profiles())
    assert isinstance(found, str)
    assert reason in found


HELD = np.full(8, 0.5)


@pytest.mark.parametrize(
    ("held", "drawn", "wins", "forgets"),
    [
        ([0.1] * 8, -0.0029, True, False),
        ([0.1] * 8, -0.0031, True, True),
        ([0.001] * 8, 0.0, False, False),  # within a tie
        ([0.4, 0.4, -0.1, -0.1, -0.1, 0, 0, 0], 0.0, False, False),  # the mean rises, but more are worse
        ([-0.1] * 8, 0.0, False, False),
    ],
)
def test_a_network_wins_on_the_pairs_held_back_and_must_not_forget(
    held: list[float], drawn: float, wins: bool, forgets: bool
) -> None:
    sheet = np.full((8, 2), 0.8)
    sheet[3:, 1] = np.nan
    verdict = Verdict((HELD, HELD + held), (sheet, np.add(sheet, [0.1, drawn])))
    assert (verdict.wins, verdict.forgets) == (wins, forgets)
    assert f"({np.mean(held):+.4f}, 95 % interval" in verdict.lines[0]
    assert f"({drawn:+.4f}; it must lose less than {MAX_LOSS})" in verdict.lines[2]


def test_the_interval_holds_the_mean_and_narrows_with_the_number() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for count in (10, 1000):
        low, high = interval(rng.normal(0.1, 0.05, count))
        assert low < 0.1 < high
        widths.append(high - low)
    assert 5 < widths[0] / widths[1] < 20  # about sqrt(100)


def test_an_entry_replaces_its_own_and_no_other(tmp_path: Path) -> None:
    text = (resources.models_dir() / "models.toml").read_text("utf-8")
    entry = entry_text(read_entry(resources.models_dir(), "matte"), "shop")
    twice = with_entry(with_entry(text, "shop", entry.replace("Apache", "Old")), "shop", entry)
    other = with_entry(twice, "shop-2", entry_text(read_entry(resources.models_dir(), "matte"), "shop-2"))
    found = tomllib.loads(with_entry(other, "shop", entry))
    matte = tomllib.loads(text)["matte"]
    del matte["confidence"]
    assert found["shop"] == {**matte, "file": "shop.onnx"}
    assert {name: value for name, value in found.items() if not name.startswith("shop")} == tomllib.loads(text)
    assert found["shop-2"]["file"] == "shop-2.onnx"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Forty mended results of small pictures: their own left half."""
    folder, lines = tmp_path / "results", []
    folder.mkdir()
    for number in range(40):
        y, x = np.mgrid[:48, :64]
        rgb = np.stack([x * 4, y * 4, np.full_like(x, number)], 2).astype(np.uint8)
        Image.fromarray(rgb).save(tmp_path / f"{number}.png")
        alpha = ((x < 32) * 255).astype(np.uint8)
        Image.fromarray(np.dstack([rgb, alpha])).save(folder / f"{number}.png")
        line = ReportLine(str(tmp_path / f"{number}.png"), f"{number}.png", mended="yes", options="{}")
        lines.append(line)
    (folder / "report.csv").write_bytes(write_report(lines))
    return folder


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """The training replaced by a copy of the network that claims to be so much better; keys held and drawn."""
    claims = {"held": 0.1, "drawn": 0.0}

    def tune(folder: Path, start: Path, minutes: float, threads: int) -> Iterator[float]:
        pictures, alphas = np.load(folder / "pictures.npy"), np.load(folder / "alphas.npy")
        assert pictures.shape[1:] == (416, 416, 3)
        assert len(alphas) == len(pictures)
        assert (alphas[:, 200, 100].min(), alphas[:, 200, 300].max()) == (255, 0)
        np.savez(folder / "sheet.npz", pictures=np.zeros((1, 384, 384, 3), np.uint8), alphas=np.zeros(0))
        for share in tuning.SHARES:
            shutil.copy(start, folder / f"tuned-{share}.onnx")
        yield 1.0

    def judge_pairs(network: Network, pairs: list[Pair]) -> np.ndarray:
        return np.full(len(pairs), 0.5 + claims["held"] * network.entry.name.startswith("tuned-"))

    def judge_drawn(network: Network, pictures: np.ndarray, alphas: np.ndarray) -> np.ndarray:
        name = network.entry.name
        share = 0 if name == "matte" else int(name.removeprefix("tuned-")) / 100
        return np.full((4, 2), 0.8 + claims["drawn"] * share)

    monkeypatch.setattr(tuning, "is_installed", lambda: True)
    monkeypatch.setattr(tuning, "tune", tune)
    monkeypatch.setattr(learn, "judge_pairs", judge_pairs)
    monkeypatch.setattr(learn, "judge_drawn", judge_drawn)
    return claims


def run(results: Path, *options: str) -> int:
    return main(["learn", str(results), "--threads", "1", *options])


@pytest.mark.parametrize(
    ("held", "drawn", "problem", "share"),
    [
        (0.1, 0.0, "", 100),
        (0.1, -0.005, "", 50),  # half of the way loses .0025
        (0.1, -0.1, "forgets too much", 0),
        (0.0, 0.0, "is not better on the pairs held back", 0),
    ],
)
def test_a_network_is_written_only_if_it_wins(
    results: Path,
    trainer: dict[str, float],
    capsys: pytest.CaptureFixture[str],
    held: float,
    drawn: float,
    problem: str,
    share: int,
) -> None:
    trainer.update(held=held, drawn=drawn)
    assert run(results) == bool(problem)
    out, err = capsys.readouterr()
    assert "pairs held back: IoU 0.5000 before" in out
    assert "4 drawn alphas, person: IoU 0.8000 before" in out
    if problem:
        assert f"the tuned network {problem}; nothing was written" in err
        assert not (results / "networks").exists()
        return
    assert f"{share} % of the way" in out
    networks = results / "networks"
    assert (networks / "shop.onnx").read_bytes() == (resources.models_dir() / "matte.onnx").read_bytes()
    found = Cutter("shop", models=networks, threads=1).cut(MUG.read_bytes())
    assert found.confidence is None
    # The folder has all others too: it can stand for the installed one.
    assert main(["cut", str(MUG), "--out", str(results / "x.png"), "--models", str(networks), "--model", "fine"]) == 0


def test_a_second_learning_starts_from_the_first_and_replaces_it(results: Path, trainer: dict[str, float]) -> None:
    networks = results / "networks"
    assert run(results) == 0
    (networks / "other.onnx").write_bytes(b"of another")
    assert run(results, "--models", str(networks), "--model", "shop", "--to", str(networks)) == 0
    assert (networks / "models.toml").read_text("utf-8").count("[shop]") == 1
    assert (networks / "other.onnx").read_bytes() == b"of another"


def test_an_interruption_leaves_nothing(
    results: Path, trainer: dict[str, float], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(*_: object) -> Iterator[float]:
        yield 0.5
        raise KeyboardInterrupt

    monkeypatch.setattr(tuning, "tune", interrupted)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    before = sorted(results.rglob("*"))
    assert run(results) == 130
    assert sorted(results.rglob("*")) == before
    assert list((tmp_path / "temporary").iterdir()) == []


def rewritten(results: Path, **change: str) -> None:
    lines = list(csv.DictReader(io.StringIO((results / "report.csv").read_text("utf-8"))))
    (results / "report.csv").write_bytes(write_report(ReportLine(**{**line, **change}) for line in lines))


@pytest.mark.parametrize(
    ("damage", "options", "message"),
    [
        (lambda results: rewritten(results, mended=""), [], "no result was mended, so there is nothing to learn"),
        (lambda results: (results / "report.csv").unlink(), [], "report.csv not found"),
        (lambda results: [path.unlink() for path in results.parent.glob("[1-3]*.png")], [], "at least 16 are needed"),
        (lambda results: [(results / f"{n}.png").write_bytes(b"x") for n in range(40)], [], "at least 16 are needed"),
        (lambda results: None, ["--decisions", "nowhere.csv"], "cannot read nowhere.csv"),
        (lambda results: None, ["--name", "fine"], "a network of that name that was not learned"),
        (lambda results: None, ["--model", "isnet"], "only `matte` and what was learned from it"),
        (lambda results: None, ["--models", "nowhere"], "no networks in nowhere"),
    ],
)
def test_what_cannot_be_learned_from_is_a_message(
    results: Path,
    trainer: dict[str, float],
    capsys: pytest.CaptureFixture[str],
    damage: object,
    options: list[str],
    message: str,
) -> None:
    damage(results)  # type: ignore[operator]
    assert run(results, *options) == 1
    assert message in capsys.readouterr().err
    assert not (results / "networks").exists()


@pytest.mark.parametrize(("option", "value"), [("--minutes", "nan"), ("--minutes", "0"), ("--name", "../x")])
def test_wrong_arguments_are_named(results: Path, capsys: pytest.CaptureFixture[str], option: str, value: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(results, option, value)
    assert f"argument {option}: " in capsys.readouterr().err


def test_without_pytorch_the_extra_is_named(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuning, "PACKAGES", ("no_such_package",))
    monkeypatch.setattr(resources, "is_installed", lambda: True)
    assert run(results) == 1
    assert "pip install 'cutline[learn]'" in capsys.readouterr().err


def test_a_training_that_fails_is_a_message(tmp_path: Path) -> None:
    """Without PyTorch for its absence, with it for that of the pictures."""
    with pytest.raises(tuning.TuningFailed, match=r"No module named|No such file"):
        list(tuning.tune(tmp_path, resources.models_dir() / "matte.onnx", 0.01, 1))
